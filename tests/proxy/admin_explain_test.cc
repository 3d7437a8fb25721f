// Explaining a request by the snapshot in force.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

#include "config/parse.h"
#include "proxy/admin/routes.h"
#include "tests/proxy/admin_view.h"

namespace weir::admin {
namespace {

namespace json = boost::json;

constexpr std::string_view kFile = R"(
listeners:
  - { name: edge, address: 127.0.0.1:8080, trusted_headers: [X-Staff] }
  - { name: inner, address: 127.0.0.1:8081, trusted_proxies: [10.0.0.0/8], trusted_headers: [X-Staff] }
  - name: known
    address: 127.0.0.1:8082
    trusted_headers: [X-Staff]
    tls: { certificates: [{ chain: a.pem, key: a.key }], client_ca: ca.pem }
services:
  - name: shop
    match: [{ host: shop.example }]
    cohort: { key: ["header:X-User-Id"], salt: checkout-2026-11 }
    stable: old
    versions:
      old: { endpoints: [127.0.0.1:9001] }
      new: { endpoints: [127.0.0.1:9002] }
    rules:
      - { name: staff, when: { header: { X-Staff: "1" } }, send: new }
      - { name: alice, when: { client_cert: { subject: "CN=alice" } }, send: new }
      - { name: device, when: { client_cert: { fingerprint: { prefix: abab } } }, send: new }
    split: { new: 10% }
)";

View compiled_view() {
  auto loaded = config::parse(kFile, "weir.yaml");
  EXPECT_TRUE(loaded) << loaded.problems().at(0).text();
  auto config = std::make_shared<const config::Config>(std::move(loaded->config));
  auto compiled = routing::compile(config, [] { return std::chrono::nanoseconds(0); });
  EXPECT_TRUE(compiled);
  return {compiled->snapshot,
          {},
          {{"shop", "old", "127.0.0.1:9001", true}, {"shop", "new", "127.0.0.1:9002", true}},
          {{"shop", "new"}}};
}

class ExplainRoute : public ::testing::Test {
 protected:
  Response ask(const std::string& body) {
    Request request;
    request.method = "POST";
    request.target = "/api/v1/explain";
    request.hosts = {"localhost"};
    request.body = body;
    Response given;
    answer(request, Access({}, ""), sources_, [&](Response response) { given = std::move(response); });
    return given;
  }
  json::object explained(const std::string& body) {
    const Response response = ask(body);
    EXPECT_EQ(response.status, 200u) << response.body;
    return json::parse(response.body).as_object();
  }
  std::string told(const std::string& body) {
    const Response response = ask(body);
    const json::object problem = json::parse(response.body).as_object();
    const json::value* field = problem.if_contains("field");
    return std::to_string(response.status) + " " + (field ? std::string(field->as_string()) : "");
  }

