// One query of an archive (XEP-0313 §4): its request, and the page that its answers make. A value; knows no connection.
#pragma once

#include <string>
#include <string_view>

#include "anser/archive.h"

namespace anser::sdk {

inline constexpr std::string_view kArchiveNs = "urn:xmpp:mam:2";

class ArchivePageReader {
 public:
  static constexpr std::size_t kMessages = 1'000;            // of a page, whatever was asked for
  static constexpr std::size_t kBytes = 64UL * 1024 * 1024;  // of XML in a page

  // The archive's address is prepared.
  ArchivePageReader(std::string archive, std::size_t page_size);

  const std::string& archive() const { return archive_; }  // "": the account's

  // A result of this query. Errc::protocol with what is wrong, when it adds nothing to the page.
  Result<void> add(const Stanza::Extension& result, const Element& parsed);
  // The answer that ends it: the page. Errc::protocol if it is none.
  Result<ArchivePage> finish(const std::optional<Element>& fin) &&;

 private:
  std::string archive_;
  std::size_t limit_, bytes_ = 0;
  ArchivePage page_;
};

// Errc::invalid_argument if the query cannot be asked.
Result<Element> write_query(const ArchiveQuery& query, std::string_view queryid);

}  // namespace anser::sdk
