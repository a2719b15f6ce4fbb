// What a reader costs: counts every allocation of this test program, each thread for itself.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "xml/reader.h"

namespace {
thread_local std::size_t allocations = 0;
thread_local std::ptrdiff_t live_bytes = 0;
}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  ++allocations;
  live_bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  return memory;
}

void operator delete(void* memory) noexcept {
  live_bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace anser::xml {
namespace {

using Event = StreamReader::Event;

constexpr std::string_view kHeader =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    "from='juliet@im.example.com' to='im.example.com' version='1.0' xml:lang='en'>";
constexpr std::string_view kChat =
    "<message to='romeo@example.net/orchard' id='a1b2' type='chat'><body>&lt;3</body>"
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>";

// Everything in `input`.
void read_all(StreamReader& reader, std::string_view input, int stanzas) {
  for (Event event = reader.next(input); event != Event::need_more; event = reader.next(input)) {
    ASSERT_NE(event, Event::error) << reader.error().message;
    if (event == Event::stanza) --stanzas;
  }
  ASSERT_EQ(stanzas, 0);
}

// A header, a stanza, a stanza in two pieces.
void read_some(StreamReader& reader) {
  read_all(reader, kHeader, 0);
  read_all(reader, kChat, 1);
  read_all(reader, kChat.substr(0, 50), 0);
  read_all(reader, kChat.substr(50), 1);
}

TEST(StreamReaderMemory, AnIdleReaderHoldsAlmostNothing) {
  StreamReader other;
  read_some(other);  // the thread's spare scratch belongs to no reader
  const std::ptrdiff_t before = live_bytes;

  StreamReader reader;
  read_some(reader);

  EXPECT_LT(static_cast<std::size_t>(live_bytes - before) + sizeof(StreamReader), 300u);
}

TEST(StreamReaderMemory, LetsGoOfLargeBuffers) {
  StreamReader reader;
  read_some(reader);
  const std::string open = "<message xmlns:p='p'><p:x/><body>" + std::string(200000, 'x');
  const std::string end = "</body></message>";
  std::string many = "<message>";
  for (int i = 0; i < 5000; ++i) many += "<a/>";
  many += "</message>";
  const std::ptrdiff_t before = live_bytes;

  read_all(reader, open, 0);
  read_all(reader, end, 1);
  read_all(reader, many, 1);

  EXPECT_LT(live_bytes - before, 20000);
}

TEST(StreamReaderMemory, ASteadyStreamOfStanzasAllocatesNothing) {
  StreamReader reader;
  read_all(reader, kHeader, 0);
  const std::string batch = std::string(kChat) + std::string(kChat);
  read_all(reader, batch, 2);
  const std::size_t before = allocations;

  for (int i = 0; i < 100; ++i) read_all(reader, batch, 2);

  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace anser::xml
