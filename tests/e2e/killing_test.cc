// Endpoints that are killed under load: no GET fails whose response had not begun.
#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

/// An endpoint with a process of its own, which can be killed: a weir whose ready_path is everything it has.
class Mortal {
 public:
  Mortal() : address_(fmt::format("{}:{}", own_loopback(), free_port(own_loopback()))) {
    const std::string file = directory_ / "weir.yaml";
    write_file(file, fmt::format("listeners: [{{ address: \"{}\", ready_path: /alive }}]\n"
                                 "workers: 1\n"
                                 "services: [{{ name: none, match: [{{ host: no.example }}], "
                                 "versions: {{ v: {{ endpoints: [\"127.0.0.1:1\"] }} }} }}]\n",
                                 address_));
    live();
  }
  void live() {
    program_ =
        std::make_unique<Program>(weir_program(), std::vector<std::string>{"run", "-c", directory_ / "weir.yaml"});
    EXPECT_TRUE(wait_until([&] { return static_cast<bool>(connect_to(address_)); }, 2 * kPatience));
  }
  void die() {
    program_->signal(SIGKILL);
    EXPECT_TRUE(program_->wait());
  }
  const std::string& address() const { return address_; }

 private:
  Directory directory_;
  std::string address_;
  std::unique_ptr<Program> program_;
};

/// Clients that ask one GET after the other, each with a key of its own, until they are stopped.
class Load {
 public:
  Load(const std::string& edge, int clients) {
    for (int i = 0; i < clients; ++i) {
      threads_.emplace_back([this, edge, i] { ask(edge, i); });
    }
  }
  ~Load() { stop(); }
  void stop() {
    over_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  int answered() const { return answered_; }
  int failed() const { return failed_; }
  bool wait_for(int more) const {
    const int wanted = answered_ + more;
    return wait_until([&] { return answered_ >= wanted; });
  }

 private:
  void ask(const std::string& edge, int number) {
    const std::string request = get("/alive", "shop.example", fmt::format("Cookie: uid=user-{}\r\n", number));
    Client client(edge);
    while (!over_) {
      client.send(request);
      const Response response = client.receive();
      if (response.status == 200 && response.complete) {
        ++answered_;
        continue;
      }
      ++failed_;
      ADD_FAILURE() << response;
      return;
    }
  }

  std::atomic<bool> over_{false};
  std::atomic<int> answered_{0}, failed_{0};
  std::vector<std::thread> threads_;
};

/// WEIR_KILLING_SECONDS=60 goes on for a minute.
std::chrono::seconds asked_for() {
  const char* const text = std::getenv("WEIR_KILLING_SECONDS");
  return std::chrono::seconds(text ? std::atoi(text) : 0);
}

const std::string kRetry = "retry: { retries: 2, when: [connect, reset, 502, 503], rescue_on_stable: true }";

TEST(Killing, EveryEndpointOfTheCandidateUnderLoadCostsNoGet) {
  Mortal stable, first, second;
  auto weir = weir_with({.old_endpoints = {stable.address()},
                         .new_endpoints = {first.address(), second.address()},
                         .workers = 2,
                         .share = "50%",
                         .service = {kRetry}});
  Load load(weir->edge(), 16);
  ASSERT_TRUE(load.wait_for(500));
  first.die();
  second.die();
  EXPECT_TRUE(wait_until([&] { return weir->metrics().sum("weir_fallback") == 1; }));
  EXPECT_TRUE(load.wait_for(500));
  load.stop();
  EXPECT_EQ(load.failed(), 0) << weir->admin_get("/metrics").body;
  EXPECT_EQ(weir->metrics().sum("weir_requests_total", {{"code_class", "5xx"}}), 0);
}

TEST(Killing, OneEndpointOfSeveralAgainAndAgainUnderLoadCostsNoGet) {
  Mortal endpoints[3];
  auto weir = weir_with({.old_endpoints = {endpoints[0].address(), endpoints[1].address(), endpoints[2].address()},
                         .workers = 2,
                         .service = {"retry: { retries: 2, when: [connect, reset] }"},
                         .old_version = {"outlier: { consecutive: 3, base: 200ms, max: 400ms }"}});
  Load load(weir->edge(), 16);
  const Deadline end = within(asked_for());
  int deaths = 0;
  for (; deaths < 6 || Clock::now() < end; ++deaths) {
    ASSERT_TRUE(load.wait_for(300));
    endpoints[deaths % 3].die();
    ASSERT_TRUE(load.wait_for(300));
    endpoints[deaths % 3].live();
  }
  load.stop();
  std::cout << fmt::format("{} GETs answered, {} failed, {} endpoints killed\n", load.answered(), load.failed(),
                           deaths);
  EXPECT_EQ(load.failed(), 0);
  EXPECT_EQ(weir->metrics().sum("weir_requests_total", {{"code_class", "5xx"}}), 0);
}

}  // namespace
}  // namespace weir::testing
