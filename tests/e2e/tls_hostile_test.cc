// Broken and hostile handshakes leave the others served; and what other people's clients make of weir's TLS.
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <functional>

#include "tests/e2e/https_edge.h"

namespace weir::testing {
namespace {

/// A record of TLS (RFC 8446 §5.1) with this content.
std::string record(char type, const std::string& content) {
  std::string bytes{type, 3, 1};
  bytes += static_cast<char>(content.size() >> 8);
  bytes += static_cast<char>(content.size() & 0xff);
  return bytes + content;
}

class Hostile : public ::testing::TestWithParam<Named> {};

TEST_P(Hostile, BytesAreRefusedAndTheOthersServed) {
  HttpsEdge edge({}, {.timeouts = {{"tls_handshake", "2s"}}});
  Client client(edge.weir->edge());
  client.send(GetParam().text);
  client.receive_all();
  EXPECT_NE(client.end(), End::timeout);
  EXPECT_EQ(edge.fetch(get("/")).body, "served");
  EXPECT_EQ(edge.handshakes("full"), 1);
  EXPECT_EQ(edge.weir->metrics().sum("weir_tls_handshakes_total"), 2);
  EXPECT_TRUE(edge.weir->program().running());
}

INSTANTIATE_TEST_SUITE_P(
    Bytes, Hostile,
    ::testing::Values(
        Named{"ATruncatedHello", record(22, std::string("\x01\x00\x01\x00\x03\x03", 6))},
        Named{"AHelloOfNonsense", record(22, std::string("\x01\x00\x00\x10", 4) + std::string(16, '\xff'))},
        Named{"AnEmptyRecord", record(22, "")}, Named{"AnAlertFirst", record(21, "\x02\x28")},
        Named{"DataFirst", record(23, std::string(100, 'x'))},
        Named{"ARecordThatIsTooLong", std::string("\x16\x03\x01\xff\xff", 5) + std::string(70000, 'x')},
        Named{"Sslv2", std::string("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11) + std::string(40, 'x')},
        Named{"Zeros", std::string(2000, '\0')}, Named{"Noise", std::string(2000, '\x9d')},
        Named{"Ssh", "ssh-2.0-nobody\r\n"}),
    name_of_named);

TEST(HostileTls, AThousandHandshakesThatStandStillKeepNobodyOut) {
  HttpsEdge edge({}, {.limits = {{"handshakes", "200"}}, .timeouts = {{"tls_handshake", "1h"}}});
  std::vector<Socket> stuck;
  for (int i = 0; i < 1000; ++i) {
    stuck.push_back(connect_to(edge.weir->edge()));
    // Every other one has begun: with half a hello.
    if (i % 2 == 1) ::send(stuck.back().descriptor(), "\x16\x03\x01\x02\x00\x01\x00\x01", 8, MSG_NOSIGNAL);
  }
  const auto open = [&] { return edge.weir->metrics().sum("weir_connections", {{"listener", "edge"}}); };
  ASSERT_TRUE(wait_until([&] { return edge.handshakes("dropped") == 800 && open() == 200; }));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(edge.fetch(get("/")).body, "served");
  EXPECT_EQ(edge.handshakes("full"), 5);
}

constexpr std::string_view kAsked = "aaaa.shop.example";

/// What OpenSSL says first to somebody whom it asks for `kAsked`.
std::string client_hello() {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::shared_ptr<SSL> ssl(SSL_new(context.get()), SSL_free);
  BIO* const wire = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), wire);
  SSL_set_tlsext_host_name(ssl.get(), std::string(kAsked).c_str());
  SSL_connect(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(wire, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

struct Absurd {
  std::string name;
  std::function<void(std::string& hello, size_t asked)> change;  // `asked`: where kAsked stands
};

void PrintTo(const Absurd& one, std::ostream* out) { *out << one.name; }

class AbsurdName : public ::testing::TestWithParam<Absurd> {};

/// RFC 6066 §3: before the name stand its length (2), its kind (1) and the list's length (2).
TEST_P(AbsurdName, ThatIsAskedForIsRefusedOrAnsweredAndTheOthersServed) {
  HttpsEdge edge;
  std::string hello = client_hello();
  const size_t asked = hello.find(kAsked);
  ASSERT_NE(asked, std::string::npos);
  GetParam().change(hello, asked);
  Client client(edge.weir->edge());
  client.send(hello);
  client.finish();
  client.receive_all();
  EXPECT_NE(client.end(), End::timeout);
  EXPECT_EQ(edge.fetch(get("/")).body, "served");
  EXPECT_EQ(edge.handshakes("full"), 1);
  EXPECT_TRUE(edge.weir->program().running());
}

INSTANTIATE_TEST_SUITE_P(
    Hello, AbsurdName,
    ::testing::Values(
        Absurd{"OfNulBytes", [](auto& hello, size_t asked) { hello.replace(asked, 17, std::string(17, '\0')); }},
        Absurd{"WithANulByteInIt", [](auto& hello, size_t asked) { hello[asked + 4] = '\0'; }},
        Absurd{"OfDots", [](auto& hello, size_t asked) { hello.replace(asked, 17, std::string(17, '.')); }},
        Absurd{"OfBytesThatAreNoText", [](auto& hello, size_t asked) { hello.replace(asked, 17, 17, '\xff'); }},
        Absurd{"WithLineEnds", [](auto& hello, size_t asked) { hello.replace(asked, 4, "\r\n\r\n"); }},
        Absurd{"ThatIsEmpty", [](auto& hello, size_t asked) { hello[asked - 1] = '\0'; }},
        Absurd{"ThatIsLongerThanItsList", [](auto& hello, size_t asked) { hello[asked - 1] = '\x60'; }},
        Absurd{"OfAnUnknownKind", [](auto& hello, size_t asked) { hello[asked - 3] = '\x07'; }},
        Absurd{"InAListThatIsTooLong", [](auto& hello, size_t asked) { hello[asked - 5] = '\xff'; }},
        Absurd{"InAnEmptyList", [](auto& hello, size_t asked) { hello[asked - 4] = '\0'; }}),
    [](const auto& info) { return info.param.name; });

TEST(HostileTls, NamesThatNoCertificateHasGetTheFirstOne) {
  HttpsEdge edge;
  for (const char* name : {"*", "*.shop.example", ".", "..", ".shop.example", "shop.example..", "a b", "127.0.0.1",
                           "[::1]", "shop.example:443", "-", "%00", "\xd0\xa9", "<script>", "a..shop.example"}) {
    Client client = edge.client({.server_name = name});
    EXPECT_TRUE(client.secured()) << name;
    EXPECT_EQ(client.wire().tls()->peer_subject(), "first") << name;
  }
}

TEST(HostileTls, AHandshakeThatTakesTooLongEnds) {
  HttpsEdge edge({}, {.timeouts = {{"tls_handshake", "200ms"}}});
  Client client(edge.weir->edge());
  client.send(std::string("\x16\x03\x01", 3));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(edge.handshakes("timeout"), 1);
}

TEST(HostileTls, ClientsThatLeaveDuringTheHandshakeAreCounted) {
  HttpsEdge edge;
  for (int i = 0; i < 10; ++i) connect_to(edge.weir->edge());
  EXPECT_TRUE(wait_until([&] { return edge.handshakes("gone") == 10; }));
  EXPECT_EQ(edge.weir->metrics().sum("weir_connections"), 0);
}

/// A program run on the edge, whose authority it believes.
Finished ask(const HttpsEdge& edge, const std::string& program, std::vector<std::string> arguments,
             const std::string& input = "") {
  for (std::string& argument : arguments) {
    if (argument == "EDGE") argument = edge.weir->edge();
    if (argument == "CA") argument = edge.authority.ca();
  }
  return run(program, arguments, {.input = input});
}

TEST(TlsPeers, OpensslVerifiesTheCertificateAndCannotRenegotiate) {
  HttpsEdge edge;
  const Finished shown = ask(edge, "/usr/bin/openssl",
                             {"s_client", "-connect", "EDGE", "-CAfile", "CA", "-servername", "shop.example",
                              "-verify_hostname", "shop.example", "-verify_return_error", "-brief"});
  EXPECT_NE((shown.output + shown.errors).find("Verification: OK"), std::string::npos) << shown.errors;
  const Finished again =
      ask(edge, "/usr/bin/openssl", {"s_client", "-connect", "EDGE", "-CAfile", "CA", "-tls1_2", "-msg"}, "R\n");
  EXPECT_NE(again.errors.find("RENEGOTIATING"), std::string::npos) << again.errors;
  size_t finished = 0;
  for (size_t at = 0; (at = again.output.find("Finished", at)) != std::string::npos; ++at) ++finished;
  EXPECT_EQ(finished, 2u) << "each side's once: " << again.output;
  EXPECT_EQ(edge.fetch(get("/")).body, "served");
}

TEST(TlsPeers, OldVersionsOfTheProtocolAreRefused) {
  HttpsEdge edge;
  for (const char* version : {"-tls1", "-tls1_1"}) {
    const Finished old =
        ask(edge, "/usr/bin/openssl", {"s_client", "-connect", "EDGE", version, "-cipher", "ALL:@SECLEVEL=0"});
    EXPECT_NE(old.code, 0) << version;
    EXPECT_NE((old.output + old.errors).find("protocol version"), std::string::npos) << old.errors;
  }
}

TEST(TlsPeers, CurlIsServed) {
  HttpsEdge edge;
  const std::string port = edge.weir->edge().substr(edge.weir->edge().rfind(':') + 1);
  const std::string address = edge.weir->edge().substr(0, edge.weir->edge().rfind(':'));
  const std::string url = fmt::format("https://shop.example:{}/", port);
  const Finished got = ask(edge, "/usr/bin/curl",
                           {"-sS", "--cacert", "CA", "--noproxy", "*", "--resolve",
                            fmt::format("shop.example:{}:{}", port, address), url, url});
  EXPECT_EQ(got.output, "servedserved") << got.errors;
  EXPECT_EQ(edge.handshakes("full"), 1);
}

/// Nagle's algorithm (RFC 896) keeps a request back while the last word of the handshake is not acknowledged.
TEST(TlsPeers, AClientThatSendsNothingBeforeAnAcknowledgementIsNotKeptWaiting) {
  HttpsEdge edge;
  const std::string script = R"(
import socket, ssl, sys, time
host, port = sys.argv[1].rsplit(":", 1)
context = ssl.create_default_context(cafile=sys.argv[2])
def once():
    with socket.create_connection((host, int(port)), 10) as plain:
        began = time.monotonic()
        with context.wrap_socket(plain, server_hostname="shop.example") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
            assert tls.recv(4096).startswith(b"HTTP/1.1 200 ")
            return time.monotonic() - began
print(int(1000 * min(once() for _ in range(10))))
)";
  const Finished told = ask(edge, "/usr/bin/python3", {"-c", script, "EDGE", "CA"});
  ASSERT_EQ(told.code, 0) << told.errors;
  EXPECT_LT(std::stoi(told.output), 35) << "ms of the quickest of ten; Linux acknowledges late after 40";
}

TEST(TlsPeers, PythonIsServedAndTheConnectionEndsInOrder) {
  HttpsEdge edge;
  const std::string script = R"(
import socket, ssl, sys
host, port = sys.argv[1].rsplit(":", 1)
context = ssl.create_default_context(cafile=sys.argv[2])
with socket.create_connection((host, int(port)), 10) as plain:
    with context.wrap_socket(plain, server_hostname="shop.example", suppress_ragged_eofs=False) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := tls.recv(4096):
            answer += piece
        print(tls.version(), answer.split(b"\r\n\r\n")[1].decode())
)";
  const Finished got = ask(edge, "/usr/bin/python3", {"-c", script, "EDGE", "CA"});
  EXPECT_EQ(got.output, "TLSv1.3 served\n") << got.errors;
}

}  // namespace
}  // namespace weir::testing
