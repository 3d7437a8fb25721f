// What public research on request smuggling tries, in families: every variant has at most one reading. Whole
// families of bytes are gone through, not samples. (Linhart et al. 2005; Kettle 2019, 2021, 2022, 2025; Jabiyev et
// al. 2021 "T-Reqs"; Nathanson & Kettle on TE.0 and 0.CL; Wang et al. on Host; Brightline on chunk extensions.)
#include <fmt/format.h>
#include <atomic>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

const std::string kHidden = "GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n";
const std::string kHiddenInChunks = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", kHidden.size(), kHidden);
const std::string kEnds = "0\r\n\r\n" + kHidden;  // chunked: a request behind the body; by length: a body

std::string posted(std::string_view lines, std::string_view body) {
  return fmt::format("POST /front HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{}\r\n{}", lines, body);
}

/// One weir for many variants: each on a connection of its own, each read as one request or as none.
class OneReading {
 public:
  /// `bodies`: what the front request's body may be. No other request may be read, `/hidden` least of all.
  void expect(const std::string& bytes, const std::vector<std::string>& bodies) {
    size_t before = complete().size();
    {
      Client client = edge_.client();
      client.send(bytes);
      client.finish();
      client.receive_all();
    }
    std::vector<Request> requests = complete();
    ASSERT_LE(requests.size(), before + 1) << "read as two: " << ::testing::PrintToString(bytes);
    if (requests.size() == before) return;
    ++forwarded_;
    const Request& request = requests[before];
    EXPECT_NE(request.target, "/hidden") << ::testing::PrintToString(bytes);
    bool meant = std::find(bodies.begin(), bodies.end(), request.body) != bodies.end();
    EXPECT_TRUE(meant) << ::testing::PrintToString(bytes) << "\nread as " << ::testing::PrintToString(request.body);
  }
  /// How many were forwarded; and nothing that reached the origin was malformed, and weir still serves.
  size_t end() {
    EXPECT_EQ(edge_.fetch(get("/after")).status, 200);
    for (const Visit& visit : edge_.origin.visits()) EXPECT_EQ(visit.fault, "") << visit.bytes;
    return forwarded_;
  }

 private:
  std::vector<Request> complete() const {
    std::vector<Request> all = edge_.origin.requests();
    std::erase_if(all, [](const Request& request) { return !request.complete; });
    return all;
  }

  Edge edge_{ok("served"), {.timeouts = {{"request_head", "300ms"}, {"request_body", "300ms"}}}};
  size_t forwarded_ = 0;
};

/// Every byte but those that end a line.
std::vector<std::string> every_byte() {
  std::vector<std::string> all;
  for (int byte = 0; byte < 256; ++byte)
    if (byte != '\r' && byte != '\n') all.emplace_back(1, static_cast<char>(byte));
  return all;
}

const std::vector<std::string> kLineEnds{"\r\n",  "\n",    "\r",      "\n\r", "\r\r",         "\n\n", "\r\r\n",
                                         " \r\n", "\r \n", "\0\r\n"s, "\x85", "\xe2\x80\xa8", "\v",   "\f"};

// --- the transfer coding, disguised ----

TEST(Disguise, AnyByteBeforeTheColonOfTheCoding) {
  OneReading reading;
  for (const std::string& byte : every_byte()) {
    // An own field with a tail in its name is not the coding: then the length alone counts.
    reading.expect(
        posted(fmt::format("Content-Length: {}\r\nTransfer-Encoding{}: chunked\r\n", kEnds.size(), byte), kEnds),
        {kEnds});
  }
  EXPECT_GT(reading.end(), 10u);  // token characters
}

TEST(Disguise, AnyByteBeforeTheNameOfTheCoding) {
  OneReading reading;
  for (const std::string& byte : every_byte())
    reading.expect(
        posted(fmt::format("Content-Length: {}\r\n{}Transfer-Encoding: chunked\r\n", kEnds.size(), byte), kEnds),
        {kEnds});
  EXPECT_GT(reading.end(), 10u);
}

