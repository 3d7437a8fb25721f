// Requests and responses go through unchanged where nothing is wrong with them (http-cases 14–21).
#include <fmt/format.h>

#include <future>
#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

/// Bytes that repeat only after a long time, so that a lost or doubled piece shows.
std::string noise(size_t size) {
  std::string bytes(size, '\0');
  uint64_t state = 88172645463325252ull;
  for (char& byte : bytes) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    byte = static_cast<char>(state);
  }
  return bytes;
}

constexpr size_t kLarge = 10 * 1000 * 1000;

/// Sends while it reads, as a client of a large echo must.
Response exchange_large(Client& client, const std::string& request) {
  std::thread sender([&] { client.send(request); });
  Response response = client.receive("POST", kPatience * 3);
  sender.join();
  return response;
}

class UnchangedTarget : public ::testing::TestWithParam<Named> {};

TEST_P(UnchangedTarget, ReachesTheOriginByteForByte) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, get(GetParam().text)).target, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Targets, UnchangedTarget,
    ::testing::Values(Named{"Root", "/"}, Named{"EncodedSlash", "/a%2Fb"}, Named{"EncodedTilde", "/%7euser"},
                      Named{"DoubleSlashes", "//double//slash"}, Named{"DotDot", "/a/../b"}, Named{"Dot", "/./a"},
                      Named{"DotDotAlone", "/.."}, Named{"EmptyQuery", "/a?"}, Named{"EmptyQueryOfTheRoot", "/?"},
                      Named{"EmptyParameters", "/?a=b&a=c&&"}, Named{"DotsInAQuery", "/a?x=/../y"},
                      Named{"QuestionInAQuery", "/a?q=?"}, Named{"Semicolon", "/a;p=1"}, Named{"EncodedNul", "/a%00b"},
                      Named{"BadEncoding", "/%zz"}, Named{"Plus", "/a+b"}, Named{"SubDelimiters", "/a,b'(c)*!$"},
                      Named{"Bar", "/a|b"}, Named{"Quote", "/a\"b"}, Named{"Braces", "/{x}"},
                      Named{"CaretAndTick", "/a^b`"}, Named{"ColonAndAt", "/a:b@c"}, Named{"EncodedUtf8", "/%E2%82%AC"},
                      Named{"EncodedSpace", "/a%20b"}, Named{"Brackets", "/[x]?[y]=1"}, Named{"Backslash", "/a\\b"}),
    name_of_named);

TEST(Target, OptionsOfTheWholeServerHasOneReading) {
  Edge edge;
  expect_safe(edge, "OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n", "");
}

TEST(Target, LongOnesPass) {
  Edge edge;
  std::string target = "/" + std::string(12'000, 'a') + "?" + std::string(3'000, 'b');
  EXPECT_EQ(expect_forwarded(edge, get(target)).target, target);
}

class Methods : public ::testing::TestWithParam<Named> {};

TEST_P(Methods, ArePassedOnAsTheyAre) {
  Edge edge;
  Client client = edge.client();
  client.send(fmt::format("{} /x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 2\r\n\r\nhi", GetParam().text));
  EXPECT_EQ(client.receive().status, 200);
  Request request = edge.origin.only_request();
  EXPECT_EQ(request.method, GetParam().text);
  EXPECT_EQ(request.body, "hi");
}

INSTANTIATE_TEST_SUITE_P(Tokens, Methods,
                         ::testing::Values(Named{"GET", "GET"}, Named{"POST", "POST"}, Named{"PUT", "PUT"},
                                           Named{"PATCH", "PATCH"}, Named{"DELETE", "DELETE"},
                                           Named{"OPTIONS", "OPTIONS"}, Named{"PROPFIND", "PROPFIND"},
                                           Named{"REPORT", "REPORT"}, Named{"FOOBAR", "FOOBAR"},
                                           Named{"M_SEARCH", "M-SEARCH"}, Named{"PURGE", "PURGE"},
                                           Named{"QUERY", "QUERY"}, Named{"LowerCaseGet", "get"}),
                         name_of_named);

TEST(Body, TenMegabytesByLengthArriveUnchangedInBothDirections) {
  Edge edge(echo());
  std::string body = noise(kLarge);
  Client client = edge.client();
  Response response = exchange_large(client, post("/", body));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body == body) << response;
}

