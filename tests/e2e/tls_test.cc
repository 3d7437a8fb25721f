// A listener that speaks TLS: which certificate, which version, how connections begin and end.
#include <signal.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "tests/e2e/https_edge.h"

namespace weir::testing {
namespace {

TEST(Tls, ARequestOverItIsServedAndSaidToBeHttps) {
  HttpsEdge edge;
  EXPECT_EQ(edge.fetch(get("/here")).body, "served");
  const Request request = edge.origin.only_request();
  EXPECT_EQ(request.fields.get("X-Forwarded-Proto"), "https");
  EXPECT_EQ(edge.handshakes("full"), 1);
}

TEST(Tls, ItIsVersion13ByDefaultAnd12IfTheClientKnowsNoBetter) {
  HttpsEdge edge;
  EXPECT_EQ(edge.client().wire().tls()->version(), "TLSv1.3");
  TlsOptions old = edge.options();
  old.max_version = "1.2";
  EXPECT_EQ(edge.client(old).wire().tls()->version(), "TLSv1.2");
  // The client has the last word of a handshake of 1.2 a moment before weir has counted it.
  EXPECT_TRUE(wait_until([&] {
    return edge.weir->metrics().sum("weir_tls_handshakes_total", {{"version", "1.2"}}) == 1;
  }));
}

TEST(Tls, AClientThatIsOlderThanMinVersionIsRefused) {
  HttpsEdge edge({"min_version: 1.3"});
  TlsOptions old = edge.options();
  old.max_version = "1.2";
  Client client = edge.client(old);
  EXPECT_FALSE(client.secured());
  EXPECT_NE(client.wire().tls()->complaint().find("protocol version"), std::string::npos)
      << client.wire().tls()->complaint();
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
}

TEST(Tls, KeepsAConnectionAliveAndPipelines) {
  HttpsEdge edge;
  Client client = edge.client();
  client.send(get("/1") + get("/2") + get("/3"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.receive().body, "served");
  EXPECT_EQ(edge.handshakes("full"), 1);
}

TEST(Tls, LargeBodiesGoBothWaysUnchanged) {
  HttpsEdge edge({}, {}, echo());
  std::string body(5'000'000, 'x');
  for (size_t i = 0; i < body.size(); i += 7) body[i] = static_cast<char>('a' + i % 26);
  Client client = edge.client();
  std::thread sender([&] { client.send(post("/", body)); });
  sender.join();
  EXPECT_EQ(client.receive("POST").body, body);
}

TEST(Tls, AClientThatReadsSlowlyLosesNothing) {
  const std::string body(3'000'000, 'b');
  HttpsEdge edge({}, {}, ok(body));
  Client client(edge.weir->edge(), {.receive_buffer = 4096, .tls = edge.options()});
  client.send(get("/") + get("/"));
  EXPECT_EQ(client.receive().body, body);
  EXPECT_EQ(client.receive().body, body);
}

TEST(Tls, AnAnswerThatEndsTheConnectionEndsItWithCloseNotify) {
  HttpsEdge edge;
  Client client = edge.client();
  client.send(get("/", "shop.example", "Connection: close\r\n"));
  EXPECT_EQ(client.receive().body, "served");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), End::clean);  // a connection that just ends reads as reset
}

TEST(Tls, AResponseCutShortIsNotEndedInOrder) {
  HttpsEdge edge({}, {}, raw_then_close("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"));
  Client client = edge.client();
  client.send(get("/"));
  const Response response = client.receive();
  EXPECT_FALSE(response.complete);
  EXPECT_EQ(client.end(), End::reset);
}

TEST(Tls, AClientsCloseNotifyEndsTheConnectionInOrder) {
  HttpsEdge edge;
  Client client = edge.client();
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "served");
  client.finish();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), End::clean);
}

TEST(Tls, ARequestCutShortIsNeverWholeAtTheOrigin) {
  HttpsEdge edge;
  {
    Client client = edge.client();
    client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 50\r\n\r\nhello");
    ASSERT_TRUE(wait_until([&] { return !edge.origin.requests().empty(); }));
    client.wire().socket().close();  // without close_notify
  }
  ASSERT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
  EXPECT_FALSE(edge.origin.requests().at(0).complete);
}