TEST(Disguise, AnyByteInsideTheNameOfTheCoding) {
  OneReading reading;
  for (const std::string& byte : every_byte())
    reading.expect(
        posted(fmt::format("Content-Length: {}\r\nTransfer{}Encoding: chunked\r\n", kEnds.size(), byte), kEnds),
        {kEnds});
  EXPECT_GT(reading.end(), 10u);
}

TEST(Disguise, AnyByteBeforeOrBehindTheValueOfTheCoding) {
  OneReading reading;
  for (const std::string& byte : every_byte()) {
    for (const std::string& value : {byte + "chunked", "chunked" + byte, "chun" + byte + "ked"}) {
      // Without a length: chunked, or refused; never a request without a body.
      reading.expect(posted(fmt::format("Transfer-Encoding: {}\r\n", value), kHiddenInChunks), {kHidden});
    }
  }
  EXPECT_EQ(reading.end(), 4u);  // blanks and tabs around it
}

TEST(Disguise, AnyByteAroundALength) {
  OneReading reading;
  for (const std::string& byte : every_byte()) {
    for (const std::string& value : {byte + "5", "5" + byte}) {
      bool digit = byte[0] >= '0' && byte[0] <= '9';
      if (digit) continue;
      reading.expect(posted(fmt::format("Content-Length: {}\r\n", value), "hello" + kHidden), {"hello"});
    }
    reading.expect(posted(fmt::format("Content-Length{}: 5\r\n", byte), kHidden), {""});
  }
  reading.end();
}

TEST(Disguise, KnownOnes) {
  OneReading reading;
  for (const std::string& lines : {"Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"s,
                                   "Transfer-Encoding: identity, chunked, identity\r\n"s,
                                   "Transfer-Encoding: x, chunked\r\n"s,
                                   "Transfer-Encoding: chunked, x\r\n"s,
                                   "Transfer-Encoding: chunked, \r\n"s,
                                   "Transfer-Encoding:\n chunked\r\n"s,
                                   "Transfer-Encoding\r\n : chunked\r\n"s,
                                   "Foo: bar\n\rTransfer-Encoding: chunked\r\n"s,
                                   "Foo: bar\r\rTransfer-Encoding: chunked\r\n"s,
                                   "Foo: bar\r\n\rTransfer-Encoding: chunked\r\n"s,
                                   "\rTransfer-Encoding: chunked\r\n"s,
                                   "Transfer\r-Encoding: chunked\r\n"s,
                                   "Transfer-Encoding: chunk\r\n"s,
                                   "Transfer-Encoding: chun\r\n ked\r\n"s,
                                   "Transfer-Encoding: ch\x96nked\r\n"s,
                                   "Transf\x82r-Encoding: chunked\r\n"s,
                                   "Transfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n"s,
                                   "Transfer-Encoding: chunked;x\r\n"s,
                                   "Transfer-Encoding: \"chunked\r\n\"\r\n"s,
                                   "Transfer-Encoding:chunked\r\r\n"s,
                                   "Transfer-Encoding: chunked\0\r\n"s,
                                   "Transfer-Encoding: \xef\xbb\xbf"
                                   "chunked\r\n"s,
                                   "Transfer-Encoding: [chunked]\r\n"s,
                                   "Transfer-Encoding: chunked=\r\n"s})
    reading.expect(posted(lines, kHiddenInChunks), {kHidden});
  EXPECT_EQ(reading.end(), 0u);
}

TEST(Disguise, NamesThatOnlyLookLikeTheCoding) {
  OneReading reading;
  size_t count = 0;
  for (const char* name : {"Transfer_Encoding", "X-Transfer-Encoding", "Transfer-%45ncoding", "Content-Encoding",
                           "TransferEncoding", "Transfer-Encoding-", "Te", "Transfer.Encoding", "Transfer-Encoding'"}) {
    reading.expect(posted(fmt::format("{}: chunked\r\nContent-Length: {}\r\n", name, kEnds.size()), kEnds), {kEnds});
    ++count;
  }
  EXPECT_EQ(reading.end(), count);
}

