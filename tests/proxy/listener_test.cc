// Who serves what a listener accepts, and when it begins to.
#include "proxy/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "config/parse.h"
#include "proxy/control/sites.h"
#include "proxy/net/clock.h"
#include "proxy/series_names.h"
#include "tests/proxy/net/turning.h"

namespace weir::proxy {
namespace {

using ::testing::Each;
using ::testing::SizeIs;

constexpr const char* kAddress = "127.0.0.1:8080";

std::shared_ptr<const routing::Snapshot> compiled() {
  auto loaded = config::parse(std::string("listeners: [{ address: \"") + kAddress +
                                  "\" }]\nservices: [{ name: shop, match: [{ host: shop.example }], versions: { old: { "
                                  "endpoints: [127.0.0.1:1] } } }]\n",
                              "FILE");
  EXPECT_TRUE(loaded);
  auto made = routing::compile(std::make_shared<const config::Config>(std::move(loaded->config)),
                               [] { return net::monotonic(); });
  EXPECT_TRUE(made);
  return made->snapshot;
}

/// The first of some workers at its listener, and clients who connect to it. What it hands over goes nowhere.
class ListenerTest : public ::testing::Test {
 protected:
  static constexpr size_t kWorkers = 3;

  ~ListenerTest() override {
    for (const int client : clients) ::close(client);
  }

  std::unique_ptr<Listener> listener(bool shared) {
    worker.adopt(publication);
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address = net::make_address(*config::parse_ip("127.0.0.1"), 0);
    EXPECT_EQ(::bind(fd, address.get(), address.length), 0);
    EXPECT_EQ(::listen(fd, 100), 0);
    EXPECT_EQ(::getsockname(fd, address.get(), &address.length), 0);
    doorstep.hand_over = [this](size_t to, const Accepted& accepted) {
      handed.push_back(to);
      ::close(accepted.fd);
    };
    return std::make_unique<Listener>(worker, doorstep, publication->listeners.front(), ListenSocket{fd, shared});
  }
  int connect() {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(clients.back(), address.get(), address.length), 0);
    return clients.back();
  }
  metrics::ListenerNumbers& of(size_t number) { return publication->listeners.front()->numbers->shard(number); }

  metrics::Registry registry{kWorkers, series_names()};
  log::AccessLog access_log;
  boost::asio::io_context io;
  control::Resolver resolver{io, [] {}};
  control::Sites sites{registry, resolver, kWorkers};
  std::shared_ptr<const Publication> publication =
      sites.publication(compiled(), {{kAddress, {.id = 1, .bound = kAddress, .descriptors = {}, .shared = true}}}, {});
  Worker worker{0, registry, access_log};
  Doorstep doorstep;
  net::SocketAddress address;
  std::vector<int> clients;
  std::vector<size_t> handed;  // to whom, in order
};

TEST_F(ListenerTest, OfASharedSocketTheWorkerWithTheFewestGetsWhatIsAcceptedUntilItHasAlmostAsMany) {
  const auto shared = listener(true);
  of(0).connections.add(10);
  of(1).connections.add(20);
  for (int i = 0; i < 10; ++i) {
    connect();
    shared->on_events(EPOLLIN);
  }
  EXPECT_THAT(handed, SizeIs(8));
  EXPECT_THAT(handed, Each(2u));
  EXPECT_EQ(of(0).connections.value() - of(2).arriving, 4) << "those on their way count where they go";
  EXPECT_EQ(doorstep.connections, 2u);
}

TEST_F(ListenerTest, WhatIsAcceptedOnASocketOfItsOwnStays) {
  const auto own = listener(false);
  of(0).connections.add(10);
  for (int i = 0; i < 3; ++i) connect();
  own->on_events(EPOLLIN);
  EXPECT_THAT(handed, SizeIs(0));
  EXPECT_EQ(doorstep.connections, 3u);
}

TEST_F(ListenerTest, NobodyIsServedWhileEventsAreNoted) {
  const auto own = listener(false);
  own->end_idle();  // from here on who connects is looked at at once
  const int client = connect();
  const std::string request = "GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n";
  ASSERT_EQ(::send(client, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  own->on_events(EPOLLIN);
  char byte;
  EXPECT_EQ(::recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT), -1);
  EXPECT_TRUE(net::turn_until(worker.loop(), [&] { return ::recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1; }));
}

}  // namespace
}  // namespace weir::proxy
