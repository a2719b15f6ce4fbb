// Immutable bytes that several owners share: a message's payload on its way to many sessions. One allocation holds the
// count and the bytes. The count is atomic because a payload may cross cores; the bytes never change after `copy`.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace anser::domain {

class Bytes {
 public:
  Bytes() = default;
  static Bytes copy(std::string_view source);

  Bytes(const Bytes& other) noexcept : block_(other.block_) {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Bytes(Bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Bytes& operator=(Bytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Bytes() {
    if (block_ && block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) ::operator delete(block_);
  }

  std::string_view view() const { return block_ ? std::string_view{block_->data(), block_->size} : std::string_view{}; }
  std::size_t size() const { return block_ ? block_->size : 0; }
  bool empty() const { return size() == 0; }

  friend bool operator==(const Bytes& a, const Bytes& b) { return a.view() == b.view(); }

 private:
  struct Block {
    std::atomic<std::uint32_t> owners;
    std::uint32_t size;
    char* data() { return reinterpret_cast<char*>(this + 1); }
  };
  Block* block_ = nullptr;
};

inline Bytes Bytes::copy(std::string_view source) {
  Bytes bytes;
  if (source.empty()) return bytes;
  void* memory = ::operator new(sizeof(Block) + source.size());
  bytes.block_ = new (memory) Block{{1}, static_cast<std::uint32_t>(source.size())};
  std::memcpy(bytes.block_->data(), source.data(), source.size());
  return bytes;
}

}  // namespace anser::domain
