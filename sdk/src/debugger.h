// Shows the application's debugger both directions as XML, with secrets blanked.
#pragma once

#include <atomic>
#include <string_view>

#include "anser/configuration.h"
#include "xml/reader.h"

namespace anser::sdk {

class DebugView {
 public:
  // It shows nothing any more once `alive` is false.
  explicit DebugView(Debugger debugger, const std::atomic<bool>* alive = nullptr)
      : debugger_(std::move(debugger)), alive_(alive) {}

  bool on() const { return static_cast<bool>(debugger_); }
  // Whole elements, or a stream header or its end, one after the other.
  void sent(std::string_view xml) const;
  void received(const xml::StreamHeader& header) const;
  void received(const xml::Stanza& stanza) const;
  void received_end() const;
  void note(std::string_view line) const;  // as a comment

 private:
  // What it throws is nobody's to handle.
  void show(Direction direction, std::string_view xml) const;

  Debugger debugger_;
  const std::atomic<bool>* alive_;
};

// The same XML with what is secret in it replaced by "…".
std::string blanked(std::string_view xml);

}  // namespace anser::sdk
