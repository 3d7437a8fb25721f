// RFC 9110, requirement by requirement, as far as an intermediary is asked: the tests' names carry the sections.
// What the other files of this room have already is not repeated here.
#include <fmt/format.h>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

std::string options(std::string_view target, std::string_view lines) {
  return fmt::format("OPTIONS {} HTTP/1.1\r\nHost: shop.example\r\n{}\r\n", target, lines);
}

// --- 6: content, trailers, date -------------------------------------------------------------------------------------

TEST(Section6_4, ContentIsPassedWhateverItIs) {
  std::string body;
  for (int byte = 0; byte < 256; ++byte) body += static_cast<char>(byte);
  Edge edge(echo());
  EXPECT_EQ(edge.fetch(post("/", body), "POST").body, body);
  EXPECT_EQ(edge.origin.only_request().body, body);
}

TEST(Section6_5_1, TrailersAreNotMergedIntoTheHead) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                chunks("hello", 5, "X-A: 1\r\nSet-Cookie: a=1\r\nContent-Length: 3\r\n")));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.body, "hello");
  EXPECT_FALSE(response.fields.has("X-A"));
  EXPECT_FALSE(response.fields.has("Set-Cookie"));
  EXPECT_EQ(response.trailers.get("X-A"), "1");
  EXPECT_FALSE(response.trailers.has("Content-Length"));
}

TEST(Section6_6_1, ADateIsAddedOnceToAnyResponse) {
  for (const char* head : {"204 No Content\r\n", "304 Not Modified\r\n", "500 Oops\r\nContent-Length: 0\r\n"}) {
    Edge edge(raw(fmt::format("HTTP/1.1 {}\r\n", head)));
    EXPECT_EQ(edge.fetch(get("/")).fields.count("Date"), 1u) << head;
  }
}

TEST(Section6_6_1, WeirsOwnAnswersHaveADate) {
  Edge edge;
  edge.origin.stop();
  EXPECT_EQ(edge.fetch(get("/")).fields.count("Date"), 1u);
}

// --- 7: routing and what connections are told -----------------------------------------------------------------------

TEST(Section7_2, HostIsTheFirstToBeBelievedAndTheOnlyOne) {
  Edge edge;
  Request request = expect_forwarded(
      edge, get("/", "shop.example", "X-Forwarded-Host: evil\r\nX-Host: evil\r\nForwarded: host=evil\r\n"));
  EXPECT_EQ(request.fields.all("Host"), std::vector<std::string>{"shop.example"});
  EXPECT_EQ(request.fields.get("X-Forwarded-Host").find("evil"), std::string::npos);
}

TEST(Section7_6_1, ConnectionFieldsOfAnInterimResponseGoNoFurther) {
  Edge edge(
      raw("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: a=1\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Response response = edge.fetch(get("/"));
  ASSERT_EQ(response.interim.size(), 1u);
  EXPECT_EQ(response.interim[0].fields.get("Link"), "<a>");
  for (const char* name : {"Connection", "X-Hop", "Keep-Alive"})
    EXPECT_FALSE(response.interim[0].fields.has(name)) << name;
}

TEST(Section7_6_1, ConnectionThatNamesEndToEndFieldsTakesOnlyThoseAway) {
  Edge edge;
  Request request = expect_forwarded(
      edge, get("/", "shop.example", "Connection: Cookie, X-A\r\nCookie: a=1\r\nX-A: 1\r\nX-AB: 2\r\n"));
  EXPECT_FALSE(request.fields.has("Cookie"));
  EXPECT_FALSE(request.fields.has("X-A"));
  EXPECT_EQ(request.fields.get("X-AB"), "2");
}

TEST(Section7_6_2, OptionsWithNoHopLeftIsAnsweredHere) {
  for (const char* target : {"/", "*", "/x?y"}) {
    Edge edge;
    Response response = edge.fetch(options(target, "Max-Forwards: 0\r\n"));
    EXPECT_EQ(response.status, 200) << response;
    EXPECT_NE(response.fields.get("Allow").find("GET"), std::string::npos) << response;
    EXPECT_EQ(edge.origin.connections(), 0u) << target;
  }
}

TEST(Section7_6_2, OptionsWithHopsLeftLosesOne) {
  for (const auto& [sent, seen] : {std::pair{"1", "0"}, std::pair{"10", "9"}, std::pair{"007", "6"}}) {
    Edge edge;
    Request request = expect_forwarded(edge, options("/", fmt::format("Max-Forwards: {}\r\n", sent)));
    EXPECT_EQ(request.fields.all("Max-Forwards"), std::vector<std::string>{seen});
  }
}

TEST(Section7_6_2, MaxForwardsOfOtherMethodsIsNobodysBusiness) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, get("/", "shop.example", "Max-Forwards: 0\r\n")).fields.get("Max-Forwards"), "0");
}

