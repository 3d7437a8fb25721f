# The Debian package: what is installed where, and `cmake --workflow --preset release`, which makes build/release/*.deb.
set(papers ${CMAKE_BINARY_DIR}/papers)
file(MAKE_DIRECTORY ${papers})

# What the program tells of itself.
function(weir_paper file)
  add_custom_command(OUTPUT ${papers}/${file} COMMAND weir ${ARGN} > ${papers}/${file} DEPENDS weir VERBATIM)
endfunction()
function(weir_zipped from to)
  add_custom_command(OUTPUT ${papers}/${to} COMMAND gzip -9nc ${from} > ${papers}/${to} DEPENDS ${from} VERBATIM)
endfunction()
weir_paper(weir.1 man)
weir_paper(weir.bash completion bash)
weir_paper(weir.zsh completion zsh)
weir_paper(weir.fish completion fish)
weir_paper(weir.schema.json schema)
configure_file(systemd/package/changelog.in ${papers}/changelog @ONLY)
weir_zipped(${papers}/weir.1 weir.1.gz)
weir_zipped(${papers}/changelog changelog.gz)
weir_zipped(${PROJECT_SOURCE_DIR}/README.md README.md.gz)
add_custom_target(weir_papers DEPENDS ${papers}/weir.1.gz ${papers}/weir.bash ${papers}/weir.zsh ${papers}/weir.fish
  ${papers}/weir.schema.json ${papers}/changelog.gz ${papers}/README.md.gz)

# Packing needs the program and its papers, not every test.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
install(TARGETS weir DESTINATION bin)
install(FILES systemd/weir.service systemd/weir.socket systemd/weir-https.socket DESTINATION /lib/systemd/system)
install(FILES systemd/package/weir.yaml DESTINATION /etc/weir)
install(DIRECTORY DESTINATION /etc/weir/credentials DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
install(FILES systemd/watch/weir.rules.yml systemd/watch/grafana-weir.json systemd/watch/prometheus.yml DESTINATION share/weir/watch)
install(FILES ${papers}/weir.schema.json DESTINATION share/weir)
install(FILES ${papers}/weir.1.gz DESTINATION share/man/man1)
install(FILES ${papers}/weir.bash DESTINATION share/bash-completion/completions RENAME weir)
install(FILES ${papers}/weir.zsh DESTINATION share/zsh/vendor-completions RENAME _weir)
install(FILES ${papers}/weir.fish DESTINATION share/fish/vendor_completions.d)
install(FILES ${papers}/README.md.gz ${papers}/changelog.gz systemd/package/copyright DESTINATION share/doc/weir)
install(FILES config/example.yaml DESTINATION share/doc/weir/examples)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME weir)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "weir maintainers <maintainers@weir.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "edge proxy for phased rollouts")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"weir stands in front of the old and the new version of a web service and sends
each request to one of them: by rules, else by a sticky hashed cohort. Shares
are changed while it runs, and requests, errors and latency are counted per
version.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION httpd)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS tzdata)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/systemd/package/conffiles;${PROJECT_SOURCE_DIR}/systemd/package/postinst;${PROJECT_SOURCE_DIR}/systemd/package/prerm;${PROJECT_SOURCE_DIR}/systemd/package/postrm")
include(CPack)
