// Forms with files (multipart/form-data), for programs that answer HTTP requests, with the vocabulary of Java's
// commons-fileupload: docs/file-upload.md maps one to the other. Items are collected, small ones in memory and large
// ones in temporary files, or read one after the other as they come.
//
// Here errors are exceptions, as they are there; a program that is ported keeps its shape. The rest of the library
// returns Result. Whatever is thrown, no temporary file is left.
//
// An object is used by one thread at a time. Calls block on the request and on the disk.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anser/export.h"

namespace anser::sdk {

// What can go wrong. The sentence has nothing of what was sent.
class ANSER_API FileUploadException : public std::runtime_error {
 public:
  explicit FileUploadException(const std::string& message);
  ~FileUploadException() override;
};

// More than is allowed: `permitted` and `actual` are bytes or items; `actual` is what is known so far.
class ANSER_API SizeException : public FileUploadException {
 public:
  SizeException(const std::string& message, std::int64_t permitted, std::int64_t actual, std::string field_name = {},
                std::string file_name = {});
  ~SizeException() override;

  std::int64_t permitted() const { return permitted_; }
  std::int64_t actual() const { return actual_; }
  // Of the item that it is about; "" if it is about none.
  const std::string& field_name() const { return field_name_; }
  const std::string& file_name() const { return file_name_; }

 private:
  std::int64_t permitted_, actual_;
  std::string field_name_, file_name_;
};

// The request as a whole (set_size_max).
class ANSER_API SizeLimitExceededException : public SizeException {
 public:
  using SizeException::SizeException;
  ~SizeLimitExceededException() override;
};

// One item (set_file_size_max).
class ANSER_API FileSizeLimitExceededException : public SizeException {
 public:
  using SizeException::SizeException;
  ~FileSizeLimitExceededException() override;
};

// The number of items (set_file_count_max).
class ANSER_API FileCountLimitExceededException : public SizeException {
 public:
  using SizeException::SizeException;
  ~FileCountLimitExceededException() override;
};

// The header of one item (set_part_header_size_max).
class ANSER_API PartHeaderSizeLimitExceededException : public SizeException {
 public:
  using SizeException::SizeException;
  ~PartHeaderSizeLimitExceededException() override;
};

// The request is not multipart/form-data.
class ANSER_API FileUploadContentTypeException : public FileUploadException {
 public:
  FileUploadContentTypeException(const std::string& message, std::string content_type);
  ~FileUploadContentTypeException() override;

  const std::string& content_type() const { return content_type_; }  // as it came: from a stranger

 private:
  std::string content_type_;
};

// Its boundary is missing or is none.
class ANSER_API FileUploadBoundaryException : public FileUploadException {
 public:
  using FileUploadException::FileUploadException;
  ~FileUploadBoundaryException() override;
};

// The body is not what its type says, or ends too early.
class ANSER_API MalformedStreamException : public FileUploadException {
 public:
  using FileUploadException::FileUploadException;
  ~MalformedStreamException() override;
};

// A stream of an item is read after the iterator has gone on.
class ANSER_API ItemSkippedException : public FileUploadException {
 public:
  using FileUploadException::FileUploadException;
  ~ItemSkippedException() override;
};

// A file's name with a NUL in it: one that an old program would see only the beginning of.
class ANSER_API InvalidFileNameException : public FileUploadException {
 public:
  InvalidFileNameException(const std::string& message, std::string name);
  ~InvalidFileNameException() override;

  const std::string& name() const { return name_; }  // as it came, the NUL included

 private:
  std::string name_;
};

// There is no such charset.
class ANSER_API UnsupportedEncodingException : public FileUploadException {
 public:
  using FileUploadException::FileUploadException;
  ~UnsupportedEncodingException() override;
};

// A temporary file, or the file that write() makes.
class ANSER_API FileUploadIOException : public FileUploadException {
 public:
  using FileUploadException::FileUploadException;
  ~FileUploadIOException() override;
};

// A request as this component needs it. What read() throws goes through to who called, and ends the reading. A request
// is read to its end, whatever stands behind the form, so that the next one on a connection is found where it begins.
class ANSER_API RequestContext {
 public:
  virtual ~RequestContext();

