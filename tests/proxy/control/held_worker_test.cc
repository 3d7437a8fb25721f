// The answer to a change waits for a worker that is busy, and not for ever.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <future>
#include <thread>

#include "proxy/server.h"
#include "tests/support/files.h"

namespace weir::proxy {
namespace {

using namespace std::chrono_literals;
using testing::Directory;
using testing::read_file;
using testing::write_file;

std::atomic<bool> holding = false, let_go = false;

void hold(int) {
  holding = true;
  constexpr timespec kMoment{0, 1'000'000};
  while (!let_go) nanosleep(&kMoment, nullptr);
}

/// weir in this process, so that one of its threads can be held.
class Inside {
 public:
  Inside() {
    write_file(directory_ / "weir.yaml",
               "listeners: [{ address: \"127.0.0.1:0\" }]\nworkers: 2\nservices:\n  - name: shop\n    stable: old\n"
               "    cohort: { key: [cookie:uid] }\n    versions:\n      old: { endpoints: [\"127.0.0.1:9\"] }\n"
               "      new: { endpoints: [\"127.0.0.1:9\"] }\n");
    auto made = Server::create(directory_ / "weir.yaml");
    if (!made) throw std::runtime_error(made.problems().front().text());
    server_ = std::move(*made);
    control_ = std::thread([this] { server_->run(); });
    set(1);  // answered: both workers run
  }
  ~Inside() {
    boost::asio::post(server_->control(), [this] { server_->stop(); });
    control_.join();
  }

  control::Outcome set(uint32_t share) {
    std::promise<control::Outcome> answer;
    boost::asio::post(server_->control(), [&] {
      server_->operate().set_split({"shop", {{"new", config::Share{share}}}, "", {"me", "here", "api"}, {}, false},
                                   [&](control::Outcome outcome) { answer.set_value(std::move(outcome)); });
    });
    return answer.get_future().get();
  }

  /// Keeps the thread of the first worker from doing anything, from now on until it is let go.
  static void hold_a_worker() {
    struct sigaction action {};
    action.sa_handler = hold;
    sigaction(SIGUSR2, &action, nullptr);
    holding = let_go = false;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      if (read_file(task.path().string() + "/comm") != "weir-0\n") continue;
      ASSERT_EQ(syscall(SYS_tgkill, getpid(), std::stoi(task.path().filename().string()), SIGUSR2), 0);
      while (!holding) std::this_thread::yield();
      return;
    }
    FAIL() << "no thread of the first worker";
  }

 private:
  Directory directory_;
  std::unique_ptr<Server> server_;
  std::thread control_;
};

/// Lets the worker go a moment after the beginning.
class Soon {
 public:
  ~Soon() { thread_.join(); }

 private:
  std::thread thread_{[] {
    std::this_thread::sleep_for(100ms);
    let_go = true;
  }};
};

TEST(HeldWorker, TheAnswerWaitsForIt) {
  Inside inside;
  Inside::hold_a_worker();
  const Soon soon;
  const control::Outcome outcome = inside.set(250'000);
  EXPECT_TRUE(let_go) << "answered while the worker was still held";
  EXPECT_EQ(outcome.pending_workers, 0u);
  EXPECT_EQ(outcome.workers, 2u);
}

TEST(HeldWorker, AfterASecondTheAnswerSaysWhoIsMissing) {
  Inside inside;
  Inside::hold_a_worker();
  const control::Outcome outcome = inside.set(250'000);
  EXPECT_EQ(outcome.refusal, control::Refusal::none);
  EXPECT_TRUE(outcome.changed);
  EXPECT_EQ(outcome.pending_workers, 1u);
  const Soon soon;
  const control::Outcome repeat = inside.set(250'000);
  EXPECT_FALSE(repeat.changed);
  EXPECT_EQ(repeat.pending_workers, 0u) << "a repeat waits for the same workers";
  EXPECT_TRUE(let_go);
}

}  // namespace
}  // namespace weir::proxy
