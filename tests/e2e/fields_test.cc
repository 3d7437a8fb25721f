// Which fields of a request and of a response go through, which are dropped, and which weir makes.
#include <set>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

const ConfigText kTrusting{.listener = {"trusted_proxies: [127.0.0.1]"}};

std::string scheme() { return everything_over_tls() ? "https" : "http"; }

/// The fields that reach the origin of a GET with these lines.
Fields seen_by_origin(const std::string& lines, const ConfigText& config = {}) {
  Edge edge(ok("served"), config);
  return expect_forwarded(edge, get("/", "shop.example", lines)).fields;
}

/// The fields that reach the client of a response with these lines.
Fields seen_by_client(const std::string& lines) {
  Edge edge(ok("served", lines));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.body, "served") << response;
  return response.fields;
}

TEST(RequestFields, WhatConnectionNamesIsDropped) {
  Fields fields = seen_by_origin("Connection: X-Hop, x-other\r\nX-Hop: 1\r\nX-Other: 2\r\nX-Stays: 3\r\n");
  EXPECT_FALSE(fields.has("X-Hop"));
  EXPECT_FALSE(fields.has("X-Other"));
  EXPECT_EQ(fields.get("X-Stays"), "3");
  for (const std::string& value : fields.all("Connection"))
    EXPECT_EQ(lower(value).find("x-"), std::string::npos) << value;
}

TEST(RequestFields, WhatASecondConnectionLineNamesIsDroppedToo) {
  Fields fields = seen_by_origin("X-Hop: 1\r\nConnection: keep-alive\r\nConnection: , x-hop ,\r\n");
  EXPECT_FALSE(fields.has("X-Hop"));
}

TEST(RequestFields, HopByHopFieldsAreDropped) {
  Fields fields = seen_by_origin(
      "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: h2c\r\nX-Stays: 1\r\n");
  for (const char* name : {"Keep-Alive", "Proxy-Connection", "Upgrade"}) EXPECT_FALSE(fields.has(name)) << name;
  EXPECT_EQ(fields.get("TE").find("gzip"), std::string::npos);
  EXPECT_EQ(fields.get("X-Stays"), "1");
}

TEST(RequestFields, AnUpgradeToHttp2IsNotForwarded) {
  Fields fields =
      seen_by_origin("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n");
  EXPECT_FALSE(fields.has("Upgrade"));
  EXPECT_FALSE(fields.has("HTTP2-Settings"));
}

TEST(RequestFields, EndToEndFieldsPassUnchangedInTheirOrder) {
  Fields fields = seen_by_origin(
      "Accept: a\r\nX-A: 1\r\nAccept: b\r\nCookie: uid=1\r\nX-A: 2\r\nAuthorization: Basic eDp5\r\nX-A: 3, 4\r\n"
      "User-Agent: t/1 (x; y)\r\ntraceparent: 00-1-2-01\r\nCookie: b=2\r\nVia: 1.1 front\r\n");
  EXPECT_EQ(fields.all("X-A"), (std::vector<std::string>{"1", "2", "3, 4"}));
  EXPECT_EQ(fields.all("Accept"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.all("Cookie"), (std::vector<std::string>{"uid=1", "b=2"}));
  EXPECT_EQ(fields.get("Authorization"), "Basic eDp5");
  EXPECT_EQ(fields.get("User-Agent"), "t/1 (x; y)");
  EXPECT_EQ(fields.get("traceparent"), "00-1-2-01");
  EXPECT_EQ(fields.get("Via"), "1.1 front");
}

TEST(RequestFields, HostGoesOnUnchanged) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, get("/", "Shop.Example:8080")).fields.get("Host"), "Shop.Example:8080");
}

TEST(RequestFields, AStrangersForwardedFieldsAreReplaced) {
  Fields fields = seen_by_origin(
      "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "
      "evil\r\n"
      "X-Request-Id: mine\r\nForwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nClient-Cert: :aGk=:\r\n");
  EXPECT_EQ(fields.all("X-Forwarded-For"), std::vector<std::string>{"127.0.0.1"});
  EXPECT_EQ(fields.all("X-Forwarded-Proto"), std::vector<std::string>{scheme()});
  EXPECT_EQ(fields.all("X-Forwarded-Host"), std::vector<std::string>{"shop.example"});
  ASSERT_EQ(fields.count("X-Request-Id"), 1u);
  EXPECT_NE(fields.get("X-Request-Id"), "mine");
  EXPECT_FALSE(fields.has("Forwarded"));
  EXPECT_FALSE(fields.has("X-Real-IP"));
  EXPECT_FALSE(fields.has("Client-Cert"));
}

