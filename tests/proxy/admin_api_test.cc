#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <stdexcept>
#include <string>

#include "proxy/admin/routes.h"
#include "tests/proxy/admin_fake_operator.h"
#include "tests/proxy/admin_view.h"

namespace weir::admin {
namespace {

namespace json = boost::json;

json::object shop() { return json::parse(*service_json(make_view(), "shop")).as_object(); }

TEST(Api, AServiceIsToldAsItIsConfigured) {
  const auto service = shop();
  EXPECT_EQ(service.at("name"), "shop");
  EXPECT_EQ(service.at("match"),
            json::parse(R"([{"host":"shop.example","path_prefix":"/"},{"host":"*.shop.example"}])"));
  EXPECT_EQ(service.at("cohort"),
            json::parse(R"({"key":["cookie:uid","client_ip"],"salt":"shop-2026-11","without_key":"stable"})"));
  EXPECT_EQ(service.at("stable"), "old");
  EXPECT_EQ(service.at("candidate"), "new");
  EXPECT_EQ(service.at("rules"),
            json::parse(R"([{"name":"staff","send":"new"},{"name":"south","shares":{"old":"50%","new":"50%"}}])"));
}

TEST(Api, SharesAndTheirRevisionAreThoseInForce) {
  const auto service = shop();
  EXPECT_EQ(service.at("shares"), json::parse(R"({"old":"90%","new":"10%"})"));
  EXPECT_EQ(service.at("revision").to_number<uint64_t>(), 7u);
  EXPECT_EQ(service.at("seen"), "12.5%");
}

TEST(Api, AClosedCandidateIsTold) {
  EXPECT_EQ(shop().at("closed"), false);
  View view = make_view();
  auto snapshot = std::make_shared<routing::Snapshot>(*view.snapshot);
  snapshot->services[0].closed = true;
  view.snapshot = snapshot;
  EXPECT_EQ(json::parse(*service_json(view, "shop")).at("closed"), true);
}

TEST(Api, AVersionIsToldWithItsEndpointsAndNumbers) {
  const auto service = shop();
  const auto& versions = service.at("versions").as_array();
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].at("endpoints"),
            json::parse(R"([{"address":"127.0.0.1:9001","up":true,"why":null,"for_seconds":null,
                                                         "ejections":0,"connections":4},
                                                        {"address":"shop-2:9011","up":false,"why":null,"for_seconds":null,
                                                         "ejections":0,"connections":0}])"));
  const auto& candidate = versions[1].as_object();
  EXPECT_EQ(candidate.at("name"), "new");
  EXPECT_EQ(candidate.at("available"), false);
  EXPECT_EQ(candidate.at("back_in_seconds"), 20.0);
  EXPECT_EQ(candidate.at("panic"), false);
  const auto& ejected = candidate.at("endpoints").as_array()[0];
  EXPECT_EQ(ejected.at("why"), "ejected");
  EXPECT_EQ(ejected.at("for_seconds"), 7.5);
  EXPECT_EQ(ejected.at("ejections"), 3);
  EXPECT_EQ(versions[0].at("available"), true);
  EXPECT_EQ(versions[0].at("back_in_seconds"), nullptr);
  EXPECT_EQ(candidate.at("requests"), json::parse(R"({"none":1,"1xx":0,"2xx":6,"3xx":0,"4xx":0,"5xx":3})"));
  EXPECT_EQ(candidate.at("errors").to_number<uint64_t>(), 2u);
  EXPECT_EQ(candidate.at("in_flight").to_number<int64_t>(), 5);
  for (const char* quantile : {"p50", "p90", "p99", "p99.9"}) {
    EXPECT_NEAR(candidate.at("duration_seconds").at(quantile).as_double(), 0.020, 0.0004) << quantile;
  }
}

TEST(Api, ALoneVersionHasEverybodyAndNoCandidate) {
  const auto service = json::parse(*service_json(make_view(), "a/b")).as_object();
  EXPECT_EQ(service.at("shares"), json::parse(R"({"only":"100%"})"));
  EXPECT_TRUE(service.at("candidate").is_null());
  EXPECT_TRUE(service.at("seen").is_null());
}

TEST(Api, NothingWasSeenBeforeTheSplitDecided) {
  View view = make_view();
  view.numbers.clear();
  EXPECT_TRUE(json::parse(*service_json(view, "shop")).at("seen").is_null());
}

class RoutesTest : public ::testing::Test {
 protected:
  Response ask(const std::string& method, const std::string& target, const std::string& authorization = "") {
    Request request;
    request.method = method;
    request.target = target;
    request.hosts = {"127.0.0.1"};
    if (!authorization.empty()) request.authorizations = {authorization};
    Response given;
    answer(request, Access({}, token_), sources_, [&](Response response) { given = std::move(response); });
    return given;
  }

  std::string token_;
  FakeOperator control_;
  Sources sources_{[] { return true; }, [] { return std::string("a 1\n"); }, make_view, &control_};
};

