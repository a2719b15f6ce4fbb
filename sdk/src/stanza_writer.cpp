#include "sdk/src/stanza_writer.h"

#include "sdk/src/stanza_access.h"
#include "sdk/src/stanza_error.h"
#include "xml/writer.h"

namespace anser::sdk {

void append_stanza(std::string& out, const Stanza& stanza, std::string_view id, std::string_view from) {
  const std::string_view name = name_of(stanza.kind());
  xml::Writer writer{out};
  writer.open(name).attr_if("to", stanza.to()).attr_if("from", from.empty() ? stanza.from() : from);
  writer.attr_if("id", id.empty() ? stanza.id() : id).attr_if("type", StanzaAccess::type_attribute(stanza));
  writer.attr_if("xml:lang", stanza.language()).finish_tag();

  const std::size_t start = out.size();
  StanzaAccess::append_children(out, stanza);
  for (const Stanza::Extension& extension : stanza.raw_extensions()) out.append(extension.xml);
  if (stanza.error()) append_error(out, *stanza.error());
  if (out.size() == start) {
    out.insert(start - 1, 1, '/');
  } else {
    writer.close();
  }
}

}  // namespace anser::sdk
