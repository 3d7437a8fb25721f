// Users rate the version that they are on: through the listener, kept in the state, listed, and told to the judge.
#include <algorithm>
#include <filesystem>

#include "tests/e2e/operated.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

constexpr const char* kNewUser = "Cookie: uid=7f3a9c2e\r\n";  // bucket 66771
constexpr const char* kOldUser = "Cookie: uid=user-1\r\n";    // bucket 370301
constexpr const char* kPath = "/.weir/feedback";

std::string rate(const std::string& body, const std::string& lines = kNewUser, const std::string& path = kPath) {
  return fmt::format("POST {} HTTP/1.1\r\nHost: shop.example\r\n{}Content-Length: {}\r\n\r\n{}", path, lines,
                     body.size(), body);
}

class Asking : public Operated {
 public:
  explicit Asking(const std::string& feedback = "feedback: {}", std::vector<std::string> more = {})
      : Operated({.share = "10%", .service = lines(feedback, std::move(more))}) {}

  Response rating(const std::string& body, const std::string& who = kNewUser) {
    return fetch(weir->edge(), rate(body, who), "POST");
  }
  json::object listed(const std::string& query = "") {
    return json::parse(weir->admin_get("/api/v1/services/shop/feedback" + query).body).as_object();
  }
  /// They come to the control thread a moment after they were taken.
  bool counts(double wanted) {
    return wait_until([&] { return weir->metrics().sum("weir_feedback_total") == wanted; });
  }
  std::string kept() const { return read_file(state / "feedback/shop.jsonl"); }

 private:
  static std::vector<std::string> lines(const std::string& feedback, std::vector<std::string> more) {
    if (!feedback.empty()) more.push_back(feedback);
    return more;
  }
};

TEST(Feedback, IsJoinedToTheVersionOfItsUserAndKeptCountedAndListed) {
  Asking shop;
  const Response thanks = shop.rating(R"({"rating":2,"comment":"the cart is \"empty\"\n","page":"/cart"})");
  EXPECT_EQ(thanks.status, 202) << thanks;
  EXPECT_EQ(shop.rating(R"({"rating":5})", kOldUser).status, 202);
  ASSERT_TRUE(shop.counts(2));
  const Metrics metrics = shop.weir->metrics();
  EXPECT_EQ(metrics.sum("weir_feedback_total", {{"service", "shop"}, {"version", "new"}, {"rating", "2"}}), 1);
  EXPECT_EQ(metrics.sum("weir_feedback_total", {{"service", "shop"}, {"version", "old"}, {"rating", "5"}}), 1);
  const json::object listed = shop.listed();
  ASSERT_EQ(listed.at("feedback").as_array().size(), 2u);
  const json::object& oldest = listed.at("feedback").as_array().at(1).as_object();
  EXPECT_EQ(oldest.at("version").as_string(), "new");
  EXPECT_EQ(oldest.at("bucket").to_number<int>(), 66771);
  EXPECT_EQ(oldest.at("rating").to_number<int>(), 2);
  EXPECT_EQ(oldest.at("comment").as_string(), "the cart is \"empty\"\n");
  EXPECT_EQ(oldest.at("page").as_string(), "/cart");
  EXPECT_EQ(listed.at("counts").at("new").at("2").to_number<int>(), 1);
  EXPECT_EQ(shop.listed("?version=old").at("feedback").as_array().size(), 1u);
  EXPECT_EQ(shop.listed("?limit=1").at("feedback").as_array().size(), 1u);
  EXPECT_EQ(std::ranges::count(shop.kept(), '\n'), 2);
  EXPECT_EQ(shop.kept().find("7f3a9c2e"), std::string::npos) << "a cohort key is written nowhere";
}

TEST(Feedback, GoesNoFurtherAndCountsAsNoRequestOfAVersion) {
  Asking shop;
  EXPECT_EQ(shop.rating(R"({"rating":4})").status, 202);
  ASSERT_TRUE(shop.counts(1));
  EXPECT_TRUE(shop.new_origin.requests().empty());
  EXPECT_TRUE(shop.old_origin.requests().empty());
  EXPECT_EQ(shop.weir->metrics().sum("weir_requests_total"), 0);
}

