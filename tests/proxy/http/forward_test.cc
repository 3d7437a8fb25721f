#include "proxy/http/forward.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/proxy/http/parsed.h"

namespace weir::http {
namespace {

const ClientFacts kStranger{.peer = "9.9.9.9", .fallback_host = "127.0.0.1:80", .request_id = "fresh-id"};
const ClientFacts kTrusted{
    .peer = "10.0.0.1", .fallback_host = "127.0.0.1:80", .request_id = "fresh-id", .trusted = true};

std::string forwarded(const RequestHead& head, const ClientFacts& client, std::string_view upgrade = {}) {
  const Target target = read_target(head);
  EXPECT_EQ(target.fault, Fault::none);
  net::Bytes out;
  write_request_head(out, {head, target, request_framing(head), upgrade}, client);
  return std::string(out.view());
}

std::string forwarded(const std::string& text, const ClientFacts& client = kStranger, std::string_view upgrade = {}) {
  const Request request(text);
  return forwarded(request.head, client, upgrade);
}

std::string answered(const std::string& text, ResponsePlan plan) {
  const Response response(text);
  net::Bytes out;
  ResponsePlan whole{.head = response.head,
                     .body = plan.body,
                     .chunked = plan.chunked,
                     .keep_length = plan.keep_length,
                     .close = plan.close,
                     .say_keep_alive = plan.say_keep_alive,
                     .upgrade = plan.upgrade,
                     .date = "today",
                     .extra = plan.extra.empty() ? "" : plan.extra,
                     .make_private = plan.make_private};
  write_response_head(out, whole);
  return std::string(out.view());
}
const ResponseHead kNone;

TEST(ForwardedRequest, IsWhatCameWithWhatWeirAdds) {
  EXPECT_EQ(forwarded("GET /a?b HTTP/1.1\r\nHost: s.example\r\nAccept:  text/html \r\nX-Empty:\r\n\r\n"),
            "GET /a?b HTTP/1.1\r\nHost: s.example\r\nAccept:  text/html \r\nX-Empty:\r\nX-Forwarded-For: 9.9.9.9\r\n"
            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: s.example\r\nX-Request-Id: fresh-id\r\n\r\n");
}

TEST(ForwardedRequest, HopByHopFieldsAndWhatConnectionNamesGoNoFurther) {
  const std::string out = forwarded(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nx-hop: 2\r\nKeep-Alive: timeout=5\r\nTE: "
      "trailers\r\n"
      "Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nConnection: x-other\r\nX-Other: "
      "3\r\nX-Stays: 4\r\n\r\n");
  EXPECT_EQ(out,
            "GET / HTTP/1.1\r\nHost: a\r\nX-Stays: 4\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: a\r\nX-Request-Id: fresh-id\r\n\r\n");
}

TEST(ForwardedRequest, FieldsThatFrameOrRouteStayThoughConnectionNamesThem) {
  const std::string out = forwarded(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: host, content-length, transfer-encoding\r\n\r\n");
  EXPECT_NE(out.find("\r\nHost: a\r\n"), std::string::npos);
  EXPECT_NE(out.find("\r\nContent-Length: 3\r\n"), std::string::npos);
}

TEST(ForwardedRequest, XForwardedForIsAppendedForTheTrustedAndReplacedForOthers) {
  const std::string fields =
      "Host: a\r\nX-Forwarded-For: 1.1.1.1\r\nA: b\r\nX-Forwarded-For: 2.2.2.2, 3.3.3.3\r\nX-Forwarded-For:\r\n";
  const auto xff = [&](const ClientFacts& client) {
    const std::string out = forwarded("GET / HTTP/1.1\r\n" + fields + "\r\n", client);
    const size_t at = out.find("X-Forwarded-For: ");
    EXPECT_EQ(out.find("X-Forwarded-For: ", at + 1), std::string::npos) << "once";
    return out.substr(at + 17, out.find("\r\n", at) - at - 17);
  };
  EXPECT_EQ(xff(kStranger), "9.9.9.9");
  EXPECT_EQ(xff(kTrusted), "1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.1");
  ClientFacts unix_peer = kTrusted;
  unix_peer.peer = {};
  EXPECT_EQ(xff(unix_peer), "1.1.1.1, 2.2.2.2, 3.3.3.3, unknown");
}

TEST(ForwardedRequest, WhatOnlyATrustedPeerMaySayIsKeptOrMadeAnew) {
  const std::string said =
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pub.example\r\nX-Request-Id: "
      "given\r\n"
      "Forwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nClient-Cert: :aGk=:\r\nX-Weir-Version: new\r\ntraceparent: "
      "00-1\r\n\r\n";
  EXPECT_EQ(forwarded(said),
            "GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-1\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n"
            "X-Forwarded-Host: a\r\nX-Request-Id: fresh-id\r\n\r\n");
  EXPECT_EQ(forwarded(said, kTrusted),
            "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pub.example\r\nX-Request-Id: "
            "given\r\n"
            "Forwarded: for=1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\nClient-Cert: :aGk=:\r\ntraceparent: "
            "00-1\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
}

TEST(ForwardedRequest, ACertificateIsToldByWeirAlonePerhapsToSayThatThereIsNone) {
  ClientFacts shown = kTrusted;
  shown.tells_certificate = true;
  const std::string said = "GET / HTTP/1.1\r\nHost: a\r\nCLIENT-CERT: :bWU=:\r\nClient-Cert-Chain: :bWU=:\r\n\r\n";
  EXPECT_EQ(forwarded(said, shown).find("lient-"), std::string::npos);
  const std::string long_one(20'000, 'a');
  shown.certificate = long_one;
  EXPECT_NE(forwarded(said, shown).find("\r\nClient-Cert: " + long_one + "\r\n"), std::string::npos);
  EXPECT_EQ(forwarded(said, shown).find("bWU"), std::string::npos);
}

TEST(ForwardedRequest, HostComesFromTheTargetTheClientOrTheListener) {
  EXPECT_EQ(forwarded("GET http://b.example?q HTTP/1.1\r\nHost: a\r\n\r\n")
                .find("GET /?q HTTP/1.1\r\nHost: b.example\r\nX-For"),
            0u);
  EXPECT_EQ(
      forwarded("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").find("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\nX-For"),
      0u);
}

TEST(ForwardedRequest, RepeatedFieldsKeepTheirOrder) {
  const std::string out =
      forwarded("GET / HTTP/1.1\r\nA: 1\r\nHost: a\r\nB: 1\r\nA: 2\r\nKeep-Alive: x\r\nA: 3\r\n\r\n");
  EXPECT_TRUE(out.starts_with("GET / HTTP/1.1\r\nA: 1\r\nHost: a\r\nB: 1\r\nA: 2\r\nA: 3\r\nX-Forwarded-For: ")) << out;
}

TEST(ForwardedRequest, AnUpgradeGoesOnAlone) {
  const Request request("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const auto asked = [](const std::string& text) {
    const Request made(text);
    return std::string(upgrade_asked(made.head, request_framing(made.head), connection_options(made.head.fields)));
  };
  EXPECT_EQ(asked(request.text), "websocket");
  EXPECT_NE(forwarded(request.head, kStranger, "websocket").find("Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
            std::string::npos);
  EXPECT_EQ(asked("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"), "") << "Connection does not say so";
  EXPECT_EQ(asked("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: H2C\r\n\r\n"), "");
  EXPECT_EQ(asked("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a, b\r\n\r\n"), "");
  EXPECT_EQ(asked("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), "");
  EXPECT_EQ(
      asked("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n"),
      "");
}

TEST(ForwardedRequest, CopyingRunsOfLinesIsCopyingLineByLine) {
  std::mt19937 random(5);
  const std::vector<std::string> kLines = {"A: 1",
                                           "B:2 ",
                                           "C:",
                                           "Connection: close",
                                           "Connection: C, x-d",
                                           "X-D: \t q",
                                           "Keep-Alive: 1",
                                           "TE: trailers",
                                           "Cookie: u=1",
                                           "X-Weir-A: 1",
                                           "X-Forwarded-For: 7.7.7.7",
                                           "X-Real-IP: 1",
                                           "Client-Cert: :aGk=:",
                                           "X-Request-Id: i",
                                           "Expect: x",
                                           "Forwarded: for=1"};
  for (int round = 0; round < 5'000; ++round) {
    std::string packed = "GET / HTTP/1.1\r\nHost: a\r\n", apart = "Host: a\r\n~~~~";
    struct Place {
      size_t in_packed, in_apart;
    };
    std::vector<Place> places{{packed.size() - 9, 0}};
    for (size_t count = random() % 12; count-- > 0;) {
      const std::string line = kLines[random() % kLines.size()] + "\r\n";
      places.push_back({packed.size(), apart.size()});
      packed += line;
      apart += line + "~~~~";  // no two lines touch: no runs
    }
    const Request request(packed + "\r\n");
    RequestHead scattered = request.head;
    for (size_t i = 0; i < places.size(); ++i) {
      routing::Field& field = scattered.fields.list[i];
      const auto moved = [&](std::string_view view) {
        if (view.empty()) return std::string_view{};
        const size_t offset = static_cast<size_t>(view.data() - request.text.data()) - places[i].in_packed;
        return std::string_view(apart).substr(places[i].in_apart + offset, view.size());
      };
      field.name = moved(field.name);
      field.value = moved(field.value);
    }
    const ClientFacts& client = random() % 2 == 0 ? kStranger : kTrusted;
    ASSERT_EQ(forwarded(request.head, client), forwarded(scattered, client)) << packed;
  }
}

TEST(ForwardedResponse, HopByHopFieldsGoAndRepeatedOnesKeepTheirOrder) {
  const std::string out = answered(
      "HTTP/1.0 200 Fine\r\nSet-Cookie: a=1\r\nConnection: X-Hop\r\nSet-Cookie: b=2\r\nX-Hop: 1\r\nKeep-Alive: "
      "5\r\nSet-Cookie: c=3\r\n"
      "Content-Length: 5\r\n\r\n",
      {.head = kNone});
  EXPECT_EQ(out,
            "HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nSet-Cookie: c=3\r\nContent-Length: 5\r\nDate: "
            "today\r\n\r\n");
}

TEST(ForwardedResponse, IsFramedAsItGoesOut) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\nDate: then\r\n\r\n";
  EXPECT_EQ(answered(chunked, {.head = kNone, .chunked = true, .keep_length = false}),
            "HTTP/1.1 200 OK\r\nTrailer: X\r\nDate: then\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(answered(chunked, {.head = kNone, .close = true}),
            "HTTP/1.1 200 OK\r\nDate: then\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answered("HTTP/1.1 204 \r\nContent-Length: 0\r\nDate: then\r\n\r\n",
                     {.head = kNone, .keep_length = false, .say_keep_alive = true}),
            "HTTP/1.1 204 \r\nDate: then\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ForwardedResponse, EqualLengthsGoOnOnce) {
  const std::string expected = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\nDate: today\r\n\r\n";
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\nA: b\r\n\r\n", {.head = kNone}),
            expected);
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nA: b\r\n\r\n", {.head = kNone}), expected);
}

TEST(ForwardedResponse, FoldedLinesGoOnAsOne) {
  EXPECT_EQ(answered("HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nD:  e\r\nDate: then\r\n\r\n", {.head = kNone}),
            "HTTP/1.1 200 OK\r\nA: b c\r\nD: e\r\nDate: then\r\n\r\n");
}

TEST(ForwardedResponse, AMintedCookieMakesItPrivateUnlessItIsStricter) {
  const auto kept = [](const std::string& fields) {
    return answered("HTTP/1.1 200 OK\r\nDate: then\r\n" + fields + "\r\n",
                    {.head = kNone, .extra = "X: y\r\n", .make_private = true});
  };
  const std::string front = "HTTP/1.1 200 OK\r\nDate: then\r\n";
  EXPECT_EQ(kept(""), front + "Cache-Control: private\r\nX: y\r\n\r\n");
  EXPECT_EQ(kept("Cache-Control: public, max-age=9\r\n"), front + "Cache-Control: private\r\nX: y\r\n\r\n");
  EXPECT_EQ(kept("Cache-Control: no-store\r\n"), front + "Cache-Control: no-store\r\nX: y\r\n\r\n");
  EXPECT_EQ(kept("Cache-Control: private, max-age=9\r\n"), front + "Cache-Control: private, max-age=9\r\nX: y\r\n\r\n");
}

TEST(ForwardedResponse, AnInterimOneKeepsItsFieldsAndNoFraming) {
  const Response hints("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: close\r\n\r\n");
  net::Bytes out;
  write_interim_head(out, hints.head);
  EXPECT_EQ(out.view(), "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n");
}

TEST(OwnAnswer, SaysItsStatusItsReasonAndItsFault) {
  const auto answer = [](const OwnAnswer& what) {
    net::Bytes out;
    write_own_answer(out, what);
    return std::string(out.view());
  };
  EXPECT_EQ(answer({.fault = Fault::over_capacity, .status = 503, .date = "now", .close = true, .retry_after = 1}),
            "HTTP/1.1 503 Service Unavailable\r\nDate: now\r\nContent-Type: text/plain; "
            "charset=utf-8\r\nContent-Length: 24\r\n"
            "Proxy-Status: weir; error=connection_limit_reached\r\nRetry-After: 1\r\nConnection: close\r\n\r\n503 "
            "Service Unavailable\n");
  EXPECT_EQ(answer({.status = 200, .body = "ready\n", .date = "now", .say_keep_alive = true}),
            "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
            "6\r\nConnection: keep-alive\r\n\r\n"
            "ready\n");
  const std::string to_head = answer({.fault = Fault::no_service, .status = 404, .to_head = true});
  EXPECT_TRUE(to_head.ends_with("\r\n\r\n"));
  EXPECT_NE(to_head.find("Content-Length: 14\r\n"), std::string::npos);
  EXPECT_NE(answer({.fault = Fault::method_refused, .status = 405}).find("\r\nAllow: "), std::string::npos);
}

TEST(Faults, EachHasAStatusATokenAndSomebodyWhoseItIs) {
  ASSERT_EQ(fault_tokens().size(), kFaults);
  for (size_t i = 1; i < kFaults; ++i) {
    const FaultInfo& row = info(static_cast<Fault>(i));
    EXPECT_FALSE(row.token.empty()) << i;
    EXPECT_NE(row.whose, Whose::nobody) << i;
    if (row.status == 0) continue;  // nobody is there to be answered
    EXPECT_NE(reason_phrase(row.status), "Status") << row.status;
    EXPECT_EQ(row.whose == Whose::client, row.status < 500 ? row.status != 404 : row.status == 501 || row.status == 505)
        << i;
  }
}

}  // namespace
}  // namespace weir::http
