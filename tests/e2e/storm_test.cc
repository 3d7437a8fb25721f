// Requests and responses cut and bent at every place: whatever weir lets through has one reading.
#include <fmt/format.h>

#include <mutex>
#include <random>

#include "tests/e2e/edge.h"
#include "tests/support/bend.h"

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

const std::string kChunked =
    "POST /chunked?x=1 HTTP/1.1\r\nHost: shop.example\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;a=\"b\"\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n";

TEST(Cut, ARequestInTwoPacketsIsTheSameWhereverItIsCut) {
  Edge edge;
  for (size_t at = 1; at < kChunked.size(); ++at) {
    Client client = edge.client();
    client.send(std::string_view(kChunked).substr(0, at));
    client.send(std::string_view(kChunked).substr(at));
    ASSERT_EQ(client.receive("POST").status, 200) << "cut at " << at;
    ASSERT_EQ(edge.origin.requests().back().body, "hello world") << "cut at " << at;
    ASSERT_EQ(edge.origin.requests().back().trailers.get("X-Sum"), "1") << "cut at " << at;
  }
}

TEST(Cut, AResponseInTwoPacketsIsTheSameWhereverItIsCut) {
  const std::string whole =
      "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
      chunks("hello world", 6, "X-Sum: 1\r\n");
  std::atomic<size_t> at{0};
  Edge edge([&](Turn& turn) {
    turn.read_body();
    turn.send(std::string_view(whole).substr(0, at));
    turn.send(std::string_view(whole).substr(at));
  });
  Client client = edge.client();
  for (at = 1; at < whole.size(); ++at) {
    client.send(get("/"));
    Response response = client.receive();
    ASSERT_EQ(response.body, "hello world") << "cut at " << at << response;
    ASSERT_EQ(response.trailers.get("X-Sum"), "1") << "cut at " << at;
    ASSERT_EQ(response.interim.size(), 1u) << "cut at " << at;
  }
}

TEST(Cut, ARequestThatEndsAnywhereIsNotCompleted) {
  Edge edge;
  for (size_t at = 1; at < kChunked.size(); ++at) {
    Client client = edge.client();
    client.send(std::string_view(kChunked).substr(0, at));
    client.finish();
    client.receive_all();
  }
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
  EXPECT_EQ(edge.origin.complete_requests(), 0u);
}

TEST(Cut, AResponseThatEndsAnywhereIsNotWhole) {
  const std::string whole =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks("hello world", 6, "X-Sum: 1\r\n");
  std::atomic<size_t> at{0};
  Edge edge([&](Turn& turn) {
    turn.read_body();
    turn.send(std::string_view(whole).substr(0, at));
    turn.close();
  });
  for (at = 0; at < whole.size(); ++at) {
    Response response = edge.fetch(post("/", ""), "POST");
    EXPECT_FALSE(response.status == 200 && response.complete) << "cut at " << at << response;
  }
}

/// A request whose body hides another, with some bent pieces put in or bytes taken out.
std::string bent_request(std::mt19937& dice) {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  const std::string bodies[] = {
      fmt::format("Content-Length: {}\r\n\r\n{}", hidden.size(), hidden),
      fmt::format("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", hidden.size(), hidden), "\r\n"};
  std::string request = "POST /bent HTTP/1.1\r\nHost: shop.example\r\nX-A: 1\r\n" + bodies[dice() % 3];
  bend(request, dice);
  return request;
}

/// What was read to its end: method, target and body of each request.
std::vector<std::string> readings(const Origin& origin, size_t from) {
  std::vector<std::string> all;
  std::vector<Request> requests = origin.requests();
  for (size_t i = from; i < requests.size(); ++i)
    if (requests[i].complete) all.push_back(requests[i].method + " " + requests[i].target + "\n" + requests[i].body);
  return all;
}

void send_and_end(const std::string& address, const std::string& bytes) {
  Client client(address);
  client.send(bytes);
  client.finish();
  client.receive_all();
}

class Storm : public ::testing::TestWithParam<int> {};

TEST_P(Storm, WeirReadsNoRequestThatAStrictReaderDoesNot) {
  std::mt19937 dice(static_cast<unsigned>(GetParam()));
  Edge edge(ok("served"),
            {.timeouts = {{"request_head", "200ms"}, {"request_body", "200ms"}, {"client_idle", "200ms"}}});
  Origin reader(ok("read"));
  for (int i = 0; i < 250; ++i) {
    std::string bytes = bent_request(dice);
    size_t at_origin = edge.origin.requests().size(), at_reader = reader.requests().size();
    send_and_end(edge.address(), bytes);
    send_and_end(reader.address(), bytes);
    for (const Visit& visit : edge.origin.visits()) ASSERT_EQ(visit.fault, "") << bytes << "\n-> " << visit.bytes;
    if (is_forgiven(bytes)) continue;
    std::vector<std::string> forwarded = readings(edge.origin, at_origin), strict = readings(reader, at_reader);
    ASSERT_LE(forwarded.size(), strict.size()) << bytes << "\nread as: " << ::testing::PrintToString(forwarded);
    for (size_t r = 0; r < forwarded.size(); ++r) ASSERT_EQ(forwarded[r], strict[r]) << bytes;
  }
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
}

/// A response that hides another, bent in the same way.
std::string bent_response(std::mt19937& dice) {
  const std::string hidden = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden";
  const std::string framings[] = {
      fmt::format("Content-Length: {}\r\n\r\n{}", hidden.size(), hidden),
      fmt::format("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", hidden.size(), hidden), "\r\n" + hidden};
  std::string response = "HTTP/1.1 200 OK\r\nX-A: 1\r\n" + framings[dice() % 3];
  bend(response, dice);
  return response;
}

TEST_P(Storm, NoClientGetsAResponseWithTwoReadingsOrSomebodyElses) {
  std::mt19937 dice(static_cast<unsigned>(GetParam()));
  std::mutex mutex;
  std::string bytes;
  Edge edge(
      [&](Turn& turn) {
        turn.read_body();
        std::lock_guard lock(mutex);
        turn.send(bytes);
        if (bytes.size() % 2 == 0) turn.close();
      },
      {.timeouts = {{"response_head", "100ms"}, {"response_body", "100ms"}}});
  edge.origin.on("/good", ok("good"));
  for (int i = 0; i < 150; ++i) {
    std::string sent = bent_response(dice);
    {
      std::lock_guard lock(mutex);
      bytes = sent;
    }
    Client client = edge.client();
    client.send(get("/bent"));
    Response response = client.receive();
    ASSERT_EQ(response.fault, "") << sent << response;
    if (client.end() == End::none) client.send(get("/good"));
    Response next = client.receive();
    // Late on a loaded machine it may be, told by weir itself; somebody else's it may not.
    ASSERT_TRUE(next.status == 0 || next.body == "good" || next.status == 504) << sent << next;
    ASSERT_TRUE(wait_until([&] { return edge.fetch(get("/good")).body == "good"; })) << sent;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, ::testing::Range(1, 9));

}  // namespace
}  // namespace weir::testing