TEST(Tls, TunnelsCarryBytesBothWays) {
  HttpsEdge edge({}, {}, [](Turn& turn) {
    turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
    turn.send(turn.read_bytes(4));
    turn.read_all();
    turn.close();
  });
  Client client = edge.client();
  client.send(get("/", "shop.example", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_EQ(client.receive_head().status, 101);
  EXPECT_EQ(client.receive_bytes(5), "first");
  client.send("ping");
  EXPECT_EQ(client.receive_bytes(4), "ping");
  client.finish();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), End::clean);
}

TEST(Tls, TheNameChoosesTheCertificateExactThenWildcardThenTheFirst) {
  HttpsEdge edge;
  const auto exact = edge.authority.issue("exact", {.names = {"a.shop.example", "pay.example"}, .subject = "exact"});
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({edge.files, exact});
  edge.weir->reload(config);
  const auto subject = [&](const std::string& name) {
    return edge.client({.server_name = name}).wire().tls()->peer_subject();
  };
  EXPECT_EQ(subject("a.shop.example"), "exact");
  EXPECT_EQ(subject("A.Shop.Example"), "exact");
  EXPECT_EQ(subject("pay.example"), "exact");
  EXPECT_EQ(subject("b.shop.example"), "first");
  EXPECT_EQ(subject("x.a.shop.example"), "first");  // a wildcard is one label: by default, then
  EXPECT_EQ(subject("nobody.example"), "first");
  EXPECT_EQ(subject(""), "first");
  EXPECT_EQ(subject(std::string(250, 'a')), "first");
}

TEST(Tls, RsaAndEcdsaStandSideBySideForOneName) {
  HttpsEdge edge;
  const auto rsa = edge.authority.issue("rsa", {.names = {"shop.example"}, .subject = "rsa", .key = KeyKind::rsa});
  auto config = edge.weir->config();
  config.listener.back() = HttpsEdge::tls_text({edge.files, rsa});
  edge.weir->reload(config);
  TlsOptions only = edge.options();
  only.max_version = "1.2";
  only.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
  EXPECT_EQ(edge.client(only).wire().tls()->peer_key(), "RSA");
  only.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
  EXPECT_EQ(edge.client(only).wire().tls()->peer_key(), "EC");
}

TEST(Tls, ClientsAgreeOnHttp11OrNothing) {
  HttpsEdge edge;
  TlsOptions offers = edge.options();
  offers.protocols = "h2,http/1.1";
  EXPECT_EQ(edge.client(offers).wire().tls()->protocol(), "http/1.1");
  EXPECT_EQ(edge.client().wire().tls()->protocol(), "");
  offers.protocols = "http/1.0";
  EXPECT_EQ(edge.client(offers).wire().tls()->protocol(), "http/1.0");
  offers.protocols = "h2";
  EXPECT_FALSE(edge.client(offers).secured());
}

TEST(Tls, ClientsComeBackWithATicketToAnyWorker) {
  HttpsEdge edge({}, {.workers = 2});
  for (const char* version : {"1.3", "1.2"}) {
    TlsOptions again = edge.options();
    again.max_version = version;
    Client first = edge.client(again);
    first.send(get("/"));
    first.receive();
    again.session = first.wire().tls()->session();
    for (int i = 0; i < 8; ++i) {
      Client next = edge.client(again);
      EXPECT_TRUE(next.wire().tls()->resumed()) << version;
      next.send(get("/"));
      EXPECT_EQ(next.receive().body, "served");
      if (std::string(version) == "1.3") again.session = next.wire().tls()->session();
      next.close();  // in order: OpenSSL gives up a session whose connection was not
    }
  }
  EXPECT_EQ(edge.handshakes("resumed"), 16);
}

TEST(Tls, WithoutTicketsEveryHandshakeIsAFullOne) {
  HttpsEdge edge({"session_tickets: false"});
  Client first = edge.client();
  first.send(get("/"));
  first.receive();
  TlsOptions again = edge.options();
  again.session = first.wire().tls()->session();
  EXPECT_FALSE(edge.client(again).wire().tls()->resumed());
}

