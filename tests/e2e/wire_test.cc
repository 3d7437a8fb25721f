// The fuzzer over live sockets (tests/fuzz/wire.cc), for a moment and with seeds that stay.
#include "tests/e2e/edge.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

class WireFuzzer : public ::testing::TestWithParam<const char*> {};

TEST_P(WireFuzzer, EverythingIsSeenAsItWasMeant) {
  const std::string program = weir_program();
  const std::string fuzzer = build_directory() + "/tests/fuzz/fuzz_wire";
  const Finished fuzzed = run(fuzzer, {"--turns", "150", "--seed", GetParam(), "--weir", program}, {}, kPatience * 10);
  EXPECT_EQ(fuzzed.code, 0) << fuzzed.output << fuzzed.errors;
}

INSTANTIATE_TEST_SUITE_P(Seeds, WireFuzzer, ::testing::Values("1", "1001", "2001", "3001"));

}  // namespace
}  // namespace weir::testing
