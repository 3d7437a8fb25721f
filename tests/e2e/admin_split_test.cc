// Changing the split of a running weir through its API.
#include <fmt/format.h>

#include <atomic>
#include <boost/json.hpp>
#include <thread>
#include <vector>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

const std::string kSplit = "/api/v1/services/shop/split";
// In bucket 66771 of this salt.
const std::string kUser = get("/", "shop.example", "Cookie: uid=7f3a9c2e\r\n");

std::string request(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& lines = "") {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", method, target, lines,
                     body.size(), body);
}

std::string share_body(const std::string& share) { return fmt::format(R"({{"shares":{{"new":"{}"}}}})", share); }

/// weir before an old and a new origin, the new one without users at first.
class AdminSplit : public ::testing::Test {
 protected:
  AdminSplit() : old_origin_("old"), new_origin_("new") {
    ConfigText config;
    config.old_endpoints = {old_origin_.address()};
    config.new_endpoints = {new_origin_.address()};
    config.salt = "checkout-2026-11";
    config.workers = 2;
    config.top = {fmt::format("state: {{ directory: {} }}", state_.path())};
    config.rules = {R"({ name: staff, when: { header: { X-Staff: "1" } }, send: new })"};
    weir_ = weir_with(std::move(config));
  }

  Response ask(const std::string& method, const std::string& target, const std::string& body = "",
               const std::string& lines = "") {
    return fetch(weir_->admin(), request(method, target, body, lines), method);
  }
  Response put(const std::string& share, const std::string& if_match = "*", const std::string& query = "") {
    return ask("PUT", kSplit + query, share_body(share), "If-Match: " + if_match + "\r\n");
  }
  Response post(const std::string& what, const std::string& body = "") {
    return ask("POST", "/api/v1/services/shop/" + what, body);
  }
  std::string etag() { return weir_->admin_get(kSplit).fields.get("etag"); }
  json::object split() { return json::parse(weir_->admin_get(kSplit).body).as_object(); }
  json::array history(const std::string& query = "?service=shop") {
    return json::parse(weir_->admin_get("/api/v1/history" + query).body).at("changes").as_array();
  }
  std::string version() { return fetch(weir_->edge(), kUser).body; }

  Directory state_;
  Origin old_origin_, new_origin_;
  std::unique_ptr<Weir> weir_;
};

TEST_F(AdminSplit, TheRequestAfterTheAnswerIsDecidedByIt) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_EQ(put("25%").status, 200) << i;
    ASSERT_EQ(version(), "new") << i;
    ASSERT_EQ(put("5%").status, 200) << i;
    ASSERT_EQ(version(), "old") << i;
  }
}

TEST_F(AdminSplit, AChangeIsRememberedWithWhoAndWhy) {
  const std::string first = etag();
  const auto answer = ask("PUT", kSplit, R"({"shares":{"new":"25%"},"reason":"looks good"})",
                          "If-Match: " + first + "\r\nX-Weir-Actor: ann\r\n");
  ASSERT_EQ(answer.status, 200) << answer;
  EXPECT_NE(answer.fields.get("etag"), first);
  EXPECT_EQ(answer.fields.get("etag"), etag());
  EXPECT_EQ(split().at("shares"), json::parse(R"({"old":"75%","new":"25%"})"));
  EXPECT_EQ(split().at("differs_from_file"), true);
  const json::object newest = history().at(0).as_object();
  EXPECT_EQ(newest.at("actor"), "ann");
  EXPECT_EQ(newest.at("reason"), "looks good");
  EXPECT_EQ(newest.at("by"), "api");
  EXPECT_EQ(newest.at("kind"), "split");
  EXPECT_EQ(newest.at("before"), json::parse(R"({"old":"100%","new":"0%"})"));
  EXPECT_EQ(newest.at("after"), json::parse(R"({"old":"75%","new":"25%"})"));
  EXPECT_EQ(newest, split().at("last"));
}

TEST_F(AdminSplit, ARepeatLeavesNoTrace) {
  ASSERT_EQ(put("25%").status, 200);
  const size_t entries = history().size();
  const std::string tag = etag();
  const auto again = put("25%", tag);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body).at("changed"), false);
  EXPECT_EQ(etag(), tag);
  EXPECT_EQ(history().size(), entries);
}

