// A request that is read until it ends: item after item, each as a stream, or all of them kept. Takes from a source
// that blocks, and so for programs, not for the thread of an event loop. Used by one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "form/file_item.h"
#include "form/form_reader.h"

namespace anser::form {

struct UploadRequest {
  std::string content_type;
  std::optional<std::uint64_t> content_length;
  // The next bytes of the body: how many have been put there, at least one; 0 at its end. What it throws, and what
  // `progress` throws, goes through to who called; then nothing more comes.
  std::function<std::size_t(std::span<char>)> read;
};

struct UploadSettings {
  FormReader::Settings form = {};           // its file_bytes holds for every item, fields too
  std::int64_t size_threshold = 10 * 1024;  // DeferredOutput
  std::string directory = {};               // of temporary files; "" is default_directory()
  // Bytes of the body read so far, all of them or -1, items so far. Called for each piece that is read and each item.
  std::function<void(std::uint64_t, std::int64_t, std::size_t)> progress = {};
};

class ItemStream {
 public:
  static tl::expected<ItemStream, FormError> open(UploadRequest request, UploadSettings settings);

  // The next item; what is left of this one is read over. False: there is none, and the request has been read to its
  // end, whatever stood behind the form: what the source has next is another request.
  tl::expected<bool, FormError> next();
  // Of the item: its number, from 1, its header, and its data piece by piece, "" at its end. Valid until the next call.
  std::size_t number() const { return items_; }
  const codec::PartHeader& header() const { return reader_.item(); }
  const std::string& told_charset() const { return reader_.told_charset(); }
  tl::expected<std::string_view, FormError> data();

 private:
  static constexpr std::size_t kBuffer = 64 * 1024;

  ItemStream(FormReader reader, UploadRequest request, UploadSettings settings);
  tl::expected<FormReader::Event, FormError> step();  // never `need_more` nor `error`
  tl::expected<void, FormError> read_more();
  void tell_progress();
  bool all_has_come() const;

  FormReader reader_;
  UploadRequest request_;
  UploadSettings settings_;
  std::string buffer_;
  std::string_view unread_;  // of buffer_
  std::uint64_t bytes_ = 0;
  std::uint64_t item_bytes_ = 0;
  std::size_t items_ = 0;
  bool in_item_ = false;
  bool ended_ = false;   // the source has said so
  bool broken_ = false;  // by an exception, or a source that says nonsense: bytes may be missing
};

// All items of the request. On an error none is left, nor a temporary file. So many have a file of their own; the files
// of those behind them are one, since each is open as long as its item lives, and a program has few of those.
inline constexpr std::size_t kOwnFiles = 64;
tl::expected<std::vector<FileItem>, FormError> read_items(UploadRequest request, UploadSettings settings);

}  // namespace anser::form