TEST_F(RoutesTest, AllServicesAreListedInTheOrderOfTheFile) {
  const Response response = ask("GET", "/api/v1/services");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.content_type, "application/json");
  const auto body = json::parse(response.body);
  const auto& services = body.at("services").as_array();
  ASSERT_EQ(services.size(), 2u);
  EXPECT_EQ(services[0], shop());
  EXPECT_EQ(services[1].at("name"), "a/b");
}

TEST_F(RoutesTest, ServicesAreFoundByTheirDecodedName) {
  EXPECT_EQ(ask("GET", "/api/v1/services/shop?pretty=1").status, 200u);
  EXPECT_EQ(ask("GET", "/api/v1/services/a%2Fb").status, 200u);
  EXPECT_EQ(ask("GET", "http://127.0.0.1/api/v1/services/%73hop").status, 200u);
  for (const char* none : {"/api/v1/services/other", "/api/v1/services/", "/api/v1/services/a/b",
                           "/api/v1/services/sho%7", "/api/v1/services/%zz", "/api/v2/services", "/", "/healthz/"}) {
    EXPECT_EQ(ask("GET", none).status, 404u) << none;
  }
}

TEST_F(RoutesTest, BeforeTheFirstSnapshotOnlyHealthIsTold) {
  sources_.begun = [] { return false; };
  for (const char* page : {"/metrics", "/api/v1/services", "/api/v1/services/shop/split", "/api/v1/history"}) {
    const Response response = ask("GET", page);
    EXPECT_EQ(response.status, 503u) << page;
    EXPECT_EQ(response.fields.at(0).first, "Retry-After") << page;
  }
  EXPECT_EQ(ask("POST", "/-/reload").status, 503u);
  EXPECT_EQ(ask("GET", "/healthz").status, 200u);
  EXPECT_EQ(ask("GET", "/nowhere").status, 404u);
}

TEST_F(RoutesTest, ErrorsAreProblemDetails) {
  const Response response = ask("GET", "/api/v1/services/other");
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto body = json::parse(response.body);
  EXPECT_EQ(body.at("status").to_number<int>(), 404);
  EXPECT_EQ(body.at("title"), "Not Found");
  EXPECT_TRUE(body.at("detail").is_string());
}

TEST_F(RoutesTest, AMethodThatIsNotAllowedIsToldWhichAre) {
  const Response response = ask("DELETE", "/healthz");
  EXPECT_EQ(response.status, 405u);
  const std::pair<std::string, std::string> allow{"Allow", "GET, HEAD"};
  EXPECT_EQ(response.fields, (std::vector{allow}));
  EXPECT_EQ(ask("GET", "/-/reload").status, 405u);
  EXPECT_EQ(ask("GE", "/healthz").status, 405u);
}

TEST_F(RoutesTest, WithoutAnOperatorNothingCanBeChanged) {
  sources_.control = nullptr;
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"PUT", "/api/v1/services/shop/split"},
                                                        {"POST", "/api/v1/services/shop/rollback"},
                                                        {"GET", "/api/v1/history"},
                                                        {"GET", "/api/v1/events"},
                                                        {"POST", "/-/reload"},
                                                        {"POST", "/-/drain"}}) {
    EXPECT_EQ(ask(method, target).status, 503u) << target;
  }
}

TEST_F(RoutesTest, ReadinessFollowsItsSource) {
  EXPECT_EQ(ask("GET", "/readyz").status, 200u);
  sources_.ready = [] { return false; };
  EXPECT_EQ(ask("GET", "/readyz").status, 503u);
  EXPECT_EQ(ask("GET", "/healthz").status, 200u);
}

TEST_F(RoutesTest, BeforeTheFirstSnapshotThereAreNoServices) {
  sources_.services = [] { return View(); };
  EXPECT_EQ(ask("GET", "/api/v1/services").status, 503u);
  EXPECT_EQ(ask("GET", "/api/v1/services/shop").status, 503u);
}

TEST_F(RoutesTest, TheTokenGuardsAllButThePublicPages) {
  token_ = "s3cret";
  for (const char* open : {"/healthz", "/readyz", "/metrics"}) EXPECT_EQ(ask("GET", open).status, 200u) << open;
  for (const char* guarded : {"/api/v1/services", "/api/v1/services/shop", "/-/reload", "/elsewhere"}) {
    EXPECT_EQ(ask("GET", guarded).status, 401u) << guarded;
  }
  EXPECT_EQ(ask("GET", "/api/v1/services", "Bearer s3cret").status, 200u);
}

TEST_F(RoutesTest, ASourceThatThrowsIsAnswered500) {
  sources_.metrics_text = []() -> std::string { throw std::runtime_error("no \"page\""); };
  const Response response = ask("GET", "/metrics");
  EXPECT_EQ(response.status, 500u);
  EXPECT_EQ(json::parse(response.body).at("detail"), "no \"page\"");
}

}  // namespace
}  // namespace weir::admin