TEST_F(AdminSplit, TheSlowerOfTwoIsToldAndChangesNothing) {
  const std::string seen = etag();
  ASSERT_EQ(put("5%", seen).status, 200);
  const auto late = put("50%", seen);
  EXPECT_EQ(late.status, 412) << late;
  EXPECT_EQ(late.fields.get("etag"), etag());
  EXPECT_EQ(json::parse(late.body).at("split").at("shares"), json::parse(R"({"old":"95%","new":"5%"})"));
  EXPECT_EQ(version(), "old");
  EXPECT_EQ(put("50%", "").status, 400);
  EXPECT_EQ(ask("PUT", kSplit, share_body("50%")).status, 428);
}

TEST_F(AdminSplit, WhatMakesNoSenseChangesNothing) {
  const std::string tag = etag();
  for (const char* share : {"-1%", "101%", "NaN", "10.00001%", "ten", "25"}) {
    const auto response = put(share);
    EXPECT_EQ(response.status, 422) << share;
    EXPECT_EQ(json::parse(response.body).at("field"), "shares.new") << share;
  }
  const auto body = [&](const std::string& text) { return ask("PUT", kSplit, text, "If-Match: *\r\n"); };
  EXPECT_EQ(body(R"({"shares":{"new":25}})").status, 422);
  EXPECT_EQ(body(R"({"shares":{"new":"60%","old":"60%"}})").status, 422);
  EXPECT_EQ(body(R"({"shares":{"newer":"25%"}})").status, 404);
  EXPECT_EQ(ask("PUT", "/api/v1/services/none/split", share_body("25%"), "If-Match: *\r\n").status, 404);
  EXPECT_EQ(etag(), tag);
  EXPECT_TRUE(history().empty());
}

