#include "proxy/upstream/pool.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "routing/balance.h"
#include "tests/proxy/net/turning.h"

namespace weir::upstream {
namespace {

using net::turn;
using net::turn_until;
using std::chrono::milliseconds;

/// Listens on loopback and keeps what it accepts.
class Listening {
 public:
  Listening() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address = net::make_address(*config::parse_ip("127.0.0.1"), 0);
    EXPECT_EQ(::bind(fd_, address.get(), address.length), 0);
    EXPECT_EQ(::listen(fd_, 100), 0);
    EXPECT_EQ(::getsockname(fd_, address.get(), &address.length), 0);
  }
  ~Listening() {
    for (const int fd : accepted) ::close(fd);
    ::close(fd_);
  }
  int accept() {
    accepted.push_back(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
    return accepted.back();
  }
  net::SocketAddress address;
  std::vector<int> accepted;

 private:
  int fd_ = -1;
};

class PoolTest : public ::testing::Test {
 protected:
  PoolTest() { configure(); }
  void configure(uint64_t max_connections = 0, milliseconds idle = std::chrono::hours(1)) {
    pool.configure({endpoint, addresses, max_connections}, idle, nullptr, &load);
  }
  Lease connected() {
    int error = 0;
    Lease lease = pool.connect(error);
    EXPECT_TRUE(lease);
    EXPECT_TRUE(turn_until(loop, [&] { return lease->stream.connected().state == net::IoState::ok; }));
    listening.accept();
    return lease;
  }
  int64_t open() const { return endpoint->connections[0].value(); }