  virtual std::string method() const = 0;
  virtual std::string content_type() const = 0;        // "" if the request has none
  virtual std::int64_t content_length() const = 0;     // -1 if it is not known
  virtual std::string character_encoding() const;      // of names in headers, unless set_header_encoding(); ""
  virtual std::size_t read(std::span<char> into) = 0;  // of the body: how many, at least one; 0 at its end
};

// A request whose body is read from a stream: content_length bytes of it, or all if that is -1.
class ANSER_API StreamRequestContext : public RequestContext {
 public:
  StreamRequestContext(std::istream& body, std::string content_type, std::int64_t content_length = -1,
                       std::string method = "POST");
  ~StreamRequestContext() override;

  std::string method() const override;
  std::string content_type() const override;
  std::int64_t content_length() const override;
  std::size_t read(std::span<char> into) override;

 private:
  std::istream& body_;
  std::string content_type_, method_;
  std::int64_t content_length_;
  std::int64_t left_;
};

// A request whose body is in memory, and stays there as long as this.
class ANSER_API BytesRequestContext : public RequestContext {
 public:
  BytesRequestContext(std::string_view body, std::string content_type, std::string method = "POST");
  ~BytesRequestContext() override;

  std::string method() const override;
  std::string content_type() const override;
  std::int64_t content_length() const override;
  std::size_t read(std::span<char> into) override;

 private:
  std::string_view body_;
  std::string content_type_, method_;
  std::int64_t content_length_;
};

struct ItemIteration;  // an inside

// Names in lower case, in the order they came; values are the bytes that came.
using FileItemHeaders = std::vector<std::pair<std::string, std::string>>;

// One item that has been collected. Its temporary file goes with it.
class ANSER_API FileItem {
 public:
  FileItem(FileItem&& other) noexcept;
  FileItem& operator=(FileItem&& other) noexcept;
  ~FileItem();

  bool is_form_field() const;
  void set_form_field(bool state);
  // The control's name, UTF-8.
  const std::string& field_name() const;
  void set_field_name(std::string name);
  // The file's name as the client says it, with directories: UTF-8. None for a field, empty for a control that was left
  // empty. InvalidFileNameException.
  std::optional<std::string> name() const;
  // The last part of name(), without what is dangerous in a file's name or misleads who reads it; never empty. A name
  // to store it by under another directory for each upload, or to show.
  std::string safe_name() const;
  std::optional<std::string> content_type() const;
  const FileItemHeaders& headers() const;

  std::uint64_t size() const;
  bool is_in_memory() const;
  // All bytes. FileUploadIOException.
  std::string get() const;
  // As text, in UTF-8: of the charset that its header says, else the form's `_charset_`, else ISO-8859-1.
  std::string get_string() const;
  // Of this charset. UnsupportedEncodingException.
  std::string get_string(std::string_view encoding) const;
  // Its bytes from the start. The stream may outlive the item. After remove() it is bad, and not at its end.
  std::unique_ptr<std::istream> input_stream() const;

  // Puts the content under `path`, whatever is there: moves its temporary file, or writes what is in memory. All or
  // nothing; a symbolic link there is replaced, not followed; the file is its owner's alone (0600). Once more: a copy.
  void write(const std::string& path);
  // Forgets the content, and its temporary file. What write() has made stays.
  void remove();

 private:
  friend class DiskFileUpload;
  struct ANSER_HIDDEN Inside;
  explicit FileItem(std::unique_ptr<Inside> inside);

