#include "proxy/http/head.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/proxy/http/parsed.h"

namespace weir::http {
namespace {

using namespace std::string_literals;

const std::string kBrowser =
    "GET /cart/items?id=42&sort=asc HTTP/1.1\r\n"
    "Host: shop.example:8080\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0\r\n"
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    "Accept-Language: de,en;q=0.5\r\n"
    "Cookie: uid=7f3a9c2e; theme=dark\r\n"
    "Connection: keep-alive\r\n"
    "Empty:\r\n"
    "Padded: \t  a b \t\r\n"
    "\r\n";
const std::string kPost = "POST /api HTTP/1.0\r\nhost: a\r\ncontent-LENGTH: 3\r\n\r\n";
const std::string kOrigin =
    "HTTP/1.1 404 Not Found\r\nServer: x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n";
const std::string kNoReason = "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n";
const std::string kNoBlank = "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n";

TEST(RequestHead, IsReadInPlace) {
  const Request request(kBrowser);
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.target, "/cart/items?id=42&sort=asc");
  EXPECT_EQ(request.head.minor, 1u);
  ASSERT_EQ(request.head.fields.list.size(), 8u);
  EXPECT_EQ(request.head.fields.value(FieldId::host), "shop.example:8080");
  EXPECT_EQ(request.head.fields.list[4].value, "uid=7f3a9c2e; theme=dark");
  EXPECT_EQ(request.head.fields.list[6].value, "");
  EXPECT_EQ(request.head.fields.list[7].value, "a b");
  for (const auto& field : request.head.fields.list) {
    EXPECT_GE(field.name.data(), request.text.data());
    EXPECT_LE(field.name.data(), request.text.data() + request.text.size());
  }
}

TEST(RequestHead, IsPartialAtEveryCutAndWholeWithItsLastByte) {
  for (const std::string& whole : {kBrowser, kPost, "\r\n\r\n" + kPost}) {
    RequestHead head;
    for (size_t cut = 0; cut < whole.size(); ++cut) {
      const std::vector<char> exact(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
      ASSERT_EQ(parse_request({exact.data(), exact.size()}, {}, head).state, Parsed::partial) << cut;
    }
    const auto parsed = parse_request(whole + "body and more", {}, head);
    EXPECT_EQ(parsed.state, Parsed::complete);
    EXPECT_EQ(parsed.size, whole.size());
  }
}

TEST(ResponseHead, IsPartialAtEveryCutAndWholeWithItsLastByte) {
  for (const std::string& whole : {kOrigin, kNoReason}) {
    ResponseHead head;
    for (size_t cut = 0; cut < whole.size(); ++cut) {
      ASSERT_EQ(parse_response(whole.substr(0, cut), {}, head).state, Parsed::partial) << cut << whole;
    }
    const std::string more = whole + "body";
    const auto parsed = parse_response(more, {}, head);
    EXPECT_EQ(parsed.state, Parsed::complete);
    EXPECT_EQ(parsed.size, whole.size());
    EXPECT_EQ(head.fields.value(FieldId::content_length), "0");
  }
}

TEST(ResponseHead, MayLackTheBlankBeforeAnAbsentReason) {
  const Response response(kNoBlank);
  EXPECT_EQ(response.head.status, 200u);
  EXPECT_EQ(response.head.reason, "");
  EXPECT_EQ(response.head.fields.value(FieldId::content_length), "0");
  ResponseHead head;
  EXPECT_EQ(parse_response(kNoBlank + "body", {}, head).size, kNoBlank.size());
}

TEST(RequestHead, ALongMethodIsNotTakenForALongTargetWhereverItIsCut) {
  const std::string whole = std::string(120, 'M') + " /" + std::string(199, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  const HeadLimits limits{.bytes = 1024, .fields = 20, .target = 200};
  RequestHead head;
  for (size_t cut = 0; cut < whole.size(); ++cut)
    ASSERT_EQ(parse_request(whole.substr(0, cut), limits, head).state, Parsed::partial) << cut;
  EXPECT_EQ(parse_request(whole, limits, head).state, Parsed::complete);
  EXPECT_EQ(parse_request("GET /" + std::string(200, 'a'), limits, head).fault, Fault::target_too_long);
}

TEST(RequestHead, WhatIsWrongIsRefusedAndNeverRead) {
  const struct {
    std::string head;
    Fault fault;
  } kTable[] = {
      {"GET / HTTP/1.1\nHost: a\n\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\tfolded\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\n folded: a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\n: a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nno colon\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n"s, Fault::malformed_request},
      {"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nX: a\x7f\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nX\xc3: a\r\n\r\n", Fault::malformed_request},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET /\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET / http/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", Fault::bad_version},
      {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", Fault::bad_version},
      {"GET / HTTP/2.1\r\nHost: a\r\n\r\n", Fault::bad_version},
      {std::string(18, '\n'), Fault::malformed_request},
      {"\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.\x31\x31\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/11\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", Fault::malformed_request},
      {"GET / HTTP/1.1\r\nHost: a\r\n\rX\n\r\n", Fault::malformed_request},
  };
  for (const auto& row : kTable) {
    RequestHead head;
    const auto parsed = parse_request(row.head, {}, head);
    EXPECT_EQ(parsed.state, Parsed::refused) << row.head;
    EXPECT_EQ(parsed.fault, row.fault) << row.head;
  }
}

TEST(ResponseHead, WhatIsWrongIsRefused) {
  for (const std::string& text :
       {"HTTP/1.1 abc OK\r\n\r\n"s, "HTTP/1.1 99 No\r\n\r\n"s, "HTTP/1.1 2000 No\r\n\r\n"s, "HTTP/2.0 200 OK\r\n\r\n"s,
        "hello\r\n\r\n"s, "HTTP/1.1 200 OK\nX: y\n\n"s, "HTTP/1.1 200 OK\r\nX : y\r\n\r\n"s,
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"s, "HTTP/1.1 200 O\rK\r\n\r\n"s, "HTTP/1.1 200 OK\r\n X: y\r\n\r\n"s,
        "HTTP/1.1  200 OK\r\n\r\n"s, "HTTP/1.1 200OK\r\n\r\n"s}) {
    ResponseHead head;
    const auto parsed = parse_response(text, {}, head);
    EXPECT_EQ(parsed.state, Parsed::refused) << text;
    EXPECT_EQ(parsed.fault, Fault::response_malformed) << text;
  }
}

TEST(ResponseHead, LinesThatFoldAreJoined) {
  const Response response("HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\n\tthree\r\nY: z\r\n\r\n");
  ASSERT_EQ(response.head.fields.list.size(), 2u);
  EXPECT_EQ(response.head.fields.list[0].value, "one two three");
  EXPECT_EQ(response.head.fields.list[1].value, "z");
  EXPECT_FALSE(response.head.fields.unfolded.empty());
}

TEST(HeadLimits, HoldForWholeHeadsAndForThoseThatNeverEnd) {
  const auto judge = [](const std::string& text, const HeadLimits& limits) {
    RequestHead head;
    return parse_request(text, limits, head);
  };
  const std::string target = "GET /" + std::string(99, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(judge(target, {.target = 100}).state, Parsed::complete);
  EXPECT_EQ(judge(target, {.target = 99}).fault, Fault::target_too_long);
  EXPECT_EQ(judge("GET /" + std::string(200, 'a'), {.target = 100}).fault, Fault::target_too_long);
  EXPECT_EQ(judge(kBrowser, {.bytes = kBrowser.size()}).state, Parsed::complete);
  EXPECT_EQ(judge(kBrowser, {.bytes = kBrowser.size() - 1}).fault, Fault::head_too_large);
  EXPECT_EQ(judge(kBrowser.substr(0, 100), {.bytes = 100}).fault, Fault::head_too_large);
  EXPECT_EQ(judge(kBrowser.substr(0, 99), {.bytes = 100}).state, Parsed::partial);
  EXPECT_EQ(judge(kBrowser, {.fields = 8}).state, Parsed::complete);
  EXPECT_EQ(judge(kBrowser, {.fields = 7}).fault, Fault::head_too_large);
  ResponseHead head;
  EXPECT_EQ(parse_response(kOrigin, {.bytes = kOrigin.size()}, head).state, Parsed::complete);
  EXPECT_EQ(parse_response(kOrigin, {.bytes = 50}, head).fault, Fault::response_head_too_large);
  EXPECT_EQ(parse_response(kOrigin.substr(0, 60), {.bytes = 50}, head).fault, Fault::response_head_too_large);
}

TEST(Fields, AreKnownByNameWhateverItsCase) {
  const Request request(
      "GET / HTTP/1.1\r\nHOST: a\r\nx-FORWARDED-for: 1.2.3.4\r\nX-Weir-Anything: 1\r\nX-Weir: 1\r\nX-Weird: 1\r\n"
      "X-Request-ID: 1\r\nProxy-Connection: close\r\n\r\n");
  EXPECT_EQ(request.head.fields.ids,
            (std::vector<FieldId>{FieldId::host, FieldId::x_forwarded_for, FieldId::x_weir, FieldId::other,
                                  FieldId::other, FieldId::x_request_id, FieldId::proxy_connection}));
}

TEST(Fields, ANameThatDiffersInOneByteIsAnother) {
  const std::pair<const char*, FieldId> kKnown[] = {
      {"te", FieldId::te},
      {"host", FieldId::host},
      {"date", FieldId::date},
      {"expect", FieldId::expect},
      {"upgrade", FieldId::upgrade},
      {"trailer", FieldId::trailer},
      {"forwarded", FieldId::forwarded},
      {"connection", FieldId::connection},
      {"keep-alive", FieldId::keep_alive},
      {"client-cert", FieldId::client_cert},
      {"cache-control", FieldId::cache_control},
      {"content-length", FieldId::content_length},
      {"http2-settings", FieldId::http2_settings},
      {"proxy-connection", FieldId::proxy_connection},
      {"transfer-encoding", FieldId::transfer_encoding},
      {"client-cert-chain", FieldId::client_cert},
      {"x-real-ip", FieldId::x_real_ip},
      {"x-request-id", FieldId::x_request_id},
      {"x-forwarded-for", FieldId::x_forwarded_for},
      {"x-forwarded-host", FieldId::x_forwarded_host},
      {"x-forwarded-proto", FieldId::x_forwarded_proto},
  };
  for (const auto& [known, id] : kKnown) {
    const std::string name = known;
    EXPECT_EQ(field_id(name), id) << name;
    for (size_t i = 0; i < name.size(); ++i) {
      for (unsigned c = 0x21; c < 0x7f; ++c) {
        std::string other = name;
        other[i] = static_cast<char>(c);
        const bool weirs_own = name.starts_with("x-") || name.starts_with("client-");
        const FieldId unlike = weirs_own && same_variable(other, name) ? FieldId::x_weir : FieldId::other;
        EXPECT_EQ(field_id(other), same_name(other, name) ? id : unlike) << other;
      }
    }
    EXPECT_EQ(field_id(name + "x"), FieldId::other);
    EXPECT_EQ(field_id(name.substr(1)), FieldId::other);
  }
}

TEST(Fields, ARemovedOneLeavesTheOthersInOrder) {
  Request request("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n");
  request.head.fields.remove(2);
  ASSERT_EQ(request.head.fields.list.size(), 3u);
  EXPECT_EQ(request.head.fields.list[1].name, "A");
  EXPECT_EQ(request.head.fields.list[2].name, "C");
}

TEST(ResponseHead, WithoutBlankBeforeTheReasonIsPartialAtEveryCut) {
  const std::string whole = "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n";
  ResponseHead head;
  for (size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_EQ(parse_response(whole.substr(0, cut), {}, head).state, Parsed::partial) << cut;
}

}  // namespace
}  // namespace weir::http
