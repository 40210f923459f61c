# The Debian package of `make deb` (cpack): the component program alone; who builds on the libraries builds them.
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "The recollect authors <recollect@example.invalid>")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME recollect)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
# Below the project's own line.
set(CPACK_DEBIAN_PROGRAM_DESCRIPTION "Built for processors with AVX2 and FMA (x86-64-v3), on which its results are the
same bytes whoever makes them; on others it says so in one line and ends.")
# Which libraries it needs, and in which versions, the program itself says; what draws pictures is a choice.
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "gnuplot-nox, fonts-liberation, librsvg2-bin")
include(CPack)
