// The soak (tests/soak), for a moment: `./dev soak MINUTES` goes on as long as asked.
#include "tests/e2e/edge.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

TEST(Soak, AFewSecondsOfEverythingAtOnceAreInOrder) {
  const std::string program = weir_program();
  const std::string soak = build_directory() + "/tests/soak/soak";
  const Finished soaked = run(soak, {"--seconds", "8", "--weir", program}, {}, kPatience * 10);
  EXPECT_EQ(soaked.code, 0) << soaked.output << soaked.errors;
}

}  // namespace
}  // namespace weir::testing
