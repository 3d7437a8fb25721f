// How long weir's threads ask to run before others on their core get their turn, as the kernel tells it.
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

using namespace std::chrono_literals;

/// struct sched_attr of sched_setattr(2); the fourth word is sched_runtime, a slice where the policy is the usual one.
using Attributes = std::array<uint64_t, 7>;
constexpr size_t kRuntime = 3;

std::chrono::nanoseconds slice_of(pid_t thread) {
  Attributes told{};
  EXPECT_EQ(syscall(SYS_sched_getattr, thread, told.data(), sizeof told, 0), 0);
  return std::chrono::nanoseconds(told[kRuntime]);
}

/// What this kernel tells of a thread that has asked for `slice`: the same, or nothing where it knows no slices.
std::chrono::nanoseconds granted(std::chrono::nanoseconds slice) {
  std::chrono::nanoseconds told{};
  std::thread([&] {
    Attributes wanted{};
    EXPECT_EQ(syscall(SYS_sched_getattr, 0, wanted.data(), sizeof wanted, 0), 0);
    wanted[kRuntime] = static_cast<uint64_t>(slice.count());
    EXPECT_EQ(syscall(SYS_sched_setattr, 0, wanted.data(), 0), 0);
    told = slice_of(0);
  }).join();
  return told;
}

pid_t thread_called(pid_t program, const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(program) + "/task")) {
    std::string found;
    std::getline(std::ifstream(task.path() / "comm"), found);
    if (found == name) return std::stoi(task.path().filename());
  }
  return -1;
}

TEST(Slices, AWorkersAreShortAndTheControlThreadsLong) {
  ConfigText config;
  config.old_endpoints = {"127.0.0.1:1"};
  const auto edge = weir_with(config);
  const pid_t weir = edge->program().id();
  EXPECT_EQ(slice_of(thread_called(weir, "weir-0")), granted(100us));
  EXPECT_EQ(slice_of(weir), granted(10ms));
}

}  // namespace
}  // namespace weir::testing