  Listening listening;
  net::Loop loop;
  std::shared_ptr<Endpoint> endpoint = std::make_shared<Endpoint>("shop", "old", "127.0.0.1:1", 2);
  std::vector<net::SocketAddress> addresses{listening.address};
  uint32_t load = 99;
  Pool pool{loop, 0, endpoint};
};

TEST_F(PoolTest, AConnectionGivenBackIsLentAgain) {
  Lease lease = connected();
  EXPECT_FALSE(lease->reused);
  const int fd = lease->stream.descriptor();
  lease.give_back();
  EXPECT_FALSE(lease);
  Lease again = pool.acquire_idle();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->stream.descriptor(), fd);
  EXPECT_TRUE(again->reused);
  EXPECT_FALSE(pool.acquire_idle());
  EXPECT_EQ(open(), 1);
}

TEST_F(PoolTest, TheOneUsedLastIsLentFirst) {
  Lease a = connected(), b = connected();
  const int first = a->stream.descriptor(), last = b->stream.descriptor();
  a.give_back();
  b.give_back();
  Lease lent = pool.acquire_idle(), other = pool.acquire_idle();
  EXPECT_EQ(lent->stream.descriptor(), last);
  EXPECT_EQ(other->stream.descriptor(), first);
}

TEST_F(PoolTest, ADiscardedOrDroppedLeaseIsClosed) {
  Lease lease = connected();
  lease.discard();
  EXPECT_EQ(open(), 0);
  { const Lease dropped = connected(); }
  EXPECT_EQ(open(), 0);
  EXPECT_TRUE(pool.unused());
}

TEST_F(PoolTest, OneThatEndedOrSaidSomethingUnaskedIsNotLentAgain) {
  connected().give_back();
  ::shutdown(listening.accepted[0], SHUT_RDWR);
  turn(loop);
  EXPECT_FALSE(pool.acquire_idle());
  connected().give_back();
  ASSERT_EQ(::send(listening.accepted[1], "HTTP/1.1 200 OK\r\n", 17, 0), 17);
  turn(loop);
  EXPECT_FALSE(pool.acquire_idle());
  EXPECT_EQ(open(), 0);
}

TEST_F(PoolTest, OneWithBytesLeftIsNotTakenBack) {
  Lease lease = connected();
  ASSERT_EQ(::send(listening.accepted[0], "left", 4, 0), 4);
  EXPECT_TRUE(turn_until(loop, [&] { return lease->stream.readable(); }));
  lease.give_back();
  EXPECT_EQ(open(), 0);
}

TEST_F(PoolTest, IdleForTooLongTheyAreClosedInAnyOrder) {
  configure(0, milliseconds(150));
  std::vector<Lease> leases;
  for (int i = 0; i < 5; ++i) leases.push_back(connected());
  for (const size_t i : {3u, 0u, 4u, 1u, 2u}) leases[i].give_back();
  EXPECT_EQ(open(), 5);
  EXPECT_TRUE(turn_until(loop, [&] { return open() == 0; }));
  EXPECT_TRUE(pool.unused());
}

TEST_F(PoolTest, LentAgainItsIdleTimeIsOver) {
  configure(0, milliseconds(100));
  connected().give_back();
  Lease lease = pool.acquire_idle();
  ASSERT_TRUE(lease);
  int ticks = 0;
  loop.on_tick([&] { ++ticks; });
  EXPECT_TRUE(turn_until(loop, [&] { return ticks == 4; }));
  EXPECT_TRUE(lease->stream.open());
  EXPECT_EQ(open(), 1);
}

TEST_F(PoolTest, AfterItIsRetiredNothingIsKept) {
  Lease lent = connected();
  connected().give_back();
  EXPECT_EQ(open(), 2);
  pool.retire();
  EXPECT_EQ(open(), 1);
  EXPECT_FALSE(pool.unused());
  lent.give_back();
  EXPECT_EQ(open(), 0);
  EXPECT_TRUE(pool.unused());
}

TEST_F(PoolTest, AnAddressThatIsGoneTakesItsConnectionsAlong) {
  const Listening other;
  connected().give_back();
  Lease lent = connected();
  addresses = {other.address};
  configure();
  EXPECT_EQ(open(), 1) << "the idle one is closed";
  lent.give_back();
  EXPECT_EQ(open(), 0) << "the lent one when it comes back";
}

TEST_F(PoolTest, WithoutAddressItIsUnusable) {
  addresses.clear();
  configure();
  EXPECT_EQ(load, routing::kUnusable);
  int error = 0;
  EXPECT_FALSE(pool.connect(error));
  EXPECT_EQ(error, EADDRNOTAVAIL);
  EXPECT_TRUE(pool.enter());
  EXPECT_EQ(load, routing::kUnusable);
  addresses = {listening.address};
  configure();
  EXPECT_EQ(load, 1u);
  pool.leave();
  EXPECT_EQ(load, 0u);
}

TEST_F(PoolTest, TheLimitHoldsOverAllWorkers) {
  uint32_t other_load = 0;
  Pool other(loop, 1, endpoint);
  other.configure({endpoint, addresses, 3}, std::chrono::hours(1), nullptr, &other_load);
  configure(3);
  EXPECT_TRUE(pool.enter());
  EXPECT_TRUE(other.enter());
  EXPECT_TRUE(other.enter());
  EXPECT_FALSE(pool.enter());
  EXPECT_FALSE(other.enter());
  EXPECT_EQ(load, 1u);
  EXPECT_EQ(other_load, 2u);
  other.leave();
  EXPECT_TRUE(pool.enter());
  pool.leave();
  pool.leave();
  other.leave();
  EXPECT_EQ(endpoint->in_use.load(), 0u);
}

TEST_F(PoolTest, ALimitThatComesAndGoesLeavesTheCountRight) {
  EXPECT_TRUE(pool.enter());  // not counted: there is no limit
  configure(2);
  EXPECT_TRUE(pool.enter());
  pool.leave();
  pool.leave();
  EXPECT_EQ(endpoint->in_use.load(), 0u);
  EXPECT_TRUE(pool.enter());
  configure(0);
  pool.leave();
  EXPECT_EQ(endpoint->in_use.load(), 0u);
  EXPECT_TRUE(pool.unused());
}

TEST_F(PoolTest, ALeaseThatIsOverwrittenIsClosed) {
  Lease lease = connected();
  lease = connected();
  EXPECT_EQ(open(), 1);
  Lease moved = std::move(lease);
  EXPECT_FALSE(lease);
  moved.give_back();
  EXPECT_EQ(open(), 1);
}

}  // namespace
}  // namespace weir::upstream
