# demo_files.h: the files of web/demo as constants of the program, made anew when one of them changes.
set(pages_dir ${CMAKE_BINARY_DIR}/pages)
set(entries "")
foreach(page "index.html|/demo/|text/html; charset=utf-8" "demo.js|/demo/demo.js|text/javascript; charset=utf-8"
        "demo.css|/demo/demo.css|text/css; charset=utf-8")
  string(REPLACE "|" ";" page "${page}")
  list(LENGTH page parts)
  list(GET page 0 file)
  list(GET page 1 path)
  list(SUBLIST page 2 -1 type)
  list(JOIN type ";" type)
  set(source ${CMAKE_SOURCE_DIR}/web/demo/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} content)
  string(APPEND entries "    {\"${path}\", \"${type}\", R\"page(${content})page\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${pages_dir}/demo_files.h @ONLY CONTENT "// Made by cmake/Pages.cmake.
#pragma once

#include <string_view>

namespace anser::app {

struct PageFile {
  std::string_view path, type, content;
};

inline constexpr PageFile kDemoFiles[] = {
${entries}};

}  // namespace anser::app
")
