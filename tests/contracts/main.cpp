#include "tests/contracts/contracts_main.hpp"

int main(int count, char** arguments) { return recollect::contracts_main(count, arguments); }
