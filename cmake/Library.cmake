# libanser.so, the client library for others: the static layers in one file that shows what carries ANSER_API, and of
# Asio what an application's io_context shares with it (docs/adr/0016-client-library.md). Our own programs and tests
# link the static layers instead.
if(ANSER_FUZZ)
  return()
endif()

add_library(anser_shared SHARED $<TARGET_OBJECTS:anser_sdk>)
add_library(Anser::anser ALIAS anser_shared)
target_link_libraries(anser_shared PUBLIC tl::expected Threads::Threads PRIVATE anser_sdk)
target_include_directories(anser_shared PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/sdk/include>
                                               $<INSTALL_INTERFACE:include>)
# Below 1.0 a minor version may break things, so it is part of the name that programs look for.
set(ANSER_SOVERSION ${PROJECT_VERSION_MAJOR})
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(ANSER_SOVERSION 0.${PROJECT_VERSION_MINOR})
endif()
set_target_properties(anser_shared PROPERTIES OUTPUT_NAME anser EXPORT_NAME anser VERSION ${PROJECT_VERSION}
                      SOVERSION ${ANSER_SOVERSION} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
set(map ${CMAKE_SOURCE_DIR}/packaging/libanser.map)
target_link_options(anser_shared PRIVATE -Wl,--version-script=${map})
set_property(TARGET anser_shared APPEND PROPERTY LINK_DEPENDS ${map})
if(ANSER_SANITIZE)
  target_link_options(anser_shared PRIVATE -fsanitize=${ANSER_SANITIZE})
else()
  target_link_options(anser_shared PRIVATE -Wl,--no-undefined)
endif()
