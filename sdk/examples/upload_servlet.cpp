// UploadServlet, an old Java program on commons-fileupload, line by line: a form with author, company, file1 and file2.
// A CGI program (RFC 3875): the request is in CONTENT_TYPE, CONTENT_LENGTH, REQUEST_METHOD and on standard input. Where
// it differs from the original: the answer is in UTF-8 and escaped, and a file gets its name's safe form.
//
// upload_servlet DIRECTORY [TEMPORARY DIRECTORY]
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>

#include "anser/file_upload.h"

namespace sdk = anser::sdk;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::int64_t content_length() {
  const std::string digits = variable("CONTENT_LENGTH");
  const bool is_number = !digits.empty() && digits.size() < 18 && digits.find_first_not_of("0123456789") == digits.npos;
  return is_number ? std::stoll(digits) : -1;
}

std::string html(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

void make_up_list(std::string& result, const std::string& fragment) {
  if (fragment.empty()) return;
  if (!result.empty()) result += ",";
  result += html(fragment);
}

void do_post(sdk::RequestContext& request, const std::string& upload_dir, const std::string& repository) {
  std::ostream& out = std::cout;
  out << "Content-Type: text/html;charset=utf-8\r\n\r\n";

  // The directory that uploaded files are kept in.
  if (upload_dir.empty()) {
    out << "无法访问存储目录!\n";
    return;
  }
  std::error_code error;
  if (!std::filesystem::exists(upload_dir, error) && !std::filesystem::create_directory(upload_dir, error)) {
    out << "无法创建存储目录!\n";
    return;
  }

  if (!sdk::DiskFileUpload::is_multipart_content(request)) {
    out << "只能处理multipart/form-data类型的数据!\n";
    return;
  }

  // [read]
  sdk::DiskFileUpload upload;
  upload.set_size_max(1024 * 1024 * 200);  // 200 MB at most
  upload.set_size_threshold(1024 * 1024);  // what has 1 MB goes to a temporary file
  upload.set_repository_path(repository);  // "": where the system has its own
  upload.set_header_encoding("gb2312");    // of the names of fields and files

  std::vector<sdk::FileItem> items;
  try {
    items = upload.parse_request(request);
  } catch (const sdk::FileUploadException& e) {
    out << "解析数据时出现如下问题:\n" << html(e.what()) << '\n';
    return;
  }

  std::map<std::string, std::string> attributes;
  for (sdk::FileItem& item : items) {
    if (item.is_form_field()) {
      attributes[item.field_name()] = item.get_string("GB2312");
      continue;
    }
    try {
      if (item.name()->empty()) continue;
      const std::string file_name = item.safe_name();
      item.write(upload_dir + '/' + file_name);
      attributes[item.field_name()] = file_name;
    } catch (const sdk::FileUploadException& e) {
      out << "存储文件时出现如下问题:\n" << html(e.what()) << '\n';
      return;
    }
    item.remove();  // it would go with `items` as well
  }
  // [/read]

  out << "用户:" << html(attributes["author"]) << "<br>\n";
  out << "来自:" << html(attributes["company"]) << "<br>\n";
  std::string file_list;
  make_up_list(file_list, attributes["file1"]);
  make_up_list(file_list, attributes["file2"]);
  out << "成功上传的文件:" << (file_list.empty() ? "无" : file_list) << '\n';
}

}  // namespace

int main(int count, char** arguments) {
  sdk::StreamRequestContext request{std::cin, variable("CONTENT_TYPE"), content_length(), variable("REQUEST_METHOD")};
  do_post(request, count > 1 ? arguments[1] : "", count > 2 ? arguments[2] : "");
}