TEST(Feedback, HasALineInTheAccessLogWithItsServiceAndVersion) {
  Directory directory;
  const std::string path = directory / "access.log";
  Asking shop;
  ConfigText config = shop.weir->config();
  config.top.push_back(fmt::format("access_log: {{ path: {}, format: json }}", path));
  shop.weir->reload(config);
  EXPECT_EQ(shop.rating(R"({"rating":4})").status, 202);
  ASSERT_TRUE(wait_until([&] { return std::ranges::count(read_file(path), '\n') == 1; }));
  const json::object line = json::parse(read_file(path)).as_object();
  EXPECT_EQ(line.at("path").as_string(), kPath);
  EXPECT_EQ(line.at("status"), 202);
  EXPECT_EQ(line.at("service").as_string(), "shop");
  EXPECT_EQ(line.at("version").as_string(), "new");
  EXPECT_EQ(line.at("bucket"), 66771);
  EXPECT_EQ(line.at("endpoint").as_string(), "") << "it went to none";
  EXPECT_EQ(shop.weir->metrics().sum("weir_requests_total"), 0);
  EXPECT_EQ(shop.weir->metrics().sum("weir_request_body_bytes_total"), 0);
}

TEST(Feedback, IsForwardedLikeAnythingElseWhereNobodyAsksForIt) {
  Asking shop("");
  EXPECT_EQ(shop.rating(R"({"rating":4})").body, "new");
  EXPECT_EQ(shop.new_origin.only_request().body, R"({"rating":4})");
  EXPECT_EQ(shop.weir->admin_get("/api/v1/services/shop/feedback").status, 404);
}

TEST(Feedback, IsTakenOnlyAtItsOwnPath) {
  Asking shop("feedback: { path: /rate }");
  EXPECT_EQ(fetch(shop.weir->edge(), rate(R"({"rating":4})", kNewUser, "/rate?x=1"), "POST").status, 202);
  EXPECT_EQ(fetch(shop.weir->edge(), rate(R"({"rating":4})", kNewUser, "/rate/more"), "POST").body, "new");
}

TEST(Feedback, OfAUserOneIsTakenInSoLong) {
  Asking shop;
  EXPECT_EQ(shop.rating(R"({"rating":1})").status, 202);
  const Response again = shop.rating(R"({"rating":1})");
  EXPECT_EQ(again.status, 429) << again;
  EXPECT_EQ(again.fields.get("Retry-After"), "60");
  EXPECT_EQ(shop.rating(R"({"rating":1})", kOldUser).status, 202);
  EXPECT_TRUE(shop.counts(2));
}

