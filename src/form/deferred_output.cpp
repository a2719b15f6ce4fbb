#include "form/deferred_output.h"

#include <algorithm>
#include <cstring>

namespace anser::form {

Result<void> DeferredOutput::spill() {
  auto file = TemporaryFile::create(directory_);
  if (!file) return pass(file);
  file_ = std::move(*file);
  auto done = file_->append(memory_);
  if (!done) file_.reset();
  forget();
  return done;
}

Result<void> DeferredOutput::write(std::string_view data) {
  if (data.empty()) return {};
  if (!file_) {
    const bool fits = threshold_ > 0 && memory_.size() + data.size() < static_cast<std::uint64_t>(threshold_);
    if (fits) {
      memory_.append(data);
      return {};
    }
    if (auto done = spill(); !done) return done;
  }
  return file_->append(data);
}

Result<void> DeferredOutput::close() {
  if (threshold_ < 0 && !file_) return spill();
  return {};
}

Result<std::size_t> DeferredOutput::read(std::uint64_t offset, std::span<char> into) const {
  if (file_) return file_->read(offset, into);
  if (offset >= memory_.size() || into.empty()) return std::size_t{0};
  const std::size_t count = std::min<std::size_t>(into.size(), memory_.size() - offset);
  std::memcpy(into.data(), memory_.data() + offset, count);
  return count;
}

Result<std::string> DeferredOutput::bytes() const {
  if (!file_) return memory_;
  std::string all(file_->size(), '\0');
  for (std::size_t done = 0; done < all.size();) {
    const auto count = file_->read(done, std::span{all}.subspan(done));
    if (!count) return pass(count);
    if (*count == 0) return fail(Errc::io, "a temporary file has become shorter");
    done += *count;
  }
  return all;
}

Result<void> DeferredOutput::keep_as(const std::string& path) {
  return file_ ? file_->keep_as(path) : write_file(path, memory_);
}

void DeferredOutput::remove() {
  file_.reset();
  forget();
}

}  // namespace anser::form
