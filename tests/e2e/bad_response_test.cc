// Origins that answer badly, half, late or not at all (http-cases 22–28): the client can always tell.
#include <fmt/format.h>

#include "tests/e2e/edge.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

struct Case {
  const char* name;
  std::string bytes;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

std::string with(std::string_view lines, std::string_view body = "hello") {
  return fmt::format("HTTP/1.1 200 OK\r\n{}\r\n{}", lines, body);
}
std::string chunked(std::string_view body) { return with("Transfer-Encoding: chunked\r\n", body); }
std::string status_line(std::string_view line) { return fmt::format("{}\r\nContent-Length: 5\r\n\r\nhello", line); }

/// The token of RFC 9209 behind `Proxy-Status: weir; error=`.
std::string error_of(const Response& response) {
  std::string value = response.fields.get("Proxy-Status");
  size_t at = value.find("error=");
  return value.starts_with("weir") && at != std::string::npos ? value.substr(at + 6, value.find(';', at) - at - 6)
                                                              : value;
}

class BadGateway : public ::testing::TestWithParam<Case> {};

TEST_P(BadGateway, Answers502AndSaysWhy) {
  Edge edge(raw_then_close(GetParam().bytes));
  edge.origin.on("/good", ok("good"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 502) << response;
  if (peer() == "weir") {
    EXPECT_NE(error_of(response), "") << response;
  }
  EXPECT_EQ(edge.fetch(get("/good")).body, "good");
}

INSTANTIATE_TEST_SUITE_P(Head, BadGateway,
                         ::testing::Values(Case{"StatusOfLetters", status_line("HTTP/1.1 abc OK")},
                                           Case{"StatusOfTwoDigits", status_line("HTTP/1.1 20 OK")},
                                           Case{"StatusOfFourDigits", status_line("HTTP/1.1 2000 OK")},
                                           Case{"StatusBelow100", status_line("HTTP/1.1 099 OK")},
                                           Case{"NoStatus", status_line("HTTP/1.1")},
                                           Case{"AnotherProtocol", status_line("ICY 200 OK")},
                                           Case{"VersionTwo", status_line("HTTP/2.0 200 OK")},
                                           Case{"NoHttpAtAll", "hello there, this is not HTTP\r\n\r\n"},
                                           Case{"ARequest", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
                                           Case{"BareLfHead", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"},
                                           Case{"NameWithASpace", with("Content-Length: 5\r\nX A: 1\r\n")},
                                           Case{"NulInTheReason", status_line("HTTP/1.1 200 O\0K"s)},
                                           Case{"NoColon", with("Content-Length: 5\r\nX-A\r\n")},
                                           Case{"SpaceBeforeColon", with("Content-Length : 5\r\n")},
                                           Case{"NulInAValue", with("Content-Length: 5\r\nX-A: a\0b\r\n"s)},
                                           Case{"BareCrInAValue", with("Content-Length: 5\r\nX-A: a\rb: c\r\n")},
                                           Case{"NothingAtAll", ""}, Case{"HalfAHead", "HTTP/1.1 200 OK\r\nContent-"},
                                           Case{"Only100", "HTTP/1.1 100 Continue\r\n\r\n"}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    Framing, BadGateway,
    ::testing::Values(Case{"TwoLengths", with("Content-Length: 5\r\nContent-Length: 6\r\n")},
                      Case{"TwoLengthsByComma", with("Content-Length: 5, 6\r\n")},
                      Case{"LengthAndChunked",
                           with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")},
                      Case{"ChunkedAndLength",
                           with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "5\r\nhello\r\n0\r\n\r\n")},
                      Case{"NegativeLength", with("Content-Length: -5\r\n")},
                      Case{"PlusLength", with("Content-Length: +5\r\n")},
                      Case{"HexLength", with("Content-Length: 0x5\r\n")},
                      Case{"LengthWithLetters", with("Content-Length: 5a\r\n")},
                      Case{"EmptyLength", with("Content-Length:\r\n")},
                      Case{"LengthBeyond64Bits", with("Content-Length: 18446744073709551621\r\n")},
                      Case{"UnknownCoding", with("Transfer-Encoding: xchunked\r\n")},
                      Case{"ChunkedTwice", with("Transfer-Encoding: chunked, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")},
                      Case{"ChunkedNotLast", with("Transfer-Encoding: chunked, gzip\r\n", "5\r\nhello\r\n0\r\n\r\n")}),
    name_of);

class CutShort : public ::testing::TestWithParam<Case> {};

TEST_P(CutShort, IsNeverAWholeResponse) {
  for (bool http10 : {false, true}) {
    SCOPED_TRACE(http10 ? "HTTP/1.0 client" : "HTTP/1.1 client");
    Edge edge(raw_then_close(GetParam().bytes));
    Response response = edge.fetch(http10 ? "GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n" : get("/"));
    EXPECT_FALSE(response.status == 200 && response.complete) << response;
    EXPECT_NE(response.end, End::timeout);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Body, CutShort,
    ::testing::Values(Case{"ShortOfItsLength", with("Content-Length: 50\r\n")},
                      Case{"NoBodyAtAll", with("Content-Length: 50\r\n", "")},
                      Case{"NoLastChunk", chunked("5\r\nhello\r\n")}, Case{"NoChunkAtAll", chunked("")},
                      Case{"InsideAChunk", chunked("32\r\nhello")},
                      Case{"InsideAChunkSize", chunked("5\r\nhello\r\n3")},
                      Case{"BeforeTheLastLine", chunked("5\r\nhello\r\n0\r\n")},
                      Case{"InsideATrailer", chunked("5\r\nhello\r\n0\r\nX-A: 1")},
                      Case{"BadChunkSize", chunked("5\r\nhello\r\nzz\r\n")},
                      Case{"NegativeChunkSize", chunked("-5\r\nhello\r\n0\r\n\r\n")},
                      Case{"ChunkBeyond64Bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
                      Case{"NoCrlfBehindAChunk", chunked("5\r\nhelloXX0\r\n\r\n")}),
    name_of);

TEST(CutShort, IsCutShortAfterMegabytesToo) {
  Edge edge(raw_then_reset(with("Content-Length: 10000000\r\n", std::string(3'000'000, 'x'))));
  Response response = edge.fetch(get("/"));
  EXPECT_FALSE(response.complete) << response;
}

TEST(CutShort, DoesNotSpoilTheNextRequest) {
  Edge edge;
  edge.origin.on("/cut", raw_then_close(with("Content-Length: 50\r\n")));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(edge.fetch(get("/cut")).complete);
    EXPECT_EQ(edge.fetch(get("/")).body, "served");
  }
}

TEST(BadOrigin, ThatFoldsAFieldIsUnfoldedOrRefused) {
  for (const char* lines : {"Content-Length: 5\r\nX-A: a\r\n b\r\n", "Content-Length: 5\r\nX-A:\r\n\tb\r\n",
                            "Content-Length:\r\n 5\r\n", "Transfer-Encoding: chunked\r\n ,x\r\n"}) {
    SCOPED_TRACE(lines);
    Edge edge(raw_then_close(with(lines)));
    Response response = edge.fetch(get("/"));
    EXPECT_TRUE(response.status == 502 ||
                (response.status == 200 && response.fault.empty() && response.body == "hello"))
        << response;
  }
}

class BodyWhereNoneBelongs : public ::testing::TestWithParam<Case> {};

TEST_P(BodyWhereNoneBelongs, IsNobodysResponse) {
  Edge edge;
  edge.origin.on("/bad", raw(GetParam().bytes));
  Client client = edge.client();
  client.send(
      fmt::format("{} /bad HTTP/1.1\r\nHost: shop.example\r\n\r\n", GetParam().name[0] == 'H' ? "HEAD" : "GET"));
  Response response = client.receive("HEAD");
  EXPECT_EQ(response.fault, "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(edge.fetch(get("/")).body, "served");
  client.send(get("/"));
  Response next = client.receive();
  EXPECT_TRUE(next.status == 0 || next.body == "served") << next;
}

INSTANTIATE_TEST_SUITE_P(
    Extra, BodyWhereNoneBelongs,
    ::testing::Values(
        Case{"NoContent",
             "HTTP/1.1 204 No Content\r\nContent-Length: 38\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
        Case{"NoContentInChunks",
             "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
        Case{"NotModified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"},
        Case{"HeadByLength", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
        Case{"HeadInChunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}),
    name_of);

TEST(BadOrigin, WhoseInterimHeadAnnouncesABodyHasNone) {
  Edge edge(
      raw("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
          "4\r\n\r\ndone"));
  Response response = edge.fetch(get("/"));
  EXPECT_TRUE(response.status == 502 || response.body == "done") << response;
}

TEST(BadOrigin, CannotFrameAResponseByItsTrailers) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                chunks("hello", 5, "Content-Length: 50\r\nTransfer-Encoding: x\r\nX-Sum: 1\r\n")));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.body, "hello");
  EXPECT_FALSE(response.trailers.has("Content-Length") || response.trailers.has("Transfer-Encoding"));
}

TEST(BadOrigin, ThatClosesWithoutAnAnswerIsTold) {
  Edge edge(raw_then_close(""));
  Response response = edge.fetch(post("/", "hello"), "POST");
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(error_of(response), "connection_terminated");
}

TEST(BadOrigin, ThatResetsIsTold) {
  Edge edge(raw_then_reset(""));
  Response response = edge.fetch(post("/", "hello"), "POST");
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(error_of(response), "connection_terminated");
}

TEST(BadOrigin, ThatSpeaksSomethingElseIsToldAsAProtocolError) {
  Edge edge(raw("HTTP/1.1 abc OK\r\n\r\n"));
  EXPECT_EQ(error_of(edge.fetch(get("/"))), "http_protocol_error");
}

TEST(BadOrigin, WithAnEndlessHeadIsStopped) {
  Edge edge([](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\n");
    std::string line = "X-A: " + std::string(1000, 'a') + "\r\n";
    for (int i = 0; i < 10'000 && turn.send(line); ++i) {
    }
    turn.close();
  });
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 502);
}

TEST(BadOrigin, WhoseInterimHeadsNeverEndIsStopped) {
  Edge edge(
      [](Turn& turn) {
        turn.read_body();
        while (turn.send("HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\n")) {
        }
        turn.close();
      },
      {.timeouts = {{"response_head", "1s"}}});
  edge.origin.forget();
  Response response = edge.fetch(get("/"));
  EXPECT_NE(response.status, 200);
  EXPECT_NE(response.end, End::timeout);
}

TEST(BadOrigin, ThatNeverAnswersIs504AndItsConnectionIsDropped) {
  Edge edge(never(), {.timeouts = {{"response_head", "300ms"}}});
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 504);
  EXPECT_EQ(error_of(response), "http_response_timeout");
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
}

TEST(BadOrigin, ThatStopsInsideItsBodyIsCutShort) {
  Edge edge(
      [](Turn& turn) {
        turn.read_body();
        turn.send(with("Content-Length: 50\r\n"));
        turn.read_all();
        turn.close();
      },
      {.timeouts = {{"response_body", "300ms"}}});
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(response.complete);
  EXPECT_NE(response.end, End::timeout);
}

TEST(BadOrigin, ThatRefusesIsTold_AndServiceReturnsWithIt) {
  Edge edge;
  edge.origin.stop();
  Response response = edge.fetch(get("/"));
  EXPECT_TRUE(response.status == 502 || response.status == 503) << response;
  EXPECT_EQ(error_of(response), "connection_refused");
  edge.origin.start();
  EXPECT_TRUE(wait_until([&] { return edge.fetch(get("/")).status == 200; }));
}

TEST(BadOrigin, ThatCannotBeReachedIs504AfterTheConnectTimeout) {
  Socket full = listen_on("127.0.0.1:0", 0);  // its queue takes one or two, then no connect ends
  std::vector<Socket> queue;
  std::string address = local_address(full);
  ConfigText config{.old_endpoints = {address}, .timeouts = {{"connect", "300ms"}}};
  for (int i = 0; i < 4; ++i) queue.push_back(start_connect(address));
  auto proxy = start_proxy(weir_program(), config);
  Response response = fetch(proxy->edge(), get("/"));
  EXPECT_EQ(response.status, 504);
  EXPECT_EQ(error_of(response), "connection_timeout");
}

}  // namespace
}  // namespace weir::testing
