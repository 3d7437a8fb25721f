#include "proxy/net/newcomers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/net/loop.h"
#include "proxy/net/stream.h"
#include "tests/proxy/net/pair.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

/// Does any epoll of this process watch the stream? (proc(5), fdinfo)
bool watched(const Stream& stream) {
  const std::string wanted = std::to_string(stream.descriptor());
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream in(entry.path());
    for (std::string word; in >> word;) {
      if (word == "tfd:" && in >> word && word == wanted) return true;
    }
  }
  return false;
}

TEST(Newcomers, WhoHasSpokenIsServedWithoutBeingWatched) {
  Loop loop;
  Pair one(loop);
  one.say("request");
  EXPECT_EQ(one.read().size, 7u);
  EXPECT_EQ(one.stream.write("response").size, 8u);
  EXPECT_FALSE(watched(one.stream));
  one.stream.close();
  EXPECT_TRUE(loop.newcomers().empty());
}

TEST(Newcomers, WhoIsWaitedForIsWatchedAtOnce) {
  Loop loop;
  Pair one(loop);
  EXPECT_EQ(one.read().state, IoState::again);
  EXPECT_TRUE(watched(one.stream));
  EXPECT_TRUE(loop.newcomers().empty());
  one.say("late");
  turn(loop);
  EXPECT_EQ(one.read().size, 4u);
}

TEST(Newcomers, WhatCameBetweenAShortReadAndTheWatchIsNotLost) {
  Loop loop;
  Pair one(loop);
  one.say("first");
  EXPECT_EQ(one.read().size, 5u);
  one.say("second");
  EXPECT_EQ(one.read().state, IoState::again);
  turn(loop);
  EXPECT_EQ(one.read().size, 6u);
}

TEST(Newcomers, WhoseBytesDoNotFitIsWatchedUntilTheyDo) {
  Loop loop;
  Pair one(loop);
  const std::string much(1 << 20, 'x');
  const size_t left = one.stream.write(much).size;
  ASSERT_LT(left, much.size());
  EXPECT_EQ(one.stream.write(much).state, IoState::again);
  EXPECT_TRUE(watched(one.stream));
  for (std::string heard(1 << 20, '\0'); ::recv(one.peer, heard.data(), heard.size(), 0) > 0;) {
  }
  turn(loop);
  EXPECT_GT(one.stream.write(much).size, 0u);
}

TEST(Newcomers, WhoLeavesWhileNobodyWaitsForItIsNoticedAfterTheTick) {
  Loop loop;
  Pair one(loop);
  one.say("request");
  EXPECT_EQ(one.read().size, 7u);
  one.hang_up();
  loop.newcomers().watch_all();
  turn(loop);
  EXPECT_TRUE(one.stream.broken());
}

TEST(Newcomers, ThatEndInAnyOrderLeaveTheOthersAmongThem) {
  Loop loop;
  std::vector<std::unique_ptr<Pair>> all;
  for (int i = 0; i < 7; ++i) all.push_back(std::make_unique<Pair>(loop));
  for (const size_t gone : {0, 3, 6}) all[gone].reset();
  loop.newcomers().watch_all();
  EXPECT_TRUE(loop.newcomers().empty());
  for (const auto& one : all) {
    if (one) EXPECT_TRUE(watched(one->stream));
  }
}

TEST(Newcomers, OneThatCannotBeWatchedIsCutOff) {
  Loop loop;
  Pair one(loop);
  // epoll(7) has no way to watch a file; as a stream's descriptor it stands for any refusal of the kernel's.
  const int file = ::memfd_create("file", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  ASSERT_GE(::dup3(file, one.stream.descriptor(), O_CLOEXEC), 0);
  ::close(file);
  loop.newcomers().watch_all();
  EXPECT_TRUE(loop.newcomers().empty());
  EXPECT_TRUE(one.stream.broken());
}

}  // namespace
}  // namespace weir::net
