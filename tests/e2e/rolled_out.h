// A service whose share climbs by itself, and users who keep coming.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "tests/e2e/operated.h"

namespace weir::testing {

/// Every user once, over and over, until it goes.
class Crowd {
 public:
  Crowd(std::string edge, int users) : edge_(std::move(edge)), users_(users), thread_([this] { ask(); }) {}
  ~Crowd() {
    over_ = true;
    thread_.join();
  }

 private:
  void ask() {
    for (int user = 0; !over_; user = (user + 1) % users_) {
      Client client(edge_);
      const bool sent = client.send(get("/", "shop.example", fmt::format("Cookie: uid=user-{}\r\n", user)));
      if (sent) client.receive("GET");
    }
  }
  const std::string edge_;
  const int users_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

class RolledOut : public Operated {
 public:
  /// `more`: further lines of the service.
  explicit RolledOut(const std::string& rollout, std::vector<std::string> more = {}, ConfigText config = {})
      : Operated(with(rollout, std::move(more), std::move(config))) {}

  /// Another rollout from here on.
  void plan(const std::string& rollout) {
    ConfigText config = weir->config();
    for (std::string& line : config.service) {
      if (line.starts_with("rollout:")) line = "rollout: " + rollout;
    }
    weir->reload(config);
  }

  boost::json::object rollout() {
    return boost::json::parse(weir->admin_get("/api/v1/services/shop/rollout").body).as_object();
  }
  std::string state() { return std::string(rollout().at("state").as_string()); }
  std::string why() { return std::string(rollout().at("why").as_string()); }
  Response tell(const std::string& command) { return post("rollout", fmt::format(R"({{"command":"{}"}})", command)); }
  bool reaches(const std::string& wanted) {
    return wait_until([&] { return state() == wanted; }, kPatience * 4);
  }
  /// One request of each of these users; how many answers were 5xx.
  int ask(int first, int last) {
    int failed = 0;
    for (int user = first; user < last; ++user) {
      Client client(weir->edge());
      EXPECT_TRUE(client.send(get("/", "shop.example", fmt::format("Cookie: uid=user-{}\r\n", user))));
      failed += client.receive("GET").status >= 500;
    }
    return failed;
  }
  /// The first so many users, each with a request that nobody has read an answer to.
  std::vector<std::unique_ptr<Client>> wait(int users) {
    std::vector<std::unique_ptr<Client>> waiting;
    for (int user = 0; user < users; ++user) {
      waiting.push_back(std::make_unique<Client>(weir->edge()));
      EXPECT_TRUE(waiting.back()->send(get("/", "shop.example", fmt::format("Cookie: uid=user-{}\r\n", user))));
    }
    return waiting;
  }
  void break_new() { new_origin.answer(raw("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n")); }

 private:
  static ConfigText with(const std::string& rollout, std::vector<std::string> more, ConfigText config) {
    config.share = "";
    config.service = std::move(more);
    config.service.push_back("rollout: " + rollout);
    return config;
  }
};

}  // namespace weir::testing
