// The verdicts, and that they can tell right from wrong.
#include "tests/e2e/edge.h"

namespace weir::testing {

namespace {

constexpr std::string_view kBait = "GET /bait HTTP/1.1\r\nHost: shop.example\r\n\r\n";
constexpr std::string_view kProbe = "/probe";

/// The proxy still serves, and what arrived at the origin before the probe arrived before it.
void expect_still_served(Edge& edge) { EXPECT_EQ(edge.fetch(get(kProbe)).status, 200) << "the proxy serves no more"; }

std::vector<Request> without_probe(const std::vector<Request>& requests) {
  std::vector<Request> rest;
  for (const Request& request : requests)
    if (request.target != kProbe) rest.push_back(request);
  return rest;
}

bool is_refusal(const Outcome& outcome) {
  bool told = (outcome.status >= 400 && outcome.status < 500) || outcome.status == 501 || outcome.status == 505;
  return told || outcome.status == 0;
}

void expect_nothing_malformed(const Edge& edge) {
  for (const Visit& visit : edge.origin.visits()) {
    EXPECT_EQ(visit.fault, "") << "sent to the origin: " << visit.bytes;
  }
}

}  // namespace

Outcome put(const Edge& edge, std::string_view bytes) {
  Client client = edge.client();
  client.send(bytes);
  client.send(kBait);
  Outcome outcome;
  outcome.first = client.receive();
  outcome.status = outcome.first.status;
  client.finish();
  outcome.rest = client.receive_all();
  outcome.one_response = outcome.rest.find("HTTP/1.") == std::string::npos;
  return outcome;
}

void expect_refused(Edge& edge, std::string_view bytes, int status) {
  Outcome outcome = put(edge, bytes);
  EXPECT_TRUE(is_refusal(outcome)) << outcome.first;
  if (status != 0 && peer() == "weir") {
    EXPECT_EQ(outcome.status, status) << outcome.first;
  }
  EXPECT_TRUE(outcome.one_response) << "read on as a request: " << outcome.rest;
  expect_still_served(edge);
  for (const Request& request : without_probe(edge.origin.requests()))
    EXPECT_FALSE(request.complete) << request.method << " " << request.target
                                   << " reached the origin: " << request.body;
  expect_nothing_malformed(edge);
}

Request expect_forwarded(Edge& edge, std::string_view bytes) {
  Client client = edge.client();
  client.send(bytes);
  Response response = client.receive();
  EXPECT_EQ(response.status, 200) << response;
  client.close();
  return edge.origin.only_request();
}

void expect_safe(Edge& edge, std::string_view bytes, std::string_view body) {
  Client client = edge.client();
  client.send(bytes);
  client.finish();
  Response response = client.receive();
  client.receive_all();
  expect_still_served(edge);
  std::vector<Request> requests = without_probe(edge.origin.requests());
  EXPECT_LE(requests.size(), 1u) << "more than one reading";
  for (const Request& request : requests) EXPECT_TRUE(!request.complete || request.body == body) << request.body;
  EXPECT_TRUE(response.status != 200 || requests.size() == 1);
  expect_nothing_malformed(edge);
}

namespace {

TEST(Verdict, ARequestThatIsServedIsNotRefused) {
  Edge edge;
  EXPECT_EQ(put(edge, get("/")).status, 200);
  EXPECT_EQ(edge.origin.requests().size(), 2u);  // the bait was read as what it is: a second request
}

TEST(Verdict, AMalformedLineIsRefused) {
  Edge edge;
  expect_refused(edge, "this is not HTTP\r\n\r\n");
}

TEST(Verdict, AForwardedRequestIsReturned) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, post("/here", "hello")).body, "hello");
}

}  // namespace
}  // namespace weir::testing
