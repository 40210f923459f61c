#include "base/register_own.hpp"
#include "tests/contracts/contracts_main.hpp"

int main(int count, char** arguments) {
  return recollect::contracts_main(count, arguments, &recollect::register_own);
}
