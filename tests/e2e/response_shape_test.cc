// How a response is delimited on both sides: HEAD, no-body statuses, HTTP/1.0 clients, ends by closing.
#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

TEST(HeadMethod, HasTheLengthButNoBodyAndTheNextRequestItsOwnResponse) {
  Edge edge;
  edge.origin.on("/head", raw("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"));
  Client client = edge.client();
  client.send("HEAD /head HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  Response head = client.receive("HEAD");
  EXPECT_EQ(head.fields.get("Content-Length"), "1234");
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
}

TEST(HeadMethod, OfAChunkedResponseHasNoBody) {
  Edge edge;
  edge.origin.on("/head", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
  Client client = edge.client();
  client.send("HEAD /head HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(client.receive("HEAD").status, 200);
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
}

TEST(HeadMethod, WithoutALengthKeepsTheConnection) {
  Edge edge;
  edge.origin.on("/head", raw("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n"));
  Client client = edge.client();
  client.send("HEAD /head HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(client.receive("HEAD").fields.get("X-A"), "1");
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
}

class NoBody : public ::testing::TestWithParam<Named> {};

TEST_P(NoBody, EndsAtTheHeadAndTheConnectionGoesOn) {
  Edge edge;
  edge.origin.on("/empty", raw(std::string("HTTP/1.1 ") + GetParam().text + "\r\n\r\n"));
  Client client = edge.client();
  client.send(get("/empty"));
  Response response = client.receive();
  EXPECT_TRUE(response.complete) << response;
  EXPECT_EQ(response.body, "");
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
}

INSTANTIATE_TEST_SUITE_P(
    Statuses, NoBody,
    ::testing::Values(Named{"NoContent", "204 No Content"}, Named{"NoContentWithFields", "204 No Content\r\nX-A: 1"},
                      Named{"NotModified", "304 Not Modified"},
                      Named{"NotModifiedWithALength", "304 Not Modified\r\nContent-Length: 100"},
                      Named{"NotModifiedInChunks", "304 Not Modified\r\nTransfer-Encoding: chunked"},
                      Named{"LengthZero", "200 OK\r\nContent-Length: 0"}),
    name_of_named);

TEST(NoBodyStatus, A204CarriesNoFraming) {
  Edge edge(raw("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 204);
  EXPECT_FALSE(response.fields.has("Transfer-Encoding"));
}

TEST(NoBodyStatus, A304KeepsItsLength) {
  Edge edge(raw("HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 100\r\n\r\n"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.fields.get("ETag"), "\"a\"");
  EXPECT_FALSE(response.fields.has("Transfer-Encoding"));
}

TEST(ClosedUpstream, BecomesChunkedForAnHttp11Client) {
  Edge edge(raw_then_close("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nuntil the end"));
  Client client = edge.client();
  client.send(get("/"));
  Response response = client.receive();
  EXPECT_EQ(response.body, "until the end");
  EXPECT_TRUE(response.complete);
  if (peer() == "weir") {
    EXPECT_TRUE(response.chunked);
  }
}

TEST(ClosedUpstream, OfAnHttp10OriginIsServed) {
  Edge edge(raw_then_close("HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nold style"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.body, "old style");
  EXPECT_EQ(response.version, "HTTP/1.1");
}

TEST(ClosedUpstream, EndsTheConnectionOfAnHttp10Client) {
  Edge edge(raw_then_close("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
  Response response = edge.fetch("GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(response.body, "until the end");
  EXPECT_TRUE(response.delimited);
}

TEST(ClosedUpstream, EndedByAResetIsNotWhole) {
  Edge edge(raw_then_reset("HTTP/1.1 200 OK\r\n\r\nuntil the"));
  Response response = edge.fetch(get("/"));
  EXPECT_FALSE(response.status == 200 && response.complete) << response;
}

TEST(Http10Client, GetsAChunkedResponseWithoutChunksAndAnEnd) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks("hello world", 4, "X-Sum: 1\r\n")));
  Response response = edge.fetch("GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(response.body, "hello world");
  EXPECT_FALSE(response.chunked);
  EXPECT_TRUE(response.delimited);
  EXPECT_FALSE(response.fields.has("Transfer-Encoding"));
}

TEST(Http10Client, IsClosedByDefault) {
  Edge edge;
  Client client = edge.client();
  client.send("GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(client.receive().body, "served");
  EXPECT_TRUE(client.closed());
}

TEST(Http10Client, IsKeptWhenItAsks) {
  Edge edge;
  Client client = edge.client();
  for (int i = 0; i < 2; ++i) {
    client.send("GET / HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n");
    Response response = client.receive();
    EXPECT_EQ(response.body, "served");
    EXPECT_EQ(lower(response.fields.get("Connection")), "keep-alive");
  }
}

TEST(Http10Client, ThatAsksToBeKeptStillLearnsTheEndOfAChunkedBody) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks("hello", 2)));
  Response response = edge.fetch("GET / HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(response.body, "hello");
  EXPECT_TRUE(response.complete);
}

TEST(Http10Client, SpeaksHttp11ToTheOrigin) {
  Edge edge;
  edge.fetch("GET / HTTP/1.0\r\nHost: shop.example\r\n\r\n");
  EXPECT_EQ(edge.origin.only_request().version, "HTTP/1.1");
}

TEST(Origin10, WithKeepAliveIsServed) {
  Edge edge(raw("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok"));
  Client client = edge.client();
  for (int i = 0; i < 3; ++i) {
    client.send(get("/"));
    EXPECT_EQ(client.receive().body, "ok");
  }
}

TEST(Response, EqualLengthsAreOneLength) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"));
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.count("Content-Length"), 1u);
  EXPECT_EQ(response.body, "ok");
}

TEST(Response, AnyStatusAndReasonPasses) {
  for (const char* line : {"200 Fine, thanks", "299 Odd", "418 I'm a teapot", "451 Law", "500 Oops", "599 Far",
                           "302 Found", "404 Not Found", "503 Busy"}) {
    SCOPED_TRACE(line);
    Edge edge(raw(std::string("HTTP/1.1 ") + line + "\r\nContent-Length: 2\r\n\r\nok"));
    Response response = edge.fetch(get("/"));
    EXPECT_EQ(std::to_string(response.status), std::string(line).substr(0, 3));
    EXPECT_EQ(response.body, "ok");
    EXPECT_FALSE(response.fields.has("Proxy-Status")) << "the origin's own answer is not weir's";
  }
}

TEST(Response, AStatusLineWithoutAReasonPasses) {
  for (const char* line : {"HTTP/1.1 200", "HTTP/1.1 200 "}) {
    SCOPED_TRACE(line);
    Edge edge(raw(std::string(line) + "\r\nContent-Length: 2\r\n\r\nok"));
    EXPECT_EQ(edge.fetch(get("/")).body, "ok");
  }
}

TEST(Response, ABlankBehindAChunkSizePasses) {
  Edge edge(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n"));
  EXPECT_EQ(edge.fetch(get("/")).body, "hello");
}

TEST(Response, AByteAtATimeIsTheSameResponse) {
  Edge edge([](Turn& turn) {
    turn.read_body();
    std::string bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks("hello", 2, "X-A: 1\r\n");
    for (char byte : bytes) turn.send(std::string_view(&byte, 1));
  });
  Response response = edge.fetch(get("/"));
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.trailers.get("X-A"), "1");
}

}  // namespace
}  // namespace weir::testing
