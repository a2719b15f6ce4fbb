// What the tests of this layer share: forms as browsers write them, and folders that go with the test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "form/disk_file_upload.h"

namespace anser::form::test {

inline constexpr std::string_view kType = "multipart/form-data; boundary=B";

inline std::string field(std::string_view name, std::string_view value, std::string_view more = "") {
  return std::string{"--B\r\nContent-Disposition: form-data; name=\""}
      .append(name)
      .append("\"\r\n")
      .append(more)
      .append("\r\n")
      .append(value)
      .append("\r\n");
}
inline std::string file(std::string_view name, std::string_view file_name, std::string_view content) {
  return std::string{"--B\r\nContent-Disposition: form-data; name=\""}
      .append(name)
      .append("\"; filename=\"")
      .append(file_name)
      .append("\"\r\nContent-Type: text/plain\r\n\r\n")
      .append(content)
      .append("\r\n");
}
inline const std::string kEnd = "--B--\r\n";

// A request whose body comes in pieces.
inline UploadRequest request(std::string body, std::size_t piece = 65536) {
  UploadRequest made;
  made.content_type = kType;
  made.content_length = body.size();
  made.read = [body = std::move(body), piece, at = std::size_t{0}](std::span<char> into) mutable {
    const std::size_t count = std::min({piece, into.size(), body.size() - at});
    std::copy_n(body.data() + at, count, into.data());
    at += count;
    return count;
  };
  return made;
}

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "anser-form-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + '/' + std::string{name}; }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{path_}, std::filesystem::directory_iterator{}));
  }

 private:
  std::string path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace anser::form::test