TEST(RequestFields, WhatAnEndpointMayTakeForOneOfThemIsDropped) {
  const std::string said =
      "X_Forwarded_For: 192.0.2.1\r\nX-Forwarded_Proto: ftp\r\nX_REAL_IP: 192.0.2.1\r\nx_request-id: "
      "mine\r\nClient_Cert: "
      ":aGk=:\r\nX_Weir_Version: new\r\nX_Staff: 1\r\nX_Other: 1\r\n";
  for (const bool trusted : {false, true}) {
    ConfigText config = trusted ? kTrusting : ConfigText{};
    config.listener.push_back("trusted_headers: [X-Staff]");
    const Fields fields = seen_by_origin(said, config);
    for (const char* name :
         {"X_Forwarded_For", "X-Forwarded_Proto", "X_REAL_IP", "x_request-id", "Client_Cert", "X_Weir_Version"})
      EXPECT_FALSE(fields.has(name)) << name;
    EXPECT_EQ(fields.has("X_Staff"), trusted);
    EXPECT_TRUE(fields.has("X_Other"));
  }
}

TEST(RequestFields, WhoSendsNoneGetsThem) {
  Fields fields = seen_by_origin("");
  EXPECT_EQ(fields.get("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(fields.get("X-Forwarded-Proto"), scheme());
  EXPECT_EQ(fields.get("X-Forwarded-Host"), "shop.example");
  EXPECT_GE(fields.get("X-Request-Id").size(), 8u);
}

TEST(RequestFields, ATrustedProxysForwardedFieldsAreKeptAndItsAddressAppended) {
  Fields fields = seen_by_origin(
      "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.example\r\nX-Request-Id: "
      "mine\r\n"
      "Forwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nClient-Cert: :aGk=:\r\n",
      kTrusting);
  std::string addresses;
  for (const std::string& value : fields.all("X-Forwarded-For")) addresses += (addresses.empty() ? "" : ", ") + value;
  EXPECT_EQ(addresses, "192.0.2.1, 127.0.0.1");
  EXPECT_EQ(fields.all("X-Forwarded-Proto"), std::vector<std::string>{"https"});
  EXPECT_EQ(fields.all("X-Forwarded-Host"), std::vector<std::string>{"www.example"});
  EXPECT_EQ(fields.all("X-Request-Id"), std::vector<std::string>{"mine"});
  EXPECT_EQ(fields.get("Forwarded"), "for=192.0.2.1");
  EXPECT_EQ(fields.get("X-Real-IP"), "192.0.2.1");
  EXPECT_EQ(fields.get("Client-Cert"), ":aGk=:");
}

TEST(RequestFields, ConnectionCannotTakeWeirsOwnFieldsAway) {
  Fields fields = seen_by_origin("Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, X-Request-Id\r\n");
  EXPECT_EQ(fields.get("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(fields.get("X-Forwarded-Proto"), scheme());
  EXPECT_EQ(fields.get("X-Forwarded-Host"), "shop.example");
  EXPECT_TRUE(fields.has("X-Request-Id"));
}

TEST(RequestFields, AnAddressListOfNonsenseHarmsNobody) {
  for (const char* list : {"", ",", "unknown", "192.0.2.1:80", "[2001:db8::1]:80", "a, , ,b", "192.0.2.999", "\"x"}) {
    SCOPED_TRACE(list);
    Fields fields = seen_by_origin(std::string("X-Forwarded-For: ") + list + "\r\n", kTrusting);
    EXPECT_TRUE(fields.all("X-Forwarded-For").back().ends_with("127.0.0.1"));
  }
}

TEST(RequestFields, TrustIsByAddress) {
  Edge edge(ok("served"), {.listener = {"trusted_proxies: [127.0.0.7]"}});
  Client stranger = edge.client();
  stranger.send(get("/stranger", "shop.example", "X-Forwarded-For: 192.0.2.1\r\n"));
  EXPECT_EQ(stranger.receive().status, 200);
  Client trusted = edge.client({.from = "127.0.0.7"});
  trusted.send(get("/trusted", "shop.example", "X-Forwarded-For: 192.0.2.1\r\n"));
  EXPECT_EQ(trusted.receive().status, 200);
  std::vector<Request> requests = edge.origin.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].fields.get("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(requests[1].fields.get("X-Forwarded-For"), "192.0.2.1, 127.0.0.7");
}

TEST(RequestFields, EveryRequestHasAnIdOfItsOwn) {
  Edge edge;
  Client client = edge.client();
  for (int i = 0; i < 50; ++i) {
    client.send(get("/"));
    ASSERT_EQ(client.receive().status, 200);
  }
  std::set<std::string> ids;
  for (const Request& request : edge.origin.requests()) ids.insert(request.fields.get("X-Request-Id"));
  EXPECT_EQ(ids.size(), 50u);
}

TEST(RequestFields, WeirsOwnNamesCannotBeSentByAClient) {
  for (const ConfigText& config : {ConfigText{}, kTrusting}) {
    Fields fields = seen_by_origin("X-Weir-Version: new\r\nx-weir-anything: 1\r\nX-Weird: 2\r\n", config);
    EXPECT_FALSE(fields.has("X-Weir-Version"));
    EXPECT_FALSE(fields.has("X-Weir-Anything"));
    EXPECT_EQ(fields.get("X-Weird"), "2");
  }
}

TEST(RequestFields, ATrustedHeaderIsDroppedFromAnybodyElse) {
  ConfigText strangers{.listener = {"trusted_headers: [X-Staff]"}};
  EXPECT_FALSE(seen_by_origin("x-staff: 1\r\nX-Staff: 2\r\n", strangers).has("X-Staff"));
  ConfigText trusting{.listener = {"trusted_proxies: [127.0.0.1]", "trusted_headers: [X-Staff]"}};
  EXPECT_EQ(seen_by_origin("X-Staff: 1\r\n", trusting).get("X-Staff"), "1");
}

TEST(RequestFields, ViaIsNotAdded) { EXPECT_FALSE(seen_by_origin("").has("Via")); }

TEST(ResponseFields, WhatConnectionNamesIsDropped) {
  Fields fields = seen_by_client("Connection: X-Hop\r\nX-Hop: 1\r\nX-Stays: 2\r\n");
  EXPECT_FALSE(fields.has("X-Hop"));
  EXPECT_EQ(fields.get("X-Stays"), "2");
}

TEST(ResponseFields, HopByHopFieldsAreDropped) {
  Fields fields = seen_by_client("Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nX-Stays: 1\r\n");
  for (const char* name : {"Keep-Alive", "Proxy-Connection", "Upgrade"}) EXPECT_FALSE(fields.has(name)) << name;
  EXPECT_EQ(fields.get("X-Stays"), "1");
}

TEST(ResponseFields, RepeatedFieldsStaySeparateLinesInTheirOrder) {
  Fields fields =
      seen_by_client("Set-Cookie: a=1; Path=/\r\nX-A: 1\r\nSet-Cookie: b=2\r\nSet-Cookie: a=3, x\r\nX-A: 2\r\n");
  EXPECT_EQ(fields.all("Set-Cookie"), (std::vector<std::string>{"a=1; Path=/", "b=2", "a=3, x"}));
  EXPECT_EQ(fields.all("X-A"), (std::vector<std::string>{"1", "2"}));
}

TEST(ResponseFields, AMissingDateIsAdded) {
  Fields fields = seen_by_client("");
  ASSERT_EQ(fields.count("Date"), 1u);
  EXPECT_EQ(fields.get("Date").size(), std::string_view("Mon, 23 Nov 2026 17:00:00 GMT").size());
}

TEST(ResponseFields, ADateThatIsThereStays) {
  Fields fields = seen_by_client("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  EXPECT_EQ(fields.all("Date"), std::vector<std::string>{"Sun, 06 Nov 1994 08:49:37 GMT"});
}

TEST(ResponseFields, ServerAndEtagsPassUnchanged) {
  Fields fields = seen_by_client("Server: mine/1\r\nETag: \"x\"\r\nVary: *\r\nWWW-Authenticate: Basic realm=\"a\"\r\n");
  EXPECT_EQ(fields.all("Server"), std::vector<std::string>{"mine/1"});
  EXPECT_EQ(fields.get("ETag"), "\"x\"");
  EXPECT_EQ(fields.get("WWW-Authenticate"), "Basic realm=\"a\"");
}

TEST(ResponseFields, NothingTellsTheVersionUnlessItIsToBeRevealed) {
  Fields fields = seen_by_client("");
  EXPECT_FALSE(fields.has("X-Weir-Version"));
  EXPECT_FALSE(fields.has("X-Weir-Reason"));
}

}  // namespace
}  // namespace weir::testing
