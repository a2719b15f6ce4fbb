# Everything comes from Debian 12 packages (script/setup installs them); nothing is downloaded or vendored.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc i18n)
find_package(SQLite3 REQUIRED)
find_package(Boost 1.81 QUIET)
find_package(Boost 1.74 REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
find_library(TINFO tinfo REQUIRED)  # libedit's own: what the terminal can do
find_package(spdlog REQUIRED)

# Where the server's memory comes from (docs/adr/0019); the sanitizers bring an allocator of their own. A program names it
# first, for whoever stands first is asked for malloc, and it stays though main.cpp asks for nothing itself.
add_library(anser_memory INTERFACE)
if(NOT ANSER_SANITIZE AND NOT ANSER_FUZZ)
  find_package(mimalloc 2 REQUIRED)
  target_link_libraries(anser_memory INTERFACE -Wl,--push-state,--no-as-needed mimalloc -Wl,--pop-state)
endif()

# Asio is used header-only; the defines keep what we do not use out of the build.
add_library(anser_asio INTERFACE)
target_link_libraries(anser_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(anser_asio INTERFACE BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)

add_library(anser_toml INTERFACE)
target_compile_definitions(anser_toml INTERFACE TOML_EXCEPTIONS=0 TOML_ENABLE_FORMATTERS=0)
add_library(anser_cli INTERFACE)