TEST_F(AdminSplit, ADryRunTellsWhoWouldMoveAndMovesNobody) {
  ASSERT_EQ(put("5%").status, 200);
  const std::string tag = etag();
  const auto response = put("20%", tag, "?dry_run=true");
  ASSERT_EQ(response.status, 200) << response;
  const json::object effect = json::parse(response.body).at("effect").as_object();
  EXPECT_EQ(effect.at("from"), "old");
  EXPECT_EQ(effect.at("to"), "new");
  EXPECT_EQ(effect.at("moved"), "15%");
  EXPECT_EQ(effect.at("first_bucket").to_number<int>(), 50'000);
  EXPECT_EQ(effect.at("last_bucket").to_number<int>(), 199'999);
  EXPECT_EQ(effect.at("overriding_rules"), json::parse(R"(["staff"])"));
  EXPECT_EQ(etag(), tag);
  EXPECT_EQ(version(), "old");
}

TEST_F(AdminSplit, ARolledBackCandidateStaysClosedUntilItIsReopened) {
  ASSERT_EQ(put("50%").status, 200);
  const std::string staff = get("/", "shop.example", "X-Staff: 1\r\n");
  EXPECT_EQ(fetch(weir_->edge(), staff).body, "new");
  const auto answer = post("rollback", R"({"reason":"on fire"})");
  ASSERT_EQ(answer.status, 200) << answer;
  EXPECT_EQ(version(), "old");
  EXPECT_EQ(fetch(weir_->edge(), staff).body, "old");
  EXPECT_EQ(split().at("closed"), true);
  EXPECT_EQ(put("50%").status, 409);
  EXPECT_EQ(history().at(0).at("kind"), "rollback");
  const auto services = json::parse(weir_->admin_get("/api/v1/services/shop").body);
  EXPECT_EQ(services.at("closed"), true);
  ASSERT_EQ(post("reopen").status, 200);
  EXPECT_EQ(version(), "old");
  EXPECT_EQ(fetch(weir_->edge(), staff).body, "new");
  EXPECT_EQ(put("50%").status, 200);
  EXPECT_EQ(version(), "new");
}

TEST_F(AdminSplit, ARevertGoesBackToWhatWasInForceAfterARevision) {
  ASSERT_EQ(put("5%").status, 200);
  const auto revision = split().at("revision").to_number<uint64_t>();
  ASSERT_EQ(put("50%").status, 200);
  ASSERT_EQ(post("revert", fmt::format(R"({{"revision":{},"reason":"was better"}})", revision)).status, 200);
  EXPECT_EQ(split().at("shares"), json::parse(R"({"old":"95%","new":"5%"})"));
  EXPECT_EQ(history().at(0).at("kind"), "revert");
  EXPECT_EQ(version(), "old");
  EXPECT_EQ(post("revert", R"({"revision":4000000})").status, 404);
}

TEST_F(AdminSplit, AnExplanationAgreesWithWhatHappens) {
  const std::string question =
      R"({"url":"http://shop.example/","headers":{"Cookie":"uid=7f3a9c2e"},"from":"127.0.0.1"})";
  for (const char* share : {"5%", "25%"}) {
    ASSERT_EQ(put(share).status, 200);
    const auto answer = ask("POST", "/api/v1/explain", question);
    ASSERT_EQ(answer.status, 200) << answer;
    const json::object told = json::parse(answer.body).as_object();
    EXPECT_EQ(told.at("bucket").to_number<int>(), 66'771);
    EXPECT_EQ(told.at("share"), share);
    EXPECT_EQ(told.at("version").as_string(), version().c_str());
  }
}

TEST_F(AdminSplit, ChangesAndReloadsAreToldAsTheyHappen) {
  Client client(weir_->admin());
  client.send(get("/api/v1/events", "localhost"));
  ASSERT_EQ(client.receive_head().status, 200);
  ASSERT_EQ(put("25%").status, 200);
  std::string heard;
  const auto hears = [&](const std::string& what) {
    while (heard.find(what) == std::string::npos) {
      const std::string byte = client.receive_bytes(1);
      if (byte.empty()) return false;
      heard += byte;
    }
    return true;
  };
  EXPECT_TRUE(hears("event: change\ndata: {")) << heard;
  EXPECT_TRUE(hears("\"25%\"")) << heard;
  replace_file(weir_->file(), "listeners: []\n");
  EXPECT_TRUE(hears("event: reload\ndata: {")) << heard;
}

TEST_F(AdminSplit, AReloadIsAnsweredWithEveryProblem) {
  EXPECT_EQ(ask("POST", "/-/reload").status, 200);
  replace_file(weir_->file(), "listeners: 3\nservices: 4\nserivces: 5\n");
  const auto response = ask("POST", "/-/reload");
  EXPECT_EQ(response.status, 422) << response;
  EXPECT_GE(json::parse(response.body).at("problems").as_array().size(), 3u) << response.body;
  EXPECT_EQ(version(), "old");
}

TEST_F(AdminSplit, ADrainEndsWeir) {
  EXPECT_EQ(ask("POST", "/-/drain").status, 202);
  const auto end = weir_->program().wait();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

/// Eight writers and eight readers: nobody's change is lost, none is counted twice.
TEST_F(AdminSplit, ManyWritersMakeOneLineOfRevisions) {
  constexpr std::chrono::seconds kFor{30};
  const Deadline end = within(kFor);
  std::atomic<size_t> made{0}, lost{0}, faults{0};
  const auto write = [&](int writer) {
    Client client(weir_->admin());
    for (int i = 0; Clock::now() < end; ++i) {
      client.send(get(kSplit, "localhost"));
      const std::string tag = client.receive().fields.get("etag");
      const std::string body = share_body(fmt::format("{}.{:04}%", writer, i % 9'999 + 1));
      client.send(request("PUT", kSplit, body, "If-Match: " + tag + "\r\n"));
      const int status = client.receive("PUT").status;
      made += status == 200;
      lost += status == 412;
      faults += status != 200 && status != 412;
    }
  };
  const auto read = [&] {
    Client client(weir_->admin());
    for (uint64_t newest = 0; Clock::now() < end;) {
      client.send(get("/api/v1/history?service=shop&limit=5", "localhost"));
      const json::value body = json::parse(client.receive().body);
      uint64_t before = 0;
      for (const json::value& change : body.at("changes").as_array()) {
        const auto revision = change.at("revision").to_number<uint64_t>();
        faults += before != 0 && revision + 1 != before;
        if (before == 0) faults += revision < newest;
        if (before == 0) newest = revision;
        before = revision;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(write, i);
  for (int i = 0; i < 8; ++i) threads.emplace_back(read);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(faults, 0u);
  EXPECT_GT(lost, 0u);  // they did meet
  const json::object last = split();
  EXPECT_EQ(last.at("revision").to_number<uint64_t>(), made + 1);
  const json::array changes = history("?service=shop&limit=10000");
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes.size(), std::min<size_t>(made, 10'000));
  EXPECT_EQ(changes[0].at("after"), last.at("shares"));
  for (size_t i = 0; i + 1 < changes.size(); ++i) {
    ASSERT_EQ(changes[i].at("before"), changes[i + 1].at("after")) << i;
    ASSERT_EQ(changes[i].at("revision").to_number<uint64_t>(), changes[i + 1].at("revision").to_number<uint64_t>() + 1);
  }
}

}  // namespace
}  // namespace weir::testing