TEST(Section7_6_2, OptionsAnsweredHereKeepsTheConnection) {
  Edge edge;
  Client client = edge.client();
  client.send(options("*", "Max-Forwards: 0\r\n") + get("/next"));
  EXPECT_EQ(client.receive("OPTIONS").status, 200);
  EXPECT_EQ(client.receive().body, "served");
}

TEST(Section7_7, ContentIsNotTransformed) {
  const std::string zipped = "\x1f\x8b\x08 not really";
  Edge edge(ok(zipped, "Content-Encoding: gzip\r\nContent-Type: text/html\r\nCache-Control: no-transform\r\n"));
  Response response = edge.fetch(get("/", "shop.example", "Accept-Encoding: gzip\r\n"));
  EXPECT_EQ(response.body, zipped);
  EXPECT_EQ(response.fields.get("Content-Encoding"), "gzip");
  EXPECT_EQ(response.fields.get("Content-Type"), "text/html");
  EXPECT_EQ(edge.origin.only_request().fields.get("Accept-Encoding"), "gzip");
}

TEST(Section7_8, UpgradeWithoutTheConnectionOptionGoesNoFurther) {
  Edge edge;
  EXPECT_FALSE(expect_forwarded(edge, get("/", "shop.example", "Upgrade: websocket\r\n")).fields.has("Upgrade"));
}

TEST(Section7_8, AnUpgradeThatIsNotPassedOnIsAnOrdinaryRequest) {
  for (const char* lines : {"Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: upgrade\r\nUpgrade: TLS/1.0, x\r\n",
                            "Connection: Upgrade\r\n"}) {
    Edge edge;
    Client client = edge.client();
    for (int i = 0; i < 2; ++i) {
      client.send(get("/", "shop.example", lines));
      EXPECT_EQ(client.receive().body, "served") << lines;
    }
  }
}

// --- 8.6: Content-Length --------------------------------------------------------------------------------------------

TEST(Section8_6, ALengthOf0IsSentOn) {
  Edge edge;
  Request request = expect_forwarded(edge, post("/", ""));
  EXPECT_EQ(request.fields.get("Content-Length"), "0");
}

TEST(Section8_6, TheLengthOfAHeadAnswerIsThatOfTheGet) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nContent-Length: 123456789012\r\n\r\n"));
  Client client = edge.client();
  for (int i = 0; i < 2; ++i) {
    client.send("HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    EXPECT_EQ(client.receive("HEAD").fields.get("Content-Length"), "123456789012");
  }
}

