# `cmake --install`: the program with its unit, configuration and documents; the client library; and what its users
# compile with. `cpack`, run in the build folder: the same as Debian packages, one for each of the three components.
include(GNUInstallDirs)
set(libdir ${CMAKE_INSTALL_LIBDIR})
if(CMAKE_LIBRARY_ARCHITECTURE)
  # Where Debian has libraries, also below /usr/local: its linker, CMake and pkg-config look there.
  set(libdir lib/${CMAKE_LIBRARY_ARCHITECTURE})
endif()
set(packaging ${CMAKE_SOURCE_DIR}/packaging)

# ---- component server

install(TARGETS anser RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
install(FILES docs/configuration.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/anser COMPONENT server)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/anser RENAME copyright COMPONENT server)

# The unit names the program and its file, and only the installation knows the prefix of both: cpack's is another than
# the configured one. A configuration that the operator has written stays.
install(CODE "set(packaging \"${packaging}\")\nset(binary_dir \"${CMAKE_BINARY_DIR}\")" COMPONENT server)
install(CODE [[
  set(ANSER_BINDIR "${CMAKE_INSTALL_PREFIX}/bin")
  set(ANSER_ETC "${CMAKE_INSTALL_PREFIX}/etc")
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(ANSER_ETC "/etc")
  endif()
  configure_file("${packaging}/anser.service.in" "${binary_dir}/packaging/anser.service" @ONLY)
  file(INSTALL "${binary_dir}/packaging/anser.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
  if(NOT EXISTS "$ENV{DESTDIR}${ANSER_ETC}/anser/anser.toml")
    file(INSTALL "${packaging}/anser.toml" DESTINATION "${ANSER_ETC}/anser")
  endif()
  execute_process(COMMAND gzip -9nc "${packaging}/anser.1" OUTPUT_FILE "${binary_dir}/packaging/anser.1.gz"
                  COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL "${binary_dir}/packaging/anser.1.gz" DESTINATION "${CMAKE_INSTALL_PREFIX}/share/man/man1")
]] COMPONENT server)

# ---- components library and development

if(TARGET anser_shared)
  include(CMakePackageConfigHelpers)
  set(cmake_dir ${libdir}/cmake/Anser)
  set(generated ${CMAKE_BINARY_DIR}/packaging)
  install(TARGETS anser_shared EXPORT AnserTargets LIBRARY DESTINATION ${libdir} COMPONENT library
          NAMELINK_COMPONENT development)
  install(DIRECTORY sdk/include/anser DESTINATION include COMPONENT development FILES_MATCHING PATTERN "*.h")
  install(EXPORT AnserTargets NAMESPACE Anser:: DESTINATION ${cmake_dir} COMPONENT development)
  configure_package_config_file(${packaging}/AnserConfig.cmake.in ${generated}/AnserConfig.cmake
                                INSTALL_DESTINATION ${cmake_dir})
  write_basic_package_version_file(${generated}/AnserConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${generated}/AnserConfig.cmake ${generated}/AnserConfigVersion.cmake DESTINATION ${cmake_dir}
          COMPONENT development)
  # Like the unit: only the installation knows the prefix.
  install(CODE "set(template \"${packaging}/anser.pc.in\")\nset(generated \"${generated}\")
    set(libdir \"${libdir}\")\nset(version \"${PROJECT_VERSION}\")" COMPONENT development)
  install(CODE [[
    configure_file("${template}" "${generated}/anser.pc" @ONLY)
    file(INSTALL "${generated}/anser.pc" DESTINATION "${CMAKE_INSTALL_PREFIX}/${libdir}/pkgconfig")
  ]] COMPONENT development)
  set(library_package libanser${ANSER_SOVERSION})
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${library_package} RENAME copyright COMPONENT library)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libanser-dev RENAME copyright COMPONENT development)
  install(FILES docs/tutorial.md docs/sdk.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libanser-dev
          COMPONENT development)
  install(DIRECTORY sdk/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libanser-dev COMPONENT development
          FILES_MATCHING PATTERN "*.cpp" PATTERN "*.h")
endif()

# ---- Debian packages: anser, libanser and its version, libanser-dev

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL server library development)
set(CPACK_PACKAGE_NAME anser)
set(CPACK_PACKAGE_CONTACT "Anser <anser@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Without it cpack would first build everything, tests and benchmarks included.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_SERVER_PACKAGE_NAME anser)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_SERVER_DESCRIPTION "instant-messaging server that speaks XMPP
Anser serves XMPP clients: accounts, rosters, presence, messages kept until they are
read, and a message archive. It keeps its data in files of its own and needs no other server.")
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA ${packaging}/debian/conffiles ${packaging}/debian/postinst
    ${packaging}/debian/prerm ${packaging}/debian/postrm)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION "XMPP client library in C++
What a program needs to log in to an XMPP server, chat, and stay connected through a
bad network without losing or doubling a message.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libanser-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION}), libexpected-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SUGGESTS "libboost1.81-dev")
set(CPACK_DEBIAN_DEVELOPMENT_DESCRIPTION "XMPP client library in C++ (development files)
Headers, the CMake package Anser, the pkg-config file, a tutorial and its programs.")
include(CPack)