  View view_ = compiled_view();
  Sources sources_{[] { return true; }, [] { return std::string(); }, [this] { return view_; }};
};

TEST_F(ExplainRoute, TellsTheBucketAndTheShareItWasHeldAgainst) {
  const auto told = explained(R"({"url":"http://shop.example/cart","headers":{"X-User-Id":"7f3a9c2e"}})");
  EXPECT_EQ(told.at("service"), "shop");
  EXPECT_EQ(told.at("bucket").to_number<int>(), 66'771);
  EXPECT_EQ(told.at("share"), "10%");
  EXPECT_EQ(told.at("version"), "new");
  EXPECT_EQ(told.at("decided_by"), "split");
  EXPECT_EQ(told.at("endpoints"), json::parse(R"(["127.0.0.1:9002"])"));
  EXPECT_EQ(told.at("notes"), json::array());
  EXPECT_FALSE(told.at("text").as_string().empty());
}

TEST_F(ExplainRoute, TakesHeadersAsTextsListsOrLines) {
  for (const char* headers : {R"({"x-user-id":"user-1"})", R"({"X-User-Id":["user-1","user-2"]})",
                              R"(["X-User-Id: user-1"])", R"(["X-User-Id:user-1 ","X-User-Id: user-2"])"}) {
    const auto told = explained(std::string(R"({"url":"http://shop.example/","headers":)") + headers + "}");
    EXPECT_EQ(told.at("bucket").to_number<int>(), 370'301) << headers;
  }
}

TEST_F(ExplainRoute, HonoursWhomTheListenerTrusts) {
  const std::string staff = R"("url":"http://shop.example/","headers":{"X-Staff":"1","X-User-Id":"user-1"})";
  const auto stranger = explained("{" + staff + "}");
  EXPECT_EQ(stranger.at("version"), "old");
  EXPECT_EQ(stranger.at("notes").as_array().size(), 1u);
  const auto proxy = explained("{" + staff + R"(,"listener":"inner","from":"10.1.2.3"})");
  EXPECT_EQ(proxy.at("version"), "new");
  EXPECT_EQ(proxy.at("rule"), "staff");
}

TEST_F(ExplainRoute, ImaginesTheCertificateOfAClientThatIsAskedForOne) {
  const std::string alice = R"("url":"https://shop.example/","client_cert_subject":"CN=alice")";
  const auto shown = explained("{" + alice + R"(,"listener":"known"})");
  EXPECT_EQ(shown.at("rule"), "alice");
  EXPECT_EQ(shown.at("version"), "new");
  const auto not_asked = explained("{" + alice + "}");
  EXPECT_EQ(not_asked.at("version"), "old");
  EXPECT_EQ(not_asked.at("notes").as_array().size(), 1u);
}

TEST_F(ExplainRoute, TakesAFingerprintAsOpensslPrintsItToo) {
  const auto told_of = [&](const std::string& fingerprint) {
    return R"({"listener":"known","url":"https://shop.example/","client_cert_fingerprint":")" + fingerprint + "\"}";
  };
  std::string plain, printed;
  for (int i = 0; i < 32; ++i) {
    plain += "ab";
    printed += i == 0 ? "AB" : ":AB";
  }
  EXPECT_EQ(explained(told_of(plain)).at("rule"), "device");
  EXPECT_EQ(explained(told_of(printed)).at("rule"), "device");
  EXPECT_EQ(told(told_of("ab")), "422 client_cert_fingerprint");
}

TEST_F(ExplainRoute, ACandidateWithoutAnEndpointFallsBack) {
  view_.versions[0].available = false;
  const auto told = explained(R"({"url":"http://shop.example/","headers":{"X-User-Id":"7f3a9c2e"}})");
  EXPECT_EQ(told.at("decided_by"), "fallback");
  EXPECT_EQ(told.at("version"), "old");
}

TEST_F(ExplainRoute, AHostThatNobodyServesIsTold) {
  const auto told = explained(R"({"url":"http://other.example/"})");
  EXPECT_TRUE(told.at("service").is_null());
  EXPECT_EQ(told.at("status").to_number<int>(), 404);
}

TEST_F(ExplainRoute, RefusesByNameWhatItDoesNotUnderstand) {
  EXPECT_EQ(told("{}"), "422 url");
  EXPECT_EQ(told(""), "422 url");
  EXPECT_EQ(told(R"({"url":""})"), "422 url");
  EXPECT_EQ(told(R"({"url":7})"), "422 url");
  EXPECT_EQ(told(R"({"url":"ftp://x/"})"), "422 url");
  EXPECT_EQ(told(R"({"url":"http://x/\r\nHost: y"})"), "422 url");
  EXPECT_EQ(told(R"({"url":"/","from":"here"})"), "422 from");
  EXPECT_EQ(told(R"({"url":"/","method":"GE T"})"), "422 method");
  EXPECT_EQ(told(R"({"url":"/","listener":"none"})"), "422 listener");
  EXPECT_EQ(told(R"({"url":"/","headers":"X: y"})"), "422 headers");
  EXPECT_EQ(told(R"({"url":"/","headers":[7]})"), "422 headers");
  EXPECT_EQ(told(R"({"url":"/","headers":["no colon"]})"), "422 headers");
  EXPECT_EQ(told(R"({"url":"/","headers":{"X":7}})"), "422 headers.X");
  EXPECT_EQ(told(R"({"url":"/","headers":{"X":["a",7]}})"), "422 headers.X");
  EXPECT_EQ(told(R"({"url":"/","headers":{"X":"a\r\nY: b"}})"), "422 headers");
  EXPECT_EQ(told(R"({"url":"/","headers":{"":"a"}})"), "422 headers");
  EXPECT_EQ(told(R"({"url":"/","headers":{"X":"a","X":"b"}})"), "400 X");
  EXPECT_EQ(told(R"({"url":"/","header":{}})"), "422 header");
}

TEST_F(ExplainRoute, BeforeTheFirstSnapshotThereIsNothingToExplain) {
  view_.snapshot = nullptr;
  EXPECT_EQ(told(R"({"url":"/"})"), "503 ");
}

}  // namespace
}  // namespace weir::admin
