// The demo as a new user meets it: what it prints, what it keeps, how it ends.
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/config_text.h"
#include "tests/support/files.h"
#include "tests/support/places.h"
#include "tests/support/program.h"
#include "tests/support/socket.h"

namespace weir::testing {
namespace {

constexpr Duration kLong = kPatience * 6;

std::string free_address() {
  const std::string host = own_loopback();
  return host + ":" + std::to_string(free_port(host));
}

/// A file as somebody may have left it, with a share of 10%.
std::string kept_config(const std::string& edge) {
  ConfigText text;
  text.edge = edge;
  text.admin = free_address();
  text.old_endpoints = {free_address()};
  text.new_endpoints = {free_address()};
  text.share = "10%";
  return text.text() + "# mine\n";
}

class Demo : public ::testing::Test {
 protected:
  Demo() : file_(directory_ / "demo.yaml") {}

  /// `weir demo` on ports that were free, with a file of ours.
  std::vector<std::string> words() const {
    return {"demo", "--edge", edge_, "--admin", admin_, "--config", file_, "--visitors", "200"};
  }

  Directory directory_;
  std::string file_;
  std::string edge_ = free_address(), admin_ = free_address();
};

TEST_F(Demo, TheSmokeRunFindsEverybodyWhereTheirBucketSays) {
  const Finished finished = run(weir_program(), {"demo", "--smoke"}, {}, kLong);
  EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
  EXPECT_NE(finished.output.find("1000 users at 10%"), std::string::npos) << finished.output;
  EXPECT_NE(finished.output.find("1000 users at 25%"), std::string::npos) << finished.output;
  EXPECT_NE(finished.output.find("smoke: ok"), std::string::npos) << finished.output;
}

TEST_F(Demo, SaysWhatToTryThenShowsALinePerVersion) {
  Program demo(weir_program(), words());
  EXPECT_TRUE(demo.wait_for_text("curl -H 'Cookie: uid=7f3a9c2e' http://" + edge_ + "/")) << demo.errors();
  EXPECT_TRUE(demo.wait_for_text("sed -i 's/new: 10%/new: 25%/' " + file_)) << demo.output();
  EXPECT_TRUE(demo.wait_for_text("90.0%", kLong)) << demo.output();
  EXPECT_TRUE(demo.wait_for_text("10.0%", kLong)) << demo.output();
  EXPECT_EQ(demo.output().find('\x1b'), std::string::npos) << "nothing is redrawn in a file";
}

TEST_F(Demo, AnEditedShareIsShown) {
  Program demo(weir_program(), words());
  ASSERT_TRUE(demo.wait_for_text("90.0%", kLong)) << demo.output() << demo.errors();
  std::string text = read_file(file_);
  const size_t at = text.find("new: 10%");
  ASSERT_NE(at, std::string::npos);
  replace_file(file_, text.replace(at, 8, "new: 25%"));
  EXPECT_TRUE(demo.wait_for_text("75.0%", kLong)) << demo.output() << demo.errors();
}

TEST_F(Demo, AKeyBreaksTheNewVersionAndARolloutTurnsBack) {
  Program demo(weir_program(), words(), {.input = "b"});
  ASSERT_TRUE(demo.wait_for_text("new is broken", kLong)) << demo.output() << demo.errors();
  const Finished started = run(weir_program(), {"rollout", "start", "shop", "--admin", admin_});
  EXPECT_EQ(started.code, 0) << started.errors;
  const Finished watched = run(weir_program(), {"rollout", "status", "shop", "--watch", "--admin", admin_}, {}, kLong);
  EXPECT_EQ(watched.code, 0) << watched.errors;
  EXPECT_NE(watched.output.find("rolled_back"), std::string::npos) << watched.output;
}

TEST_F(Demo, EndsCleanlyWhenInterrupted) {
  Program demo(weir_program(), words());
  ASSERT_TRUE(demo.wait_for_text("req/s", kLong)) << demo.output() << demo.errors();
  demo.signal(SIGINT);
  const auto exit = demo.wait(kLong);
  ASSERT_TRUE(exit.has_value()) << demo.output() << demo.errors();
  EXPECT_EQ(exit->code, 0) << demo.errors();
}

TEST_F(Demo, EndsWhenItsTerminalIsClosed) {
  const std::vector<std::string> said = words();
  std::vector<const char*> arguments{weir_program().c_str()};
  for (const std::string& word : said) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  int terminal = -1;
  const pid_t demo = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(demo, 0);
  if (demo == 0) {
    ::execv(arguments[0], const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  std::string shown;
  const Deadline deadline = within(kLong);
  pollfd readable{terminal, POLLIN, 0};
  while (shown.find("req/s") == std::string::npos && ::poll(&readable, 1, milliseconds_left(deadline)) == 1) {
    char piece[4096];
    const ssize_t got = ::read(terminal, piece, sizeof piece);
    if (got <= 0) break;
    shown.append(piece, static_cast<size_t>(got));
  }
  EXPECT_NE(shown.find("req/s"), std::string::npos) << shown;
  ::close(terminal);
  int status = -1;
  const bool ended = wait_until([&] { return ::waitpid(demo, &status, WNOHANG) == demo; }, kLong);
  EXPECT_TRUE(ended) << "it goes on, and nobody sees it";
  if (!ended) {
    ::kill(demo, SIGKILL);
    ::waitpid(demo, &status, 0);
  }
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Demo, KeepsTheFileThatIsThere) {
  const std::string kept = kept_config(edge_);
  write_file(file_, kept);
  Program demo(weir_program(), {"demo", "--config", file_, "--visitors", "200"});
  EXPECT_TRUE(demo.wait_for_text("90.0%", kLong)) << demo.output() << demo.errors();
  EXPECT_EQ(read_file(file_), kept);
}

TEST_F(Demo, APortInUseIsASentenceThatSaysWhatToDo) {
  const Socket other = listen_on(own_loopback() + ":0");
  const std::string taken = local_address(other);
  const Finished edge = run(weir_program(), {"demo", "--edge", taken, "--admin", admin_});
  EXPECT_EQ(edge.code, 1);
  EXPECT_NE(edge.errors.find(taken + " is in use"), std::string::npos) << edge.errors;
  EXPECT_NE(edge.errors.find("--edge"), std::string::npos) << edge.errors;
  const Finished admin = run(weir_program(), {"demo", "--edge", edge_, "--admin", taken});
  EXPECT_EQ(admin.code, 1);
  EXPECT_NE(admin.errors.find("--admin"), std::string::npos) << admin.errors;
}

TEST_F(Demo, AnAddressThatAKeptFileContradictsIsTold) {
  write_file(file_, kept_config(edge_));
  const Finished finished = run(weir_program(), {"demo", "--config", file_, "--edge", admin_});
  EXPECT_EQ(finished.code, 1);
  EXPECT_NE(finished.errors.find(file_ + " is kept as it is"), std::string::npos) << finished.errors;
}

TEST_F(Demo, AFileOfSomethingElseIsRefused) {
  write_file(file_,
             "listeners: [{ name: edge, address: \"127.0.0.1:8080\" }]\n"
             "services: [{ name: search, versions: { only: { endpoints: [127.0.0.1:9001] } } }]\n");
  const Finished finished = run(weir_program(), {"demo", "--config", file_});
  EXPECT_EQ(finished.code, 3);
  EXPECT_NE(finished.errors.find("the demo needs a service `shop`"), std::string::npos) << finished.errors;
}

}  // namespace
}  // namespace weir::testing
