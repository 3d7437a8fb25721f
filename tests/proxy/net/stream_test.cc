#include "proxy/net/stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "proxy/net/task.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    peer = pair[1];
    stream.adopt(pair[0]);
    EXPECT_EQ(stream.read(buffer).state, IoState::again);  // from here on it is watched
    turn(loop);
  }
  ~StreamTest() override { hang_up(); }
  void hang_up() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void say(std::string_view text) {
    ASSERT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  Io read(size_t most) { return stream.read(std::span(buffer).first(most)); }

  Loop loop;
  Stream stream{loop};
  int peer = -1;
  std::array<char, 65536> buffer{};
};

TEST_F(StreamTest, UntilAnEventSaysSoThereIsNothingToRead) {
  say("abc");
  EXPECT_EQ(read(10).state, IoState::again);
  turn(loop);
  EXPECT_TRUE(stream.readable());
  EXPECT_EQ(read(10).size, 3u);
}

TEST_F(StreamTest, LookingAsksTheKernelWithoutAnEvent) {
  EXPECT_FALSE(stream.look());
  say("abc");
  EXPECT_TRUE(stream.look());
  EXPECT_EQ(read(10).size, 3u);
}

TEST_F(StreamTest, AFullReadLeavesItReadableAShortOneDoesNot) {
  say("abcdef");
  turn(loop);
  EXPECT_EQ(read(4).size, 4u);
  EXPECT_TRUE(stream.readable());
  EXPECT_EQ(read(4).size, 2u);
  EXPECT_FALSE(stream.readable());
  EXPECT_EQ(read(4).state, IoState::again);
  say("g");
  turn(loop);
  EXPECT_EQ(read(4).size, 1u);
}

TEST_F(StreamTest, AnExactReadFindsNothingMoreTheNextTime) {
  say("abcd");
  turn(loop);
  EXPECT_EQ(read(4).size, 4u);
  EXPECT_TRUE(stream.readable());
  EXPECT_EQ(read(4).state, IoState::again);
  EXPECT_FALSE(stream.readable());
}

TEST_F(StreamTest, AnEndBehindBytesIsFoundThoughItGivesNoEventOfItsOwn) {
  say("last words");
  hang_up();
  turn(loop);
  EXPECT_EQ(read(1000).size, 10u);  // short, and yet not drained
  EXPECT_EQ(read(1000).state, IoState::end);
  EXPECT_EQ(read(1000).state, IoState::end);
}

TEST_F(StreamTest, AHalfCloseIsAnEndButNotBroken) {
  ::shutdown(peer, SHUT_WR);
  turn(loop);
  EXPECT_EQ(read(10).state, IoState::end);
  EXPECT_FALSE(stream.broken());
  EXPECT_EQ(stream.write("still listening?").state, IoState::ok);
}

TEST_F(StreamTest, WritingStopsAtWhatThePeerTakesAndGoesOnAfterIt) {
  const std::string much(8 << 20, 'x');
  turn(loop);
  size_t written = 0;
  for (Io io = stream.write(much); io.state == IoState::ok && stream.writable();)
    io = stream.write(much), written += io.size;
  EXPECT_FALSE(stream.writable());
  EXPECT_EQ(stream.write("x").state, IoState::again);
  while (::recv(peer, buffer.data(), buffer.size(), 0) > 0) {
  }
  EXPECT_TRUE(turn_until(loop, [&] { return stream.writable(); }));
  EXPECT_EQ(stream.write("x").size, 1u);
}

TEST_F(StreamTest, PiecesAreGatheredInOrderAndAShortWriteSaysHowFarItCame) {
  std::string a = "one ", b, c = "three";
  std::array<iovec, 3> pieces{{{a.data(), a.size()}, {b.data(), 0}, {c.data(), c.size()}}};
  EXPECT_EQ(stream.write(std::span<iovec>(pieces)).size, 9u);
  const ssize_t got = ::recv(peer, buffer.data(), buffer.size(), 0);
  EXPECT_EQ(std::string(buffer.data(), static_cast<size_t>(got)), "one three");
  std::string large(16 << 20, 'y');
  std::array<iovec, 2> too_much{{{a.data(), a.size()}, {large.data(), large.size()}}};
  const Io io = stream.write(std::span<iovec>(too_much));
  EXPECT_EQ(io.state, IoState::ok);
  EXPECT_LT(io.size, large.size());
  EXPECT_FALSE(stream.writable());
}

TEST_F(StreamTest, WritingToWhoIsGoneIsAnErrorAndNoSignal) {
  hang_up();
  turn(loop);
  EXPECT_TRUE(stream.broken());
  EXPECT_EQ(stream.write("x").state, IoState::error);
}

TEST_F(StreamTest, WokenIsWhoeverWasNamedLast) {
  Waiter waiter(loop);
  int events = 0;
  const auto count = [](Waiter& on, int& counted) -> Detached {
    for (;;) {
      co_await on.event();
      ++counted;
    }
  };
  Detached task = count(waiter, events);
  task.start();
  stream.wake_with(&waiter);
  turn(loop);
  const int begun = events;  // a fresh stream is writable
  say("a");
  turn(loop);
  EXPECT_EQ(events, begun + 1);
  stream.wake_with(nullptr);
  say("b");
  turn(loop);
  EXPECT_EQ(events, begun + 1);
  EXPECT_TRUE(stream.readable()) << "noted all the same";
  task.destroy();
}

TEST_F(StreamTest, ClosedItIsAsNewAndGetsNoEvents) {
  say("a");
  turn(loop);
  stream.close();
  EXPECT_FALSE(stream.open());
  EXPECT_FALSE(stream.readable() || stream.writable() || stream.broken());
  turn(loop);
  EXPECT_FALSE(stream.readable());
}

TEST(Stream, ConnectingToNobodyIsToldWithItsReason) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SocketAddress address = make_address(*config::parse_ip("127.0.0.1"), 0);
  ASSERT_EQ(::bind(fd, address.get(), address.length), 0);  // taken, and nobody listens
  ASSERT_EQ(::getsockname(fd, address.get(), &address.length), 0);
  Loop loop;
  Stream stream(loop);
  Io io{0, IoState::error, errno};
  if (stream.connect(address)) {
    ASSERT_TRUE(turn_until(loop, [&] { return (io = stream.connected()).state != IoState::again; }));
  } else {
    io.error = errno;
  }
  EXPECT_EQ(io.state, IoState::error);
  EXPECT_EQ(io.error, ECONNREFUSED);
  ::close(fd);
}

TEST(Stream, AResetThatAWriteSawIsNoCleanEnd) {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SocketAddress address = make_address(*config::parse_ip("127.0.0.1"), 0);
  ASSERT_EQ(::bind(listening, address.get(), address.length), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  ASSERT_EQ(::getsockname(listening, address.get(), &address.length), 0);
  Loop loop;
  Stream stream(loop);
  ASSERT_TRUE(stream.connect(address));
  const int peer = ::accept(listening, nullptr, nullptr);
  ASSERT_TRUE(turn_until(loop, [&] { return stream.writable(); }));
  ASSERT_EQ(::send(peer, "part", 4, 0), 4);
  const linger hard{1, 0};
  setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  ::close(peer);
  ASSERT_TRUE(turn_until(loop, [&] { return stream.broken(); }));
  EXPECT_EQ(stream.write("more of the request").state, IoState::error);
  char buffer[100];
  Io io;
  while ((io = stream.read(buffer)).state == IoState::ok) {
  }
  EXPECT_EQ(io.state, IoState::error);
  ::close(listening);
}

}  // namespace
}  // namespace weir::net
