// Shows the application's debugger both directions as XML, with secrets blanked.
#pragma once

#include <string_view>

#include "anser/configuration.h"
#include "xml/reader.h"

namespace anser::sdk {

class DebugView {
 public:
  explicit DebugView(Debugger debugger) : debugger_(std::move(debugger)) {}

  bool on() const { return static_cast<bool>(debugger_); }
  // Whole elements, or a stream header or its end, one after the other.
  void sent(std::string_view xml) const;
  void received(const xml::StreamHeader& header) const;
  void received(const xml::Stanza& stanza) const;
  void received_end() const;
  void note(std::string_view line) const;  // as a comment

 private:
  Debugger debugger_;
};

// The same XML with what is secret in it replaced by "…".
std::string blanked(std::string_view xml);

}  // namespace anser::sdk
