// Addresses from strangers: parsing never crashes, and what it made it makes again, whole and from its parts.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "core/jid.h"
#include "core/precis.h"
#include "core/text.h"

namespace {

using namespace anser;

template <class Prepare>
void check_prepare(Prepare prepare, std::string_view text) {
  const Result<std::string> once = prepare(text);
  if (!once) return;
  ANSER_ASSERT(!once->empty());
  ANSER_ASSERT(core::is_xml_text(*once));
  ANSER_ASSERT(prepare(*once) == once);
}

void check_jid(const core::Jid& jid) {
  const auto again = core::Jid::parse(jid.full());
  ANSER_ASSERT(again);
  ANSER_ASSERT(*again == jid);
  ANSER_ASSERT(again->local() == jid.local() && again->domain() == jid.domain() && again->resource() == jid.resource());
  ANSER_ASSERT(core::Jid::make(jid.local(), jid.domain(), jid.resource()) == jid);
  ANSER_ASSERT(core::Jid::parse(jid.bare()) == jid.to_bare());
  ANSER_ASSERT(core::Jid::parse(jid.domain()) == jid.to_domain());
  ANSER_ASSERT(!jid.has_resource() || jid.to_bare().with_resource(jid.resource()) == jid);
  ANSER_ASSERT(jid.local().size() <= core::kMaxJidPart && jid.domain().size() <= core::kMaxJidPart);
  ANSER_ASSERT(jid.resource().size() <= core::kMaxJidPart);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};

  const auto jid = core::Jid::parse(text);
  if (jid) check_jid(*jid);
  ANSER_ASSERT(!core::is_plain_jid(text) || (jid && jid->full() == text));
  check_prepare(core::prepare_local, text);
  check_prepare(core::prepare_domain, text);
  check_prepare(core::prepare_resource, text);
  check_prepare(core::username_case_mapped, text);
  check_prepare(core::opaque_string, text);
  ANSER_ASSERT(!core::is_xml_text(text) || core::is_utf8(text));
  return 0;
}