TEST(Feedback, ThatMakesNoSenseIsRefused) {
  Asking shop;
  for (const char* body :
       {"", "x", "[]", "{}", R"({"rating":0})", R"({"rating":6})", R"({"rating":"5"})", R"({"rating":4.5})",
        R"({"rating":3,"commnt":"x"})", R"({"rating":3,"comment":7})", "{\"rating\":3,\"comment\":\"\xff\"}"}) {
    EXPECT_EQ(shop.rating(body).status, 422) << body;
  }
  EXPECT_EQ(shop.rating(R"({"rating":3})", "").status, 403);
  EXPECT_EQ(shop.rating(R"({"rating":3})", std::string(kNewUser) + "Sec-Fetch-Site: cross-site\r\n").status, 403);
  const Response asked = fetch(shop.weir->edge(), get(kPath, "shop.example", kNewUser));
  EXPECT_EQ(asked.status, 405) << asked;
  EXPECT_EQ(asked.fields.all("Allow"), std::vector<std::string>{"POST"});
  const std::string large = fmt::format(R"({{"rating":3,"comment":"{}"}})", std::string(9'000, 'x'));
  EXPECT_EQ(shop.rating(large).status, 413);
  const std::string chunked = fmt::format(
      "POST {} HTTP/1.1\r\nHost: shop.example\r\n{}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", kPath, kNewUser);
  EXPECT_EQ(fetch(shop.weir->edge(), chunked, "POST").status, 411);
  EXPECT_EQ(shop.weir->metrics().sum("weir_feedback_total"), 0);
}

TEST(Feedback, MayComeInPiecesAndTheConnectionGoesOn) {
  Asking shop;
  Client client(shop.weir->edge());
  const std::string request = rate(R"({"rating":3,"comment":"slow"})");
  const size_t head = request.find("\r\n\r\n") + 4;
  ASSERT_TRUE(client.send(request.substr(0, head + 5)));
  EXPECT_TRUE(client.silent_for(Duration(100)));
  ASSERT_TRUE(client.send(request.substr(head + 5)));
  EXPECT_EQ(client.receive("POST").status, 202);
  ASSERT_TRUE(client.send(get("/", "shop.example", kNewUser)));
  EXPECT_EQ(client.receive("GET").body, "new");
}

TEST(Feedback, WhoAsksWhetherToGoOnIsTold) {
  Asking shop;
  Client client(shop.weir->edge());
  const std::string request = rate(R"({"rating":3})", std::string(kNewUser) + "Expect: 100-continue\r\n");
  const size_t head = request.find("\r\n\r\n") + 4;
  ASSERT_TRUE(client.send(request.substr(0, head)));
  EXPECT_EQ(client.receive_interim().status, 100);
  ASSERT_TRUE(client.send(request.substr(head)));
  EXPECT_EQ(client.receive("POST").status, 202);
}

TEST(Feedback, IsThereAgainAfterAKill) {
  Asking shop;
  EXPECT_EQ(shop.rating(R"({"rating":2,"comment":"before"})").status, 202);
  ASSERT_TRUE(shop.counts(1));
  ASSERT_TRUE(wait_until([&] { return !shop.kept().empty(); }));
  shop.restart();
  ASSERT_EQ(shop.listed().at("feedback").as_array().size(), 1u);
  EXPECT_EQ(shop.listed().at("feedback").as_array().at(0).at("comment").as_string(), "before");
}

TEST(Feedback, TakesNoMoreRoomThanItMay) {
  constexpr uintmax_t kKeep = 8 * 1024;
  Asking shop("feedback: { every: 1ms, keep: 8KiB }");
  const std::string comment(200, 'c');
  for (int user = 0; user < 100; ++user) {
    const std::string body = fmt::format(R"({{"rating":3,"comment":"{} {}"}})", comment, user);
    EXPECT_EQ(shop.rating(body, fmt::format("Cookie: uid=user-{}\r\n", user)).status, 202);
  }
  ASSERT_TRUE(shop.counts(100));
  const auto size = [&](const char* name) { return std::filesystem::file_size(shop.state / "feedback" + "/" + name); };
  EXPECT_LE(size("shop.jsonl") + size("shop.1.jsonl"), kKeep);
  EXPECT_GT(size("shop.1.jsonl"), kKeep / 4);
  EXPECT_NE(shop.kept().find("c 99\""), std::string::npos) << "the newest are kept";
}

TEST(Feedback, TheCommandLineShowsItAndNoMoreThanText) {
  Asking shop;
  EXPECT_EQ(shop.rating(R"({"rating":1,"comment":"red \u001b[31mtext\nand \u202e more","page":"/cart"})").status, 202);
  ASSERT_TRUE(shop.counts(1));
  const Finished shown = run(weir_program(), {"feedback", "shop", "--admin", shop.weir->admin()});
  EXPECT_EQ(shown.code, 0) << shown.errors;
  EXPECT_NE(shown.output.find("new: 1 × 1"), std::string::npos) << shown.output;
  EXPECT_NE(shown.output.find("red  [31mtext and   more"), std::string::npos) << shown.output;
  EXPECT_EQ(shown.output.find('\033'), std::string::npos);
  EXPECT_EQ(run(weir_program(), {"feedback", "nobody", "--admin", shop.weir->admin()}).code, 1);
}

TEST(Feedback, ThatIsBadHoldsARolloutAndNeverRollsItBack) {
  Asking shop("feedback: {}",
              {"rollout: { stages: [{ share: 50%, proof: harm_only }, 100%], hold: 300ms, min_users: 20, warmup: 0s, "
               "judge: { metrics: [errors, feedback] } }"});
  const auto state = [&] {
    return json::parse(shop.weir->admin_get("/api/v1/services/shop/rollout").body).as_object();
  };
  // Who will be on which version is asked before: from the start on ratings are all that the judge hears of.
  ASSERT_EQ(shop.put("50%").status, 200);
  const auto cookie = [](int user) { return fmt::format("Cookie: uid=user-{}\r\n", user); };
  std::vector<bool> on_new;
  for (int user = 0; user < 80; ++user) on_new.push_back(shop.version(cookie(user)) == "new");
  ASSERT_EQ(shop.post("rollout", R"({"command":"start"})").status, 200);
  for (int user = 0; user < 80; ++user) {
    EXPECT_EQ(shop.rating(on_new[user] ? R"({"rating":1})" : R"({"rating":5})", cookie(user)).status, 202);
  }
  const auto bad = std::ranges::count(on_new, true);
  ASSERT_GT(bad, 20);
  ASSERT_TRUE(wait_until([&] { return state().at("why").as_string() == "users rate the candidate worse"; })) << state();
  EXPECT_EQ(state().at("metrics").at("feedback").at("erred_first").at("candidate").to_number<int>(), bad);
  EXPECT_EQ(state().at("share").as_string(), "50%");
  EXPECT_EQ(state().at("state").as_string(), "judging");
}

}  // namespace
}  // namespace weir::testing
