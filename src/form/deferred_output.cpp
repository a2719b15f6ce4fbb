#include "form/deferred_output.h"

#include <algorithm>
#include <cstring>

namespace anser::form {

Result<void> DeferredOutput::spill() {
  if (!is_shared_) {
    auto file = TemporaryFile::create(directory_);
    if (!file) return pass(file);
    file_ = std::make_shared<TemporaryFile>(std::move(*file));
  }
  auto done = file_->append(memory_);
  if (!done) return done;
  is_file_ = true;
  size_ = memory_.size();
  forget();
  return done;
}

Result<void> DeferredOutput::write(std::string_view data) {
  if (data.empty()) return {};
  if (!is_file_) {
    const bool fits = threshold_ > 0 && memory_.size() + data.size() < static_cast<std::uint64_t>(threshold_);
    if (fits) {
      memory_.append(data);
      return {};
    }
    if (auto done = spill(); !done) return done;
  }
  size_ += data.size();
  return file_->append(data);
}

Result<void> DeferredOutput::close() {
  if (threshold_ < 0 && !is_file_) return spill();
  return {};
}

Result<std::size_t> DeferredOutput::read(std::uint64_t offset, std::span<char> into) const {
  if (is_file_) {
    if (offset >= size_) return std::size_t{0};
    return file_->read(start_ + offset, into.first(std::min<std::uint64_t>(into.size(), size_ - offset)));
  }
  if (offset >= memory_.size() || into.empty()) return std::size_t{0};
  const std::size_t count = std::min<std::size_t>(into.size(), memory_.size() - offset);
  std::memcpy(into.data(), memory_.data() + offset, count);
  return count;
}

Result<std::string> DeferredOutput::bytes() const {
  if (!is_file_) return memory_;
  std::string all(size_, '\0');
  for (std::size_t done = 0; done < all.size();) {
    const auto count = read(done, std::span{all}.subspan(done));
    if (!count) return pass(count);
    if (*count == 0) return fail(Errc::io, "a temporary file has become shorter");
    done += *count;
  }
  return all;
}

Result<void> DeferredOutput::keep_as(const std::string& path) {
  if (!is_file_) return write_file(path, memory_);
  return is_shared_ ? file_->copy_to(path, start_, size_) : file_->keep_as(path);
}

void DeferredOutput::remove() {
  file_.reset();
  is_file_ = false;
  forget();
}

}  // namespace anser::form
