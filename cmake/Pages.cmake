# The files of web/NAME as constants of the program, made anew when one of them changes: NAME_files.h has CONSTANT.
#   embed_page(NAME CONSTANT "file|path|type"…)
set(pages_dir ${CMAKE_BINARY_DIR}/pages)

function(embed_page name constant)
  set(entries "")
  foreach(page ${ARGN})
    string(REPLACE "|" ";" page "${page}")
    list(GET page 0 file)
    list(GET page 1 path)
    list(GET page 2 type)
    set(source ${CMAKE_SOURCE_DIR}/web/${name}/${file})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    file(READ ${source} content)
    string(APPEND entries "    {\"${path}\", \"${type}; charset=utf-8\", R\"page(${content})page\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT ${pages_dir}/${name}_files.h @ONLY CONTENT "// Made by cmake/Pages.cmake.
#pragma once

#include \"app/pages.h\"

namespace anser::app {

inline constexpr PageFile ${constant}[] = {
${entries}};

}  // namespace anser::app
")
endfunction()

embed_page(demo kDemoFiles "index.html|/demo/|text/html" "demo.js|/demo/demo.js|text/javascript"
           "demo.css|/demo/demo.css|text/css")
embed_page(upload kUploadFiles "index.html|/upload|text/html" "upload.js|/upload/upload.js|text/javascript"
           "resumable.js|/upload/resumable.js|text/javascript" "upload.css|/upload/upload.css|text/css")