TEST(Tls, PlainHttpToItsPortIsToldSoInPlainText) {
  HttpsEdge edge;
  Client client(edge.weir->edge());
  client.send(get("/"));
  const Response response = client.receive();
  EXPECT_EQ(response.status, 400);
  EXPECT_NE(response.body.find("this port speaks HTTPS"), std::string::npos) << response.body;
  client.finish();
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(edge.handshakes("plain_text"), 1);
  EXPECT_TRUE(edge.origin.requests().empty());
}

TEST(Tls, PlainTextThatIsNoRequestIsToldSoToo) {
  HttpsEdge edge;
  for (const char* said : {"get / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n"}) {
    Client client(edge.weir->edge());
    client.send(said);
    EXPECT_EQ(client.receive().status, 400) << said;
  }
}

TEST(Tls, HstsIsToldWithEveryAnswerOverItAndReplacesTheEndpoints) {
  HttpsEdge edge({}, {.listener = {"hsts: { max_age: 365d, include_subdomains: true }"}},
                 ok("served", "Strict-Transport-Security: max-age=1\r\n"));
  const std::vector<std::string> expected{"max-age=31536000; includeSubDomains"};
  EXPECT_EQ(edge.fetch(get("/")).fields.all("Strict-Transport-Security"), expected);
  edge.origin.stop();
  const Response own = edge.fetch(get("/"));
  EXPECT_EQ(own.status, 502);
  EXPECT_EQ(own.fields.all("Strict-Transport-Security"), expected);
}

TEST(Tls, AMintedCookieIsSecure) {
  ConfigText config;
  config.new_endpoints = {"127.0.0.1:9"};
  config.keys = {};
  config.cohort = {"without_key: mint"};
  HttpsEdge edge({}, config);
  const Response response = edge.fetch(get("/", "shop.example", "Accept: text/html\r\n"));
  EXPECT_NE(response.fields.get("Set-Cookie").find("; Secure"), std::string::npos) << response;
}

/// weir whose listener believes the PROXY header of who connects from loopback.
class Proxied : public HttpsEdge {
 public:
  Proxied() : HttpsEdge({}, {.listener = {"trusted_proxies: [127.0.0.0/8]", "proxy_protocol: accept"}}) {}

  /// Who the client is for the origin, after `speak` has said on the connection who it is.
  std::string client_behind(const std::function<void(int descriptor)>& speak) {
    Wire wire(connect_to(weir->edge()));
    speak(wire.socket().descriptor());
    if (!wire.secure(TlsSide::client(wire.socket().descriptor(), options()), within(kPatience))) return "nobody";
    wire.send(get("/"), within(kPatience));
    EXPECT_EQ(read_response(wire, "GET", within(kPatience)).body, "served");
    return origin.requests().back().fields.get("X-Forwarded-For");
  }
};

TEST(Tls, ProxyHeadersComeBeforeItHoweverTheyAreCut) {
  Proxied edge;
  const std::string header = "PROXY TCP4 192.0.2.7 127.0.0.1 5000 443\r\n";
  const auto send = [](int descriptor, std::string_view bytes, int flags) {
    EXPECT_EQ(::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | flags), static_cast<ssize_t>(bytes.size()));
  };
  EXPECT_EQ(edge.client_behind([&](int client) { send(client, header, 0); }), "192.0.2.7");
  EXPECT_EQ(edge.client_behind([&](int client) { send(client, header, MSG_MORE); }), "192.0.2.7")
      << "in a packet with the hello";
  EXPECT_EQ(edge.client_behind([&](int client) {
    for (const char& byte : header) send(client, {&byte, 1}, 0);
  }),
            "192.0.2.7");
  using std::string_literals::operator""s;
  const std::string binary = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x09\x7f\0\0\x01\x13\x88\x01\xbb"s;
  EXPECT_EQ(edge.client_behind([&](int client) { send(client, binary, MSG_MORE); }), "192.0.2.9");
}

TEST(Tls, WithoutTheProxyHeaderThatIsDueThereIsNoHandshake) {
  Proxied edge;
  EXPECT_EQ(edge.client_behind([](int) {}), "nobody");
  EXPECT_EQ(edge.weir->metrics().sum("weir_connections_rejected_total", {{"reason", "proxy_protocol"}}), 1);
  EXPECT_EQ(edge.weir->metrics().sum("weir_tls_handshakes_total"), 0);
}

