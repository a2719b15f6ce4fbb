// Any bytes: our reader and expat must agree, in whatever pieces the bytes come, and what we write must come back.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/xml_judge.h"

namespace {

using namespace anser::xml;

void expect(const std::string& complaint) {
  if (complaint.empty()) return;
  std::fprintf(stderr, "complaint: %s\n", complaint.c_str());
  std::abort();
}

void expect_same(const judge::Reading& a, const judge::Reading& b, const char* what) {
  if (!a.same_as(b)) expect(std::string(what) + ": '" + a.error + "' and '" + b.error + "'");
}

// Pieces of lengths that depend on the bytes, so the fuzzer can steer them.
std::vector<std::size_t> steered_cuts(std::string_view bytes) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0, at = 0; i < bytes.size() && at < bytes.size(); i += 3) {
    at += static_cast<unsigned char>(bytes[i]) % 16;
    cuts.push_back(at);
  }
  return cuts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<std::size_t> single = judge::every_byte(size);
  const std::vector<std::size_t> steered = steered_cuts(bytes);

  const judge::Reading whole = judge::read(bytes, {});
  expect_same(whole, judge::read(bytes, single), "byte by byte");
  expect_same(whole, judge::read(bytes, steered), "in pieces");
  expect(judge::judge_document(bytes, whole));

  const judge::Reading tight = judge::read(bytes, {}, judge::kTightLimits);
  expect_same(tight, judge::read(bytes, single, judge::kTightLimits), "tight, byte by byte");
  expect_same(tight, judge::read(bytes, steered, judge::kTightLimits), "tight, in pieces");

  expect(judge::judge_alone(bytes));
  return 0;
}
