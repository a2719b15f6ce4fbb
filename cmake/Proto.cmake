# anser_proto: what protoc makes of proto/anser.proto, included as "anser.pb.h", in namespace anser::proto.
#
# The schema's package is `socket`, which the apps know; in C++ that would be a namespace with the name of a function of
# POSIX. And protobuf keeps one register of all schemas in a process, in which a program that uses libanser.so may have
# one of its own that is called anser.proto, or a message socket.Message: it would stop at its start. So we compile a copy
# under names of our own. Neither stands on the wire nor in the JSON form.
find_package(Protobuf 3.21 REQUIRED)
set(schema ${CMAKE_SOURCE_DIR}/proto/anser.proto)
set(proto_root ${CMAKE_BINARY_DIR}/proto)
set(proto_dir ${proto_root}/im.anser)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema})
file(READ ${schema} text)
string(REPLACE "\npackage socket;" "\npackage anser.proto;" ours "${text}")
if(ours STREQUAL text)
  message(FATAL_ERROR "${schema} has no line 'package socket;'")
endif()
file(CONFIGURE OUTPUT ${proto_dir}/anser.proto CONTENT "${ours}" @ONLY)
add_custom_command(OUTPUT ${proto_dir}/anser.pb.cc ${proto_dir}/anser.pb.h
                   COMMAND protobuf::protoc --cpp_out=${proto_root} --proto_path=${proto_root} im.anser/anser.proto
                   DEPENDS ${proto_dir}/anser.proto protobuf::protoc VERBATIM)
add_library(anser_proto STATIC ${proto_dir}/anser.pb.cc)
target_include_directories(anser_proto SYSTEM PUBLIC ${proto_root} ${proto_dir})
target_link_libraries(anser_proto PUBLIC protobuf::libprotobuf PRIVATE anser_flags)
target_compile_options(anser_proto PRIVATE -w)  # not our code
