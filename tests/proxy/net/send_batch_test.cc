#include "proxy/net/send_batch.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/stream.h"
#include "proxy/net/task.h"
#include "tests/proxy/net/pair.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

class SendBatchTest : public ::testing::Test {
 protected:
  SendBatchTest() {
    turn(loop);  // a loop that has turned has its ring
    EXPECT_TRUE(loop.sends().open()) << "this kernel gives no io_uring: nothing here would be tested";
  }
  std::vector<std::unique_ptr<Pair>> pairs(size_t count) {
    std::vector<std::unique_ptr<Pair>> made;
    for (size_t i = 0; i < count; ++i) made.push_back(std::make_unique<Pair>(loop));
    return made;
  }

  Loop loop;
};

TEST_F(SendBatchTest, WhatATurnKeepsLeavesAtItsEndAndIsToldOnce) {
  const auto all = pairs(40);
  const std::string text = "a response";
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(text).state, IoState::again);
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(text).state, IoState::again) << "asked too early";
  EXPECT_EQ(all.front()->heard(), "");
  loop.sends().submit();
  for (const auto& one : all) {
    EXPECT_EQ(one->heard(), text);
    const Io io = one->stream.write_kept(text);
    EXPECT_EQ(io.state, IoState::ok);
    EXPECT_EQ(io.size, text.size());
    EXPECT_EQ(one->heard(), "") << "the outcome was asked for, not another send";
  }
  EXPECT_TRUE(loop.sends().empty());
}

TEST_F(SendBatchTest, WhoeverWaitsIsWokenWithTheOutcomeInTheSameTurn) {
  const auto all = pairs(3);
  std::vector<std::unique_ptr<Waiter>> waiters;
  size_t done = 0;
  const auto send = [](Stream& stream, Waiter& waiter, std::string text, size_t& counted) -> Detached {
    Io io = stream.write_kept(text);
    while (io.state == IoState::again) {
      co_await waiter.event();
      io = stream.write_kept(text);
    }
    if (io.state == IoState::ok && io.size == text.size()) ++counted;
  };
  loop.post([&] {
    for (const auto& one : all) {
      waiters.push_back(std::make_unique<Waiter>(loop));
      one->stream.wake_with(waiters.back().get());
      Detached task = send(one->stream, *waiters.back(), "text", done);
      task.start();
    }
  });
  EXPECT_TRUE(turn_until(loop, [&] { return done == all.size(); }));
  for (const auto& one : all) EXPECT_EQ(one->heard(), "text");
}

TEST_F(SendBatchTest, ASocketThatTakesAPartSaysHowMuchAndWaitsForRoom) {
  const auto all = pairs(2);
  const std::string much(8 << 20, 'x');
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(much).state, IoState::again);
  loop.sends().submit();
  for (const auto& one : all) {
    const Io io = one->stream.write_kept(much);
    EXPECT_EQ(io.state, IoState::ok);
    EXPECT_GT(io.size, 0u);
    EXPECT_LT(io.size, much.size());
    EXPECT_FALSE(one->stream.writable());
    EXPECT_EQ(one->stream.write_kept(much).state, IoState::again);
    EXPECT_TRUE(loop.sends().empty()) << "what cannot leave is not kept";
    size_t got = 0;
    for (std::string piece = one->heard(); !piece.empty(); piece = one->heard()) got += piece.size();
    EXPECT_EQ(got, io.size);
  }
  EXPECT_TRUE(turn_until(loop, [&] { return all[0]->stream.writable() && all[1]->stream.writable(); }));
}

TEST_F(SendBatchTest, OneWhoIsGoneIsAnErrorForItsOwnStreamAlone) {
  const auto all = pairs(3);
  all[1]->hang_up();
  for (const auto& one : all) one->stream.write_kept("text");
  loop.sends().submit();
  const Io gone = all[1]->stream.write_kept("text");
  EXPECT_EQ(gone.state, IoState::error);
  EXPECT_EQ(gone.error, EPIPE);
  EXPECT_EQ(all[0]->heard(), "text");
  EXPECT_EQ(all[2]->heard(), "text");
}

TEST_F(SendBatchTest, BytesThatGrewAndMovedLeaveAsTheyAreNow) {
  const auto all = pairs(2);
  std::string first = "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::string grown = first + "HTTP/1.1 400 Bad Request\r\n\r\n";
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept(first).state, IoState::again);
  EXPECT_EQ(all[0]->stream.write_kept(grown).state, IoState::again);
  loop.sends().submit();
  EXPECT_EQ(all[0]->heard(), grown);
  EXPECT_EQ(all[0]->stream.write_kept(grown).size, grown.size());
  EXPECT_EQ(all[1]->heard(), first);
}

