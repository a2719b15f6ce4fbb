#include "upload/answer_page.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "upload/html.h"

namespace anser::upload {
namespace {

namespace json = boost::json;

// A field that comes several times has a list.
json::object fields_of(const FormIntake::Fields& fields) {
  json::object all;
  for (const auto& [name, value] : fields) {
    auto* there = all.if_contains(name);
    if (!there) {
      all[name] = value;
    } else if (auto* list = there->if_array()) {
      list->emplace_back(value);
    } else {
      json::array both{*there, json::value(value)};
      *there = std::move(both);
    }
  }
  return all;
}

std::string json_answer(const FormAnswer& answer, std::string_view address) {
  std::string text = "{\"fields\": " + json::serialize(fields_of(answer.fields)) + ", \"files\": [";
  for (const auto& file : answer.files) {
    if (&file != &answer.files.front()) text += ", ";
    text += json_of(address, file.record, file.field, file.removal_key);
  }
  return text + "]}\n";
}

std::string value_of(const FormIntake::Fields& fields, std::string_view name) {
  std::string all;
  for (const auto& [field, value] : fields) {
    if (field != name) continue;
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

std::string size_for_people(std::uint64_t bytes) {
  constexpr std::uint64_t kStep = 1024;
  if (bytes < kStep) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB"};
  while (value >= kStep && unit + 1 < std::size(kUnits)) {
    value /= kStep;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string item_of(const FormAnswer::File& file, std::string_view address) {
  std::string item =
      fmt::format("<li><a href=\"{}\" rel=\"noreferrer\">{}</a> <small>{}</small>",
                  escaped(url_of(address, file.record)), escaped(file.record.name), size_for_people(file.record.size));
  if (!file.removal_key.empty())
    item += fmt::format(" <a href=\"{}\" rel=\"noreferrer\">删除 · Delete</a>",
                        escaped(removal_url_of(address, file.record, file.removal_key)));
  return item + "</li>\n";
}

struct Words {
  std::string_view seed, english;
};
Words words_of(Sentence sentence) {
  switch (sentence) {
    case Sentence::no_access:
      return {"无法访问存储目录!", "The folder of files cannot be read."};
    case Sentence::no_directory:
      return {"无法创建存储目录!", "The folder of files is not there and cannot be made."};
    case Sentence::no_form:
      return {"只能处理multipart/form-data类型的数据!", "Only data of the type multipart/form-data is taken."};
    case Sentence::reading:
      return {"解析数据时出现如下问题:", "What went wrong when the form was read:"};
    case Sentence::storing:
      return {"存储文件时出现如下问题:", "What went wrong when a file was stored:"};
  }
  return {};
}

constexpr std::string_view kBack = "\n<p><a href=\"/upload\">返回 · Back</a></p>";

}  // namespace

net::HttpResponse answer_of(const FormAnswer& answer, std::string_view address, const net::HttpRequest& request) {
  if (wanted(request) == Telling::json) {
    net::HttpResponse response{.status = 201, .body = json_answer(answer, address), .type = "application/json"};
    response.fields.emplace_back("cache-control", "no-store");
    return response;
  }
  if (wanted(request) == Telling::text) {
    net::HttpResponse response{.status = 201, .body = {}};
    for (const auto& file : answer.files) response.body += url_of(address, file.record) + "\n";
    response.fields.emplace_back("cache-control", "no-store");
    return response;
  }
  std::string body =
      "<h1>文件上传 <small>File upload</small></h1>\n<p>用户:" + escaped(value_of(answer.fields, "author")) +
      " <small>User</small></p>\n<p>来自:" + escaped(value_of(answer.fields, "company")) +
      " <small>From</small></p>\n<p>成功上传的文件:";
  if (answer.files.empty()) {
    body += "无 <small>Files: none</small></p>";
  } else {
    body += " <small>Files</small></p>\n<ul>\n";
    for (const auto& file : answer.files) body += item_of(file, address);
    body += "</ul>";
  }
  return page(201, "文件上传 · File upload", body.append(kBack));
}

net::HttpResponse refusal_of(Sentence sentence, const Problem& problem, const net::HttpRequest& request) {
  if (wanted(request) != Telling::page) return response_of(problem, request);
  const Words words = words_of(sentence);
  std::string body =
      fmt::format("<h1>文件上传 <small>File upload</small></h1>\n<p class=\"error\">{}<br><small>{}</small>",
                  words.seed, words.english);
  if (sentence == Sentence::reading || sentence == Sentence::storing) {
    body += "<br>" + escaped(problem.detail);
    if (problem.permitted && problem.actual)
      body += fmt::format(" <small>({} &gt; {})</small>", *problem.actual, *problem.permitted);
  }
  auto response = page(problem.status, "文件上传 · File upload", (body + "</p>").append(kBack));
  response.fields.insert(response.fields.end(), problem.fields.begin(), problem.fields.end());
  return response;
}

}  // namespace anser::upload
