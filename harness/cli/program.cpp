#include "harness/cli/cli_main.hpp"

int main(int argc, char** argv) { return recollect::cli_main(argc, argv); }