TEST(Disguise, LengthAndCodingTogetherInAnyCaseAndOrder) {
  OneReading reading;
  for (const char* length :
       {"Content-Length: 4\r\n", "content-length: 4\r\n", "CONTENT-LENGTH:4\r\n", "Content-Length: 0\r\n",
        "Content-Length: 4, 4\r\n", "Content-Length: x\r\n", "Content-Length:\r\n"}) {
    for (const char* coding :
         {"Transfer-Encoding: chunked\r\n", "transfer-encoding:chunked\r\n", "TRANSFER-ENCODING: CHUNKED\r\n",
          "Transfer-Encoding: identity\r\n", "Transfer-Encoding: x\r\n", "Transfer-Encoding:\r\n"}) {
      reading.expect(posted(std::string(length) + coding, kHiddenInChunks), {});
      reading.expect(posted(std::string(coding) + length, kHiddenInChunks), {});
      reading.expect(posted(std::string(coding) + "Connection: Content-Length\r\n" + length, kHiddenInChunks), {});
      reading.expect(posted(std::string(coding) + "Connection: Transfer-Encoding\r\n" + length, kHiddenInChunks), {});
    }
  }
  EXPECT_EQ(reading.end(), 0u);
}

// --- line ends ----

TEST(LineEnd, OfTheHeadIsOneThingOnly) {
  OneReading reading;
  for (const std::string& end : kLineEnds) {
    reading.expect("GET /front HTTP/1.1" + end + "Host: shop.example\r\nConnection: close\r\n\r\n", {""});
    reading.expect("GET /front HTTP/1.1\r\nHost: shop.example" + end + "Connection: close\r\n\r\n", {""});
    reading.expect(posted("X-A: b" + end + "Content-Length: 5\r\n", "hello"), {"hello", ""});
    bool in_value = static_cast<unsigned char>(end[0]) >= 0x80;  // a byte like others: no field begins behind it
    reading.expect(posted("X-A: b" + end + "Transfer-Encoding: chunked\r\n", kHiddenInChunks),
                   {in_value ? "" : kHidden});
  }
  reading.end();
}

TEST(LineEnd, OfAHeadsEndIsOneThingOnly) {
  OneReading reading;
  for (const std::string& end : kLineEnds) {
    if (end == "\r\n") continue;
    reading.expect("GET /front HTTP/1.1\r\nHost: shop.example\r\nX-A: b\r\n" + end + kHidden, {});
    reading.expect("GET /front HTTP/1.1\r\nHost: shop.example\r\nX-A: b" + end + end + kHidden, {});
  }
  EXPECT_EQ(reading.end(), 0u);
}

TEST(LineEnd, OfAChunkIsOneThingOnly) {
  OneReading reading;
  for (const std::string& end : kLineEnds) {
    // A blank before it is forgiven behind a size; it has no second reading.
    bool right = end == "\r\n" || end == " \r\n";
    std::vector<std::string> bodies = right ? std::vector<std::string>{"hello"} : std::vector<std::string>{};
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5" + end + "hello\r\n0\r\n\r\n"), bodies);
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5;a" + end + "hello\r\n0\r\n\r\n"), bodies);
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0" + end + "\r\n"), bodies);
    if (end == "\r\n") bodies = {"hello"};
    if (end == " \r\n") bodies = {};
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5\r\nhello" + end + "0\r\n\r\n"), bodies);
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n" + end), bodies);
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\nX-A: b" + end + "\r\n"),
                   end == " \r\n" ? std::vector<std::string>{"hello"} : bodies);
  }
  reading.end();
}

