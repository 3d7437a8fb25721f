// How responses leave: many of a turn together where the kernel gives an io_uring, each by itself where it does not.
#include <algorithm>
#include <memory>
#include <vector>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

/// Many clients ask at once, again and again, each for something of its own.
void expect_everybody_served(const std::string& edge) {
  constexpr size_t kClients = 60, kRounds = 20;
  std::vector<std::unique_ptr<Client>> clients;
  for (size_t i = 0; i < kClients; ++i) clients.push_back(std::make_unique<Client>(edge));
  for (size_t round = 0; round < kRounds; ++round) {
    const auto target = [&](size_t client) { return "/" + std::to_string(client) + "/" + std::to_string(round); };
    for (size_t i = 0; i < kClients; ++i) ASSERT_TRUE(clients[i]->send(get(target(i))));
    for (size_t i = 0; i < kClients; ++i) {
      const Response response = clients[i]->receive();
      ASSERT_EQ(response.status, 200) << response;
      ASSERT_EQ(response.body, target(i));
    }
  }
}

const Script kEcho = [](Turn& turn) {
  const std::string body = turn.request().target;
  turn.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
};

TEST(Sends, OfATurnLeaveTogetherAndEachReachesItsOwn) {
  Edge edge(kEcho);
  expect_everybody_served(edge.address());
}

TEST(Sends, LeaveOneByOneWhereTheKernelRefuses) {
  Origin origin(kEcho);
  ConfigText config;
  config.old_endpoints = {origin.address()};
  Weir weir(weir_program(), config, {.io_uring = false});
  EXPECT_TRUE(
      weir.program().wait_for_text("each send is a call of its own: the kernel gives no io_uring "
                                   "(Operation not permitted)"));
  expect_everybody_served(weir.edge());
}

}  // namespace
}  // namespace weir::testing
