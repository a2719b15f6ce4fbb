# `cmake --install`: the program, its unit, configuration and documents. `cpack`, run in the build folder: the same as
# a Debian package.
include(GNUInstallDirs)
set(packaging ${CMAKE_SOURCE_DIR}/packaging)

install(TARGETS anser RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/configuration.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/anser)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/anser RENAME copyright)

# The unit names the program and its file, and only the installation knows the prefix of both: cpack's is another than
# the configured one. A configuration that the operator has written stays.
install(CODE "set(packaging \"${packaging}\")\nset(binary_dir \"${CMAKE_BINARY_DIR}\")")
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
]])

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME anser)
set(CPACK_PACKAGE_CONTACT "Anser <anser@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "instant-messaging server that speaks XMPP")
set(CPACK_PACKAGE_DESCRIPTION "Anser serves XMPP clients: accounts, rosters, presence, messages kept until they are
read, and a message archive. It keeps its data in files of its own and needs no other server.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# Without it cpack would first build everything, tests and benchmarks included.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/conffiles ${packaging}/debian/postinst
    ${packaging}/debian/prerm ${packaging}/debian/postrm)
include(CPack)