  std::unique_ptr<Inside> inside_;
};

// One item while it comes: its header, and its bytes to be read.
class ANSER_API FileItemStream {
 public:
  bool is_form_field() const { return !name_; }
  const std::string& field_name() const { return field_name_; }
  std::optional<std::string> name() const;  // as FileItem::name
  std::optional<std::string> content_type() const { return content_type_; }
  const FileItemHeaders& headers() const { return headers_; }
  // How many bytes of it have been put there; 0 at its end. ItemSkippedException once the iterator has gone on.
  std::size_t read(std::span<char> into);

 private:
  friend class FileItemIterator;
  FileItemStream() = default;

  std::shared_ptr<ItemIteration> iteration_;
  std::size_t number_ = 0;
  std::string field_name_;
  std::optional<std::string> name_, content_type_;
  FileItemHeaders headers_;
};

// The items of a request in their order. The request must outlive it.
class ANSER_API FileItemIterator {
 public:
  // Is there one more? What has not been read of the item before is read over.
  bool has_next();
  // The next. std::out_of_range if there is none.
  FileItemStream next();

 private:
  friend class DiskFileUpload;
  explicit FileItemIterator(std::shared_ptr<ItemIteration> iteration);

  std::shared_ptr<ItemIteration> iteration_;
};

// Settings, and reading by them. It may serve any number of requests, one after the other.
class ANSER_API DiskFileUpload {
 public:
  static constexpr int kDefaultSizeThreshold = 10240;
  // Bytes read, all of them or -1, the number of the item that is being read (0 before the first). What it throws goes
  // through to who called, and ends the reading.
  using ProgressListener = std::function<void(std::int64_t bytes_read, std::int64_t content_length, int items)>;

  // POST, PUT or PATCH of multipart/form-data?
  static bool is_multipart_content(const RequestContext& request);

  // -1: no limit. Of the whole request; -1 by default.
  void set_size_max(std::int64_t bytes) { size_max_ = bytes; }
  std::int64_t size_max() const { return size_max_; }
  // Of each item, fields too; -1 by default.
  void set_file_size_max(std::int64_t bytes) { file_size_max_ = bytes; }
  std::int64_t file_size_max() const { return file_size_max_; }
  // Of items, fields too; 1000 by default.
  void set_file_count_max(std::int64_t items) { file_count_max_ = items; }
  std::int64_t file_count_max() const { return file_count_max_; }
  // Of each item's header; 4096 by default.
  void set_part_header_size_max(std::int64_t bytes) { part_header_size_max_ = bytes; }
  std::int64_t part_header_size_max() const { return part_header_size_max_; }
  // An item of so many bytes is in a temporary file, a smaller one in memory. 0: one of any byte; -1: each.
  void set_size_threshold(int bytes) { size_threshold_ = bytes; }
  int size_threshold() const { return size_threshold_; }
  // Where temporary files lie; "", the default: $TMPDIR or /tmp.
  void set_repository_path(std::string directory) { repository_path_ = std::move(directory); }
  const std::string& repository_path() const { return repository_path_; }
  // What the bytes of names are, if they are not plainly UTF-8; "", the default: what the request says, else UTF-8.
  // UnsupportedEncodingException.
  void set_header_encoding(std::string encoding);
  const std::string& header_encoding() const { return header_encoding_; }
  void set_progress_listener(ProgressListener listener) { progress_listener_ = std::move(listener); }

  // All items. On an error none is left.
  std::vector<FileItem> parse_request(RequestContext& request);
  // With these set before.
  std::vector<FileItem> parse_request(RequestContext& request, int size_threshold, std::int64_t size_max,
                                      std::string path);
  // One item after the other, nothing kept.
  FileItemIterator item_iterator(RequestContext& request);

 private:
  std::int64_t size_max_ = -1;
  std::int64_t file_size_max_ = -1;
  std::int64_t file_count_max_ = 1000;
  std::int64_t part_header_size_max_ = 4096;
  int size_threshold_ = kDefaultSizeThreshold;
  std::string repository_path_;
  std::string header_encoding_;
  ProgressListener progress_listener_;
};

}  // namespace anser::sdk
