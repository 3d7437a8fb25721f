// A stream as a listener gets it, and the other end of its connection.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/net/stream.h"

namespace weir::net {

struct Pair {
  explicit Pair(Loop& loop) : stream(loop) {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer = ends[1];
    stream.adopt(ends[0]);
  }
  ~Pair() { hang_up(); }
  void hang_up() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  void say(std::string_view text) {
    ASSERT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string heard() {
    std::string all(1 << 20, '\0');
    const ssize_t got = ::recv(peer, all.data(), all.size(), 0);
    all.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return all;
  }
  Io read() { return stream.read(buffer); }

  Stream stream;
  int peer = -1;
  std::array<char, 64> buffer{};
};

}  // namespace weir::net