TEST(Section8_6, A204OrA1xxHasNone) {
  Edge edge(
      raw("HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 204);
  EXPECT_FALSE(response.fields.has("Content-Length"));
  for (const Interim& interim : response.interim) EXPECT_FALSE(interim.fields.has("Content-Length"));
}

// --- 9: methods -----------------------------------------------------------------------------------------------------

TEST(Section9_2_2, NoMethodThatIsNotIdempotentIsSentTwice) {
  for (const char* method : {"POST", "PATCH", "FOOBAR", "get", "LOCK"}) {
    Edge edge(raw_then_close(""));
    edge.origin.on("/warm", ok("warm"));
    Client client = edge.client();
    client.send(get("/warm"));
    ASSERT_EQ(client.receive().status, 200);
    client.send(fmt::format("{} /once HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nhi", method));
    EXPECT_EQ(client.receive("POST").status, 502) << method;
    EXPECT_EQ(edge.origin.complete_requests(), 2u) << method;
  }
}

TEST(Section9_3_2, AHeadIsNeverAnsweredWithABody) {
  for (const char* bytes : {"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 302 Found\r\n\r\n",
                            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n"}) {
    Edge edge(raw(bytes));
    edge.origin.on("/next", ok("next"));
    Client client = edge.client();
    client.send("HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n" + get("/next"));
    EXPECT_TRUE(client.receive("HEAD").complete) << bytes;
    EXPECT_EQ(client.receive().body, "next") << bytes;
  }
}

TEST(Section9_3_2, WeirsOwnAnswerToAHeadHasNoBody) {
  Edge edge;
  edge.origin.stop();
  Client client = edge.client();
  client.send("HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  Response response = client.receive("HEAD");
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(client.wire().buffer(), "");
}

TEST(Section9_3_6, ConnectIsRefusedWhateverItNames) {
  for (const char* target : {"shop.example:443", "/", "http://shop.example/", "*"}) {
    Edge edge;
    expect_refused(edge, fmt::format("CONNECT {} HTTP/1.1\r\nHost: shop.example\r\n\r\n", target));
  }
}

TEST(Section9_3_8, TraceIsRefusedAndShowsNothing) {
  Edge edge;
  Response response = edge.fetch("TRACE / HTTP/1.1\r\nHost: shop.example\r\nCookie: secret=1\r\n\r\n");
  EXPECT_EQ(response.status, 405);
  EXPECT_TRUE(response.fields.has("Allow"));
  EXPECT_EQ(response.body.find("secret"), std::string::npos);
}

// --- 10.1.1: Expect -------------------------------------------------------------------------------------------------

TEST(Section10_1_1, TheExpectationReachesTheOrigin) {
  Edge edge;
  EXPECT_EQ(lower(expect_forwarded(edge, post("/", "hello", "Expect: 100-Continue\r\n")).fields.get("Expect")),
            "100-continue");
}

TEST(Section10_1_1, OfAnHttp10ClientItIsIgnored) {
  Edge edge(raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Response response = edge.fetch(
      "POST / HTTP/1.0\r\nHost: shop.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello", "POST");
  EXPECT_TRUE(response.interim.empty());
  EXPECT_EQ(response.body, "ok");
  EXPECT_FALSE(edge.origin.only_request().fields.has("Expect"));
}

TEST(Section10_1_1, ABodyThatIsHeldBackAfterAFinalAnswerIsNoRequest) {
  for (const char* status : {"200 OK", "413 Content Too Large", "417 Expectation Failed", "302 Found"}) {
    Edge edge([&](Turn& turn) {
      turn.send(fmt::format("HTTP/1.1 {}\r\nContent-Length: 2\r\n\r\nno", status));
      turn.read_all();
      turn.close();
    });
    edge.origin.on("/hidden", ok("hidden"));
    const std::string body = get("/hidden");
    Client client = edge.client();
    client.send(fmt::format(
        "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.size()));
    EXPECT_EQ(client.receive("POST").body, "no") << status;
    client.send(body);
    EXPECT_EQ(client.receive_all().find("HTTP/1."), std::string::npos) << status;
    for (const Request& request : edge.origin.requests()) EXPECT_NE(request.target, "/hidden") << status;
  }
}

TEST(Section10_1_1, AnExpectationThatNobodyKnowsIsTheOriginsToJudge) {
  for (const char* value : {"y 100-continue", "100-continue, x", "something"}) {
    Edge edge;
    expect_safe(edge, post("/", "hello", fmt::format("Expect: {}\r\n", value)), "hello");
  }
}

TEST(Section10_1_1, AContinueWithoutABodyToSendHarmsNobody) {
  Edge edge(raw("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Client client = edge.client();
  for (int i = 0; i < 3; ++i) {
    client.send(get("/", "shop.example", "Expect: 100-continue\r\n"));
    EXPECT_EQ(client.receive().body, "ok");
  }
}

// --- 15.2: interim responses ----------------------------------------------------------------------------------------

TEST(Section15_2, EveryInterimHeadPassesInItsOrder) {
  std::string bytes;
  for (int status : {102, 103, 103, 110, 199}) bytes += fmt::format("HTTP/1.1 {} X\r\nX-N: {}\r\n\r\n", status, status);
  Edge edge(raw(bytes + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.body, "ok");
  ASSERT_EQ(response.interim.size(), 5u);
  EXPECT_EQ(response.interim[3].status, 110);
  EXPECT_EQ(response.interim[3].fields.get("X-N"), "110");
}

TEST(Section15_2, AnInterimHeadIsNotTheAnswerToAHead) {
  Edge edge(raw("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
  edge.origin.on("/next", ok("next"));
  Client client = edge.client();
  client.send("HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n" + get("/next"));
  EXPECT_EQ(client.receive("HEAD").status, 200);
  EXPECT_EQ(client.receive().body, "next");
}

TEST(Section15_2, AnInterimHeadThatIsCutIsNoAnswer) {
  Edge edge(raw_then_close("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n"));
  EXPECT_EQ(edge.fetch(post("/", "x"), "POST").status, 502);
}

TEST(Section15_2, AnOriginThatEndsAfterAnInterimHeadGaveNoAnswer) {
  Edge edge(raw_then_close("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"));
  Response response = edge.fetch(post("/", "x"), "POST");
  EXPECT_TRUE(response.status == 502 || response.status == 0) << response;
  EXPECT_NE(response.end, End::timeout);
}

}  // namespace
}  // namespace weir::testing
