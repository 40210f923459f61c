# Toolchain: Debian's cross compiler for 64-bit Arm, and the libraries that cmake/aarch64.sh has unpacked.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# Headers of this machine's own libraries must not be seen, so everything comes from there. Under one name:
# with two for the same folder, configuring again would compile everything again.
get_filename_component(folder "${CMAKE_CURRENT_LIST_DIR}/../build/aarch64" REALPATH)
set(CMAKE_FIND_ROOT_PATH "${folder}/root")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# What these libraries need themselves.
set(CMAKE_EXE_LINKER_FLAGS_INIT
  "-Wl,-rpath-link,${CMAKE_FIND_ROOT_PATH}/lib/aarch64-linux-gnu:${CMAKE_FIND_ROOT_PATH}/usr/lib/aarch64-linux-gnu")
set(CMAKE_CROSSCOMPILING_EMULATOR "${folder}/emulate")
