#include "xmpp/framing.h"

#include "codec/websocket.h"
#include "net/websocket.h"
#include "xmpp/stream_text.h"

namespace anser::xmpp {
namespace {

bool is_stanza(std::string_view name) { return name == "iq" || name == "message" || name == "presence"; }

void end_with(net::Connection& connection, std::uint16_t code, std::string_view reason) {
  if (connection.closed()) return;
  if (!connection.websocket()) {
    connection.out().append("</stream:stream>");
    return connection.close_after_flush();
  }
  write_element(connection, std::string{"<close xmlns='"}.append(xml::kFramingNs).append("'/>"));
  connection.close_websocket(code, reason);
}

}  // namespace

void write_element(net::Connection& connection, std::string_view element) {
  std::string& out = connection.out();
  connection.flush_soon();
  if (!connection.websocket()) {
    out.append(element);
    return;
  }
  const std::size_t start = out.size();
  const std::string_view tag = element.substr(0, element.find_first_of(" />"));
  out.append(tag);
  if (is_stanza(tag.substr(1)))
    out.append(" xmlns='").append(xml::kClientNs).append("'");
  else if (tag.starts_with("<stream:"))
    out.append(" xmlns:stream='").append(xml::kStreamsNs).append("'");
  out.append(element.substr(tag.size()));
  connection.end_message(start);
}

void write_header(net::Connection& connection, std::string_view host, std::string_view to, std::string_view id,
                  bool version) {
  std::string& out = connection.out();
  const std::size_t start = out.size();
  append_header(out, host, to, id, version, connection.websocket() != nullptr);
  connection.end_message(start);
  connection.flush_soon();
}

void end_stream(net::Connection& connection) { end_with(connection, codec::close_code::kNormal, {}); }

void fail_stream(net::Connection& connection, const StreamFailure& failure) {
  if (connection.closed()) return;
  std::string error;
  append_stream_error(error, failure);
  write_element(connection, error);
  end_with(connection, failure.close_code, failure.condition);
}

std::optional<StreamFailure> check_message(net::Connection& connection, std::string_view message) {
  const net::WebSocket* websocket = connection.websocket();
  if (!websocket) return std::nullopt;
  if (!websocket->is_text())
    return StreamFailure{"bad-format", "messages are text here", {}, codec::close_code::kUnsupportedData};
  if (message.empty()) return StreamFailure{"bad-format", "a message begins with '<'"};
  return std::nullopt;
}

}  // namespace anser::xmpp