TEST(Tls, AProxyHeaderOfSomebodyWhoIsNotTrustedIsPlainText) {
  HttpsEdge edge({}, {.listener = {"trusted_proxies: [192.0.2.1]", "proxy_protocol: accept"}});
  Client client(edge.weir->edge());
  client.send("PROXY TCP4 192.0.2.7 127.0.0.1 5000 443\r\n");
  EXPECT_EQ(client.receive().status, 400);
  EXPECT_EQ(edge.handshakes("plain_text"), 1);
}

TEST(Tls, ATunnelThatIsCutShortIsNotEndedInOrderOnItsOtherSide) {
  HttpsEdge edge({}, {}, [](Turn& turn) {
    turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    if (turn.request().target == "/cut") {
      turn.read_bytes(3);
      return turn.reset();
    }
    turn.read_all();
    turn.close();
  });
  const std::string upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  {
    Client client = edge.client();
    client.send(get("/", "shop.example", upgrade));
    EXPECT_EQ(client.receive_head().status, 101);
    client.wire().socket().close();  // without close_notify
  }
  ASSERT_TRUE(wait_until([&] { return edge.origin.visits().at(0).end != End::none; }));
  EXPECT_EQ(edge.origin.visits().at(0).end, End::reset);
  Client client = edge.client();
  client.send(get("/cut", "shop.example", upgrade));
  EXPECT_EQ(client.receive_head().status, 101);
  client.send("cut");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(client.end(), End::reset);
}

TEST(Tls, AHandshakeUnderWayWhenDrainingBeginsIsFinishedAndServed) {
  HttpsEdge edge({}, {.timeouts = {{"tls_handshake", "1h"}}});
  Wire wire(connect_to(edge.weir->edge()));
  ASSERT_TRUE(wait_until([&] { return edge.weir->metrics().sum("weir_connections") == 1; }));
  edge.weir->program().signal(SIGTERM);
  ASSERT_TRUE(wait_until([&] { return edge.weir->admin_get("/readyz").status == 503; }));
  ASSERT_TRUE(wire.secure(TlsSide::client(wire.socket().descriptor(), edge.options()), within(kPatience)));
  wire.send(get("/"), within(kPatience));
  const Response response = read_response(wire, "GET", within(kPatience));
  EXPECT_EQ(response.body, "served");
  EXPECT_EQ(response.fields.get("Connection"), "close");
  const auto end = edge.weir->program().wait();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Tls, AHandshakeThatStandsStillDoesNotOutlastADrain) {
  HttpsEdge edge({}, {.timeouts = {{"tls_handshake", "1h"}, {"drain", "300ms"}}});
  const Socket stuck = connect_to(edge.weir->edge());
  ASSERT_TRUE(wait_until([&] { return edge.weir->metrics().sum("weir_connections") == 1; }));
  edge.weir->program().signal(SIGTERM);
  const auto end = edge.weir->program().wait();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(Redirect, SendsEveryRequestToHttpsWithItsPathAndQuery) {
  Edge edge(ok("served"), {.listener = {"redirect_to_https: 443", "ready_path: /-/ready"}});
  const Response response = edge.fetch(get("/a%2Fb?c=d", "shop.example:8080"));
  EXPECT_EQ(response.status, 308);
  EXPECT_EQ(response.fields.get("Location"), "https://shop.example/a%2Fb?c=d");
  EXPECT_EQ(edge.fetch(get("/-/ready")).status, 200);
  EXPECT_TRUE(edge.origin.requests().empty());
}

TEST(Redirect, NamesAPortThatIsNotTheSchemesOwn) {
  Edge edge(ok("served"), {.listener = {"redirect_to_https: 8443"}});
  EXPECT_EQ(edge.fetch(get("/", "shop.example")).fields.get("Location"), "https://shop.example:8443/");
  EXPECT_EQ(edge.fetch(get("/", "[::1]:8080")).fields.get("Location"), "https://[::1]:8443/");
  EXPECT_EQ(edge.fetch("GET / HTTP/1.0\r\n\r\n").status, 400);  // no host to go to is known
}

}  // namespace
}  // namespace weir::testing