TEST(Chunk, AnyByteAroundASizeHasNoSecondReading) {
  OneReading reading;
  for (const std::string& byte : every_byte()) {
    bool digit = std::isxdigit(static_cast<unsigned char>(byte[0])) != 0;
    std::vector<std::string> bodies{"hello"};
    if (digit && byte != "0") bodies = {};
    reading.expect(posted("Transfer-Encoding: chunked\r\n", byte + "5\r\nhello\r\n0\r\n\r\n"), bodies);
    if (!digit) reading.expect(posted("Transfer-Encoding: chunked\r\n", "5" + byte + "\r\nhello\r\n0\r\n\r\n"), bodies);
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5\r\nhello" + byte + "\n0\r\n\r\n"), {});
    reading.expect(posted("Transfer-Encoding: chunked\r\n", "5\r\nhello\r" + byte + "0\r\n\r\n"), {});
  }
  reading.end();
}

TEST(Chunk, ExtensionsThatHideALineEnd) {
  OneReading reading;
  for (const std::string size : {"5;\nxx", "5;a=\"\r\n\"", "5;\r", "5;\"\\", "5; a=b;\n", "5;;;", "5;=", "5;\x80"})
    reading.expect(posted("Transfer-Encoding: chunked\r\n", size + "\r\nhello\r\n0\r\n\r\n" + kHidden), {"hello"});
  reading.end();
}

// --- bodies that the other side may not read: CL.0, 0.CL, TE.0

TEST(IgnoredBody, IsTheBodyOfWhateverMethodAndPath) {
  for (const char* line :
       {"POST /static/x.png", "GET /", "HEAD /", "OPTIONS *", "OPTIONS /", "DELETE /x", "PUT /..;/", "FOO /"}) {
    for (const char* framing : {"length", "chunked"}) {
      Edge edge;
      Client client = edge.client();
      bool by_length = std::string_view(framing) == "length";
      client.send(
          fmt::format("{} HTTP/1.1\r\nHost: shop.example\r\n{}\r\n\r\n{}", line,
                      by_length ? fmt::format("Content-Length: {}", kHidden.size()) : "Transfer-Encoding: chunked",
                      by_length ? kHidden : kHiddenInChunks));
      ASSERT_EQ(client.receive("HEAD").status, 200) << line;
      EXPECT_EQ(edge.origin.only_request().body, kHidden) << line << " " << framing;
    }
  }
}

TEST(IgnoredBody, OfAnOriginThatReadsNoneCannotAnswerTheNextRequest) {
  // CL.0: the origin answers at the head and takes the body for a request, which it answers too.
  // Whoever asks before that answer has come cannot be told apart; from then on it is known.
  for (bool at_once : {true, false}) {
    std::atomic<int> answered{0};
    Edge edge([&](Turn& turn) {
      const std::string answers = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";
      const std::string hidden = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden";
      turn.send(at_once ? answers + hidden : answers);
      turn.read_bytes(kHidden.size());
      if (!at_once) turn.send(hidden);
      ++answered;
      turn.read_all();
      turn.close();
    });
    edge.origin.on("/good", ok("good"));
    for (int i = 0; i < 5; ++i) {
      Client client = edge.client();
      client.send(post("/static", kHidden));
      Response response = client.receive("POST");
      EXPECT_TRUE(response.body == "first" || response.status == 502) << response;
      ASSERT_TRUE(wait_until([&] { return answered > i; }));
      EXPECT_EQ(edge.fetch(get("/good")).body, "good");
    }
  }
}