TEST(Body, TenMegabytesInChunksArriveUnchangedInBothDirections) {
  std::string body = noise(kLarge);
  Edge edge([](Turn& turn) {
    const Request& request = turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    turn.send(chunks(request.body, 50'021));
  });
  Client client = edge.client();
  Response response = exchange_large(
      client, "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body, 33'333));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body == body) << response;
}

TEST(Body, SmallChunksArriveUnchanged) {
  std::string body = noise(20'000);
  Edge edge([](Turn& turn) {
    const Request& request = turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    turn.send(chunks(request.body, 7));
  });
  Client client = edge.client();
  Response response = exchange_large(
      client, "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body, 3));
  EXPECT_TRUE(response.body == body) << response;
}

TEST(Body, BothDirectionsFlowAtOnce) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    for (int i = 0; i < 3; ++i) turn.send(turn.read_bytes(2));
  });
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(client.receive_head().status, 200);
  for (const char* piece : {"ab", "cd", "ef"}) {
    client.send(piece);
    EXPECT_EQ(client.receive_bytes(2), piece);
  }
}

TEST(Body, EachPieceOfAResponseArrivesAtOnce) {
  std::promise<void> seen;
  auto first_seen = seen.get_future().share();
  Edge edge([first_seen](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    first_seen.wait_for(kPatience);
    turn.send("6\r\nsecond\r\n0\r\n\r\n");
  });
  Client client = edge.client();
  client.send(get("/"));
  Response response = client.receive_head();
  Wire& wire = client.wire();
  while (wire.buffer().find("first") == std::string::npos && wire.fill(within(kPatience))) {
  }
  EXPECT_NE(wire.buffer().find("first"), std::string::npos) << "held back";
  seen.set_value();
  client.receive_body(response);
  EXPECT_EQ(response.body, "firstsecond");
}

TEST(Body, ASlowReaderDoesNotFillTheProxysMemory) {
  constexpr size_t kPiece = 1 << 20, kPieces = 200;
  Edge edge([](Turn& turn) {
    turn.read_body();
    turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kPiece * kPieces));
    std::string piece(kPiece, 'x');
    for (size_t i = 0; i < kPieces && turn.send(piece); ++i) {
    }
  });
  edge.origin.forget();
  edge.fetch(get("/warm", "shop.example", "Connection: close\r\n"), "HEAD");
  size_t before = edge.proxy->program().resident_bytes();
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(edge.client({.receive_buffer = 4096}));
    clients.back().send(get("/"));
    EXPECT_EQ(clients.back().receive_head().status, 200);
  }
  size_t after = edge.proxy->program().resident_bytes();
  EXPECT_LT(after - std::min(before, after), size_t{48} << 20);
  for (Client& client : clients) client.reset();
}

TEST(Body, TrailersOfARequestReachTheOrigin) {
  Edge edge;
  Request request = expect_forwarded(edge,
                                     "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n"
                                     "Trailer: X-Sum\r\n\r\n" +
                                         chunks("hello", 5, "X-Sum: 1\r\nX-Sum: 2\r\n"));
  EXPECT_EQ(request.trailers.all("X-Sum"), (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(request.fields.has("X-Sum"));
}

TEST(Body, TrailersOfAResponseReachTheClient) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
                chunks("hello", 5, "X-Sum: 1\r\n")));
  Response response = edge.fetch(get("/", "shop.example", "TE: trailers\r\n"));
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.trailers.get("X-Sum"), "1");
  EXPECT_FALSE(response.fields.has("X-Sum"));
}

TEST(Expect, TheOriginsContinueReachesTheClientOnce) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 100 Continue\r\n\r\n");
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
  });
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive_interim().status, 100);
  client.send("hello");
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.interim.empty());
  EXPECT_EQ(edge.origin.only_request().body, "hello");
}

TEST(Expect, ARefusalComesWithoutTheBody) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
    turn.close();
  });
  Client client = edge.client();
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  Response response = client.receive("POST");
  EXPECT_EQ(response.status, 417);
  EXPECT_EQ(response.body, "no");
  EXPECT_TRUE(response.interim.empty());
}

TEST(Expect, AClientThatDoesNotWaitIsServed) {
  Edge edge([](Turn& turn) {
    turn.send("HTTP/1.1 100 Continue\r\n\r\n");
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
  });
  EXPECT_EQ(edge.fetch(post("/", "hello", "Expect: 100-continue\r\n"), "POST").body, "done");
}

TEST(Interim, EarlyHintsReachTheClientAtOnce) {
  std::promise<void> seen;
  auto hint_seen = seen.get_future().share();
  Edge edge([hint_seen](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
    hint_seen.wait_for(kPatience);
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
  });
  Client client = edge.client();
  client.send(get("/"));
  Interim hint = client.receive_interim();
  EXPECT_EQ(hint.status, 103);
  EXPECT_EQ(hint.fields.get("Link"), "</a.css>; rel=preload");
  seen.set_value();
  EXPECT_EQ(client.receive().body, "done");
}

TEST(Interim, SeveralOfThemAndUnknownOnesPass) {
  Edge edge(
      raw("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 200) << response;
  EXPECT_EQ(response.body, "done");
}

TEST(Interim, AnHttp10ClientGetsNone) {
  Edge edge(raw("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"));
  Response response = edge.fetch("GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.interim.empty());
  EXPECT_EQ(response.body, "done");
}

}  // namespace
}  // namespace weir::testing
