// One connection's zlib, both ways (XEP-0138). Each piece of output ends with a sync flush, so the peer can read all of
// it at once. Input may grow only so much: every compressed byte earns `ratio` bytes of output, and credit is bounded
// by `inflated_per_read`, so neither one piece nor a long stream of small ones can blow up.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/compression.h"

namespace anser::net {

class Zip {
 public:
  static Result<std::unique_ptr<Zip>> make(const CompressionLimits& limits);
  ~Zip();
  Zip(const Zip&) = delete;
  Zip& operator=(const Zip&) = delete;

  // Appends to `wire`.
  void deflate(std::string_view plain, std::string& wire);

  // The next piece of input; only when more() is false. The bytes may go away once inflate() has returned.
  void feed(std::string_view compressed);
  // How much of `into` was filled. Errc::policy_violation for a bomb, bad_request for what is not zlib, closed when the
  // peer ended its zlib stream.
  Result<std::size_t> inflate(std::span<char> into);
  // inflate() has more to give of the piece it was fed.
  bool more() const { return more_; }

 private:
  explicit Zip(const CompressionLimits& limits);

  const CompressionLimits limits_;
  z_stream out_{};
  z_stream in_{};
  bool out_ready_ = false;
  bool in_ready_ = false;
  bool more_ = false;
  std::size_t credit_;
  std::string rest_;  // input that did not fit, between two calls of inflate()
};

}  // namespace anser::net