TEST_F(SendBatchTest, AStreamThatEndsFirstSendsNothingAndHurtsNobody) {
  const auto all = pairs(3);
  {
    const std::string gone_with_it(100, 'x');
    for (const auto& one : all) one->stream.write_kept("text");
    all[0]->stream.close();
    all[1]->stream.abort();
    all.front()->stream.close();
  }
  loop.sends().submit();
  EXPECT_EQ(all[0]->heard(), "");
  EXPECT_EQ(all[1]->heard(), "");
  EXPECT_EQ(all[2]->heard(), "text");
}

/// A new stream at the place of one that was destroyed, as the next session's may be.
TEST_F(SendBatchTest, WhatADestroyedStreamHadToSayIsNotSaidByTheNextOneInItsPlace) {
  const auto other = pairs(1);
  std::optional<Stream> place;
  const auto take = [&] {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    place.emplace(loop).adopt(ends[0]);
    return ends[1];
  };
  const int first = take();
  EXPECT_EQ(place->write_kept("meant for the first").state, IoState::again);
  EXPECT_EQ(other[0]->stream.write_kept("text").state, IoState::again);
  place.reset();
  const int second = take();
  loop.sends().submit();
  char byte = 0;
  EXPECT_EQ(::recv(second, &byte, 1, MSG_DONTWAIT), -1) << "the second client got what was the first one's";
  EXPECT_EQ(::recv(first, &byte, 1, MSG_DONTWAIT), 0) << "its connection is over";
  EXPECT_EQ(other[0]->heard(), "text");
  EXPECT_EQ(place->write_kept("answer").state, IoState::again) << "no outcome of its own is there yet";
  loop.sends().submit();
  EXPECT_EQ(place->write_kept("answer").size, 6u);
  ::close(first);
  ::close(second);
}

TEST_F(SendBatchTest, MoreThanACallTakesLeaveAllTheSame) {
  const auto all = pairs(300);
  std::vector<std::string> texts;
  for (size_t i = 0; i < all.size(); ++i) texts.push_back("response " + std::to_string(i));
  for (size_t i = 0; i < all.size(); ++i) {
    all[i]->stream.write_kept(texts[i]);
    if (loop.sends().full()) loop.sends().submit();
  }
  loop.sends().submit();
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i]->heard(), texts[i]);
}

TEST_F(SendBatchTest, WhatWasKeptInOneGoMayBeMoreThanTheRingHolds) {
  const auto all = pairs(300);
  for (const auto& one : all) EXPECT_EQ(one->stream.write_kept("text").state, IoState::again);
  loop.sends().submit();
  for (const auto& one : all) EXPECT_EQ(one->heard(), "text");
  EXPECT_TRUE(loop.sends().empty());
  EXPECT_TRUE(loop.sends().open());
}

TEST_F(SendBatchTest, OneAloneNeedsNoRing) {
  Pair one(loop);
  one.stream.write_kept("text");
  loop.sends().submit();
  EXPECT_EQ(one.heard(), "text");
  EXPECT_EQ(one.stream.write_kept("text").size, 4u);
}

TEST(SendBatch, WithoutARingAStreamSendsByItself) {
  Loop loop;  // has not turned: it has none
  Pair one(loop);
  EXPECT_EQ(one.stream.write_kept("text").size, 4u);
  EXPECT_EQ(one.heard(), "text");
  EXPECT_TRUE(loop.sends().empty());
}

/// What the first of so many who are woken in one turn has sent by the time that the last one runs.
std::string sent_before_the_last(Loop& loop, size_t count) {
  std::vector<std::unique_ptr<Pair>> all;
  std::vector<std::unique_ptr<Waiter>> waiters;
  for (size_t i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Pair>(loop));
    EXPECT_EQ(all.back()->read().state, IoState::again) << "from here on it is watched";
    waiters.push_back(std::make_unique<Waiter>(loop));
  }
  turn(loop);
  const auto speak = [](Waiter& waiter, Stream& stream) -> Detached {
    co_await waiter.event();
    stream.write_kept("text");
  };
  std::string found = "nobody looked";
  const auto listen = [](Waiter& waiter, Pair& first, std::string& found) -> Detached {
    co_await waiter.event();
    found = first.heard();
  };
  for (size_t i = 0; i + 1 < count; ++i) speak(*waiters[i], all[i]->stream).start();
  listen(*waiters.back(), *all.front(), found).start();
  for (size_t i = 0; i < count; ++i) all[i]->stream.wake_with(waiters[i].get());
  for (const auto& one : all) one->say("go");
  turn(loop);
  for (const auto& one : all) one->stream.wake_with(nullptr);
  return found;
}

TEST_F(SendBatchTest, KeepsNothingInATurnWithFewEvents) { EXPECT_EQ(sent_before_the_last(loop, 2), "text"); }

TEST_F(SendBatchTest, KeepsWhatABusyTurnSendsToItsEnd) { EXPECT_EQ(sent_before_the_last(loop, 12), ""); }

}  // namespace
}  // namespace weir::net