TEST(IgnoredBody, ALengthOfZeroHasNothingBehindIt) {
  Edge edge;
  Client client = edge.client();
  client.send("GET /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n" + get("/b"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(client.receive().status, 200);
  ASSERT_EQ(edge.origin.requests().size(), 2u);
  EXPECT_EQ(edge.origin.requests()[0].body, "");
  EXPECT_EQ(edge.origin.requests()[1].target, "/b");
}

TEST(IgnoredBody, ExpectDoesNotChangeWhereABodyEnds) {
  OneReading reading;
  for (const char* expect :
       {"Expect: 100-continue\r\n", "Expect: 100-CONTINUE\r\n", "expect:100-continue\r\n", "Expect: y 100-continue\r\n",
        "Expect: 100-continue\r\nExpect: 100-continue\r\n", "Expect:\r\n", "Expect : 100-continue\r\n",
        "Expect:\r\n 100-continue\r\n", "Expect: 200-ok\r\n"}) {
    reading.expect(posted(fmt::format("{}Content-Length: {}\r\n", expect, kHidden.size()), kHidden), {kHidden});
    reading.expect(posted(std::string(expect) + "Transfer-Encoding: chunked\r\n", kHiddenInChunks), {kHidden});
    reading.expect(posted(std::string(expect) + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", kHiddenInChunks),
                   {});
  }
  reading.end();
}

// --- hosts, targets, request lines
// ----

TEST(Host, AnyByteInAHostHasOneReading) {
  OneReading reading;
  for (const std::string& byte : every_byte()) {
    reading.expect("GET /front HTTP/1.1\r\nHost: shop" + byte + ".example\r\nConnection: close\r\n\r\n", {""});
    reading.expect(
        "GET http://shop" + byte + ".example/front HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n", {""});
    reading.expect("GET /front HTTP/1.1\r\n" + byte + "Host: shop.example\r\nConnection: close\r\n\r\n", {""});
  }
  reading.end();
}

TEST(Host, TheOneThatIsRoutedByIsTheOneThatIsForwarded) {
  Origin shop("shop"), other("other");
  ConfigText config{.service = {"match: [{ host: shop.example }]"}};
  config.old_endpoints = {shop.address()};
  config.services = {
      fmt::format("{{ name: other, match: [{{ host: other.example }}], versions: {{ v: {{ endpoints: [\"{}\"] }} }} }}",
                  other.address())};
  if (peer() != "weir") return;  // two services
  auto weir = weir_with(config);
  for (const char* head : {"GET http://other.example/ HTTP/1.1\r\nHost: shop.example\r\n",
                           "GET http://OTHER.example:80/ HTTP/1.1\r\nHost: shop.example:80\r\n",
                           "GET / HTTP/1.1\r\nHost: other.example\r\nX-Forwarded-Host: shop.example\r\n",
                           "GET //shop.example/ HTTP/1.1\r\nHost: other.example\r\n"})
    EXPECT_EQ(fetch(weir->edge(), std::string(head) + "\r\n").body, "other") << head;
  for (const Request& request : other.requests())
    EXPECT_TRUE(lower(request.fields.get("Host")).starts_with("other.example")) << request.fields.get("Host");
  EXPECT_EQ(shop.complete_requests(), 0u);
}

TEST(RequestLine, AnyByteBetweenItsPartsHasOneReading) {
  OneReading reading;
  const std::string rest = "\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
  for (const std::string& byte : every_byte()) {
    for (const std::string& line :
         {"GET" + byte + "/front HTTP/1.1", "GET /front" + byte + "HTTP/1.1", byte + "GET /front HTTP/1.1",
          "GET " + byte + "/front HTTP/1.1", "GET /front HTTP/1.1" + byte, "GET /fr" + byte + "ont HTTP/1.1",
          "GET /front HTTP/1." + byte, "GET /front HTTP" + byte + "1.1", "G" + byte + "T /front HTTP/1.1"})
      reading.expect(line + rest, {""});
  }
  reading.end();
}

TEST(RequestLine, KnownOdditiesAreRefused) {
  OneReading reading;
  const std::string rest = "\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
  for (const std::string& line :
       {"GET /front HTTP/1.1 HTTP/1.1"s, "GET /front HTTP/1.0 HTTP/1.1"s, "GET /front HTTP /1.1"s,
        "GET /front HTTP/1 .1"s, "GET /front HTTP/-1.1"s, "GET /front HTTP/1.1;x"s, "GET /front HTTP/1.1\r"s,
        "GET /front HTTP/11"s, "GET /front HTTP/1.1.1"s, "GET /front\0 HTTP/1.1"s, "GET\0/front HTTP/1.1"s,
        "GET http://a b/ HTTP/1.1"s, "/front HTTP/1.1"s, "GET  HTTP/1.1"s})
    reading.expect(line + rest, {});
  EXPECT_EQ(reading.end(), 0u);
}

}  // namespace
}  // namespace weir::testing
