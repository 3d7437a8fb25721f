// Where clients come from and where weir listens: the PROXY protocol, unix sockets, IPv6.
#include <fmt/format.h>
#include <signal.h>

#include <filesystem>

#include "tests/e2e/edge.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

const ConfigText kAccepting{.listener = {"trusted_proxies: [127.0.0.1]", "proxy_protocol: accept"}};

/// A version 2 header: command and family as bytes, then the addresses.
std::string version2(char command, char family, const std::string& addresses) {
  std::string header = "\r\n\r\n\0\r\nQUIT\n"s;
  header += command;
  header += family;
  header += static_cast<char>(addresses.size() >> 8);
  header += static_cast<char>(addresses.size() & 0xff);
  return header + addresses;
}
/// 192.0.2.1:1000 to 198.51.100.1:80.
const std::string kV4Addresses = "\xc0\x00\x02\x01\xc6\x33\x64\x01\x03\xe8\x00\x50"s;
const std::string kV6Addresses = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01" + "\x20\x01\x0d\xb8"s +
                                 std::string(11, '\0') + "\x02" + "\x03\xe8\x00\x50"s;

/// What the origin is told of the client that sent `header` and then a GET; the status if it is not served.
std::string client_behind(const std::string& header, const std::string& from = "127.0.0.1", bool slowly = false) {
  Edge edge(ok("served"), kAccepting);
  Client client = edge.client({.from = from});
  slowly ? client.send_byte_by_byte(header + get("/")) : client.send(header + get("/"));
  Response response = client.receive();
  if (response.status != 200) return std::to_string(response.status);
  return edge.origin.only_request().fields.get("X-Forwarded-For");
}

TEST(ProxyProtocol, Version1TellsTheClient) {
  EXPECT_EQ(client_behind("PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\r\n"), "192.0.2.1");
  EXPECT_EQ(client_behind("PROXY TCP6 2001:db8::1 2001:db8::2 1000 80\r\n"), "2001:db8::1");
}

TEST(ProxyProtocol, Version1OfAnUnknownClientKeepsThePeer) {
  EXPECT_EQ(client_behind("PROXY UNKNOWN\r\n"), "127.0.0.1");
  EXPECT_EQ(client_behind("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), "127.0.0.1");
}

TEST(ProxyProtocol, Version2TellsTheClient) {
  EXPECT_EQ(client_behind(version2(0x21, 0x11, kV4Addresses)), "192.0.2.1");
  EXPECT_EQ(client_behind(version2(0x21, 0x21, kV6Addresses)), "2001:db8::1");
}

TEST(ProxyProtocol, Version2MayCarryMoreThanAddresses) {
  EXPECT_EQ(client_behind(version2(0x21, 0x11, kV4Addresses + "\x04\x00\x05hello"s)), "192.0.2.1");
}

TEST(ProxyProtocol, Version2LocalKeepsThePeer) { EXPECT_EQ(client_behind(version2(0x20, 0x00, "")), "127.0.0.1"); }

TEST(ProxyProtocol, MayComeAByteAtATime) {
  EXPECT_EQ(client_behind("PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\r\n", "127.0.0.1", true), "192.0.2.1");
  EXPECT_EQ(client_behind(version2(0x21, 0x11, kV4Addresses), "127.0.0.1", true), "192.0.2.1");
}

TEST(ProxyProtocol, IsNotBelievedFromAStranger) {
  EXPECT_EQ(client_behind("PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\r\n", "127.0.0.9"), "400");
  EXPECT_EQ(client_behind("", "127.0.0.9"), "127.0.0.9");
}

TEST(ProxyProtocol, IsNotSpokenWhereItIsNotAccepted) {
  Edge edge;
  expect_refused(edge, "PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\r\n" + get("/"));
}

TEST(ProxyProtocol, ATrustedPeerThatSendsNoneOrABadOneIsClosed) {
  for (const std::string& header :
       {""s, "PROXY TCP4 192.0.2.1\r\n"s, "PROXY TCP4 192.0.2.999 198.51.100.1 1000 80\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 1000 99999\r\n"s, "PROXY TCP5 192.0.2.1 198.51.100.1 1000 80\r\n"s,
        "PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\n"s, "PROXY TCP4 2001:db8::1 2001:db8::2 1000 80\r\n"s,
        "PROXY " + std::string(200, 'x') + "\r\n", version2(0x31, 0x11, kV4Addresses),
        version2(0x2f, 0x11, kV4Addresses), version2(0x21, 0x11, "short")}) {
    SCOPED_TRACE(header);
    EXPECT_EQ(client_behind(header), "0");
  }
}

TEST(ProxyProtocol, AHeaderThatNeverComesIsNotWaitedForForEver) {
  ConfigText config = kAccepting;
  config.timeouts["request_head"] = "300ms";
  Edge edge(ok("served"), config);
  Client client = edge.client();
  client.send("PROXY TCP4 192.0");
  EXPECT_TRUE(client.closed());
}

TEST(ProxyProtocol, TheClientItTellsIsNotTrustedForBeingBehindOne) {
  Edge edge(ok("served"), kAccepting);
  Client client = edge.client();
  client.send("PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\r\n" +
              get("/", "shop.example", "X-Forwarded-For: 10.0.0.1\r\n"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(edge.origin.only_request().fields.get("X-Forwarded-For"), "192.0.2.1");
}

TEST(ProxyProtocol, LastsForAllRequestsOfTheConnection) {
  Edge edge(ok("served"), kAccepting);
  Client client = edge.client();
  client.send("PROXY TCP4 192.0.2.1 198.51.100.1 1000 80\r\n" + get("/1") + get("/2"));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_EQ(client.receive().status, 200);
  for (const Request& request : edge.origin.requests()) EXPECT_EQ(request.fields.get("X-Forwarded-For"), "192.0.2.1");
}

TEST(UnixSocket, MayBeAListener) {
  Directory directory;
  Edge edge(ok("served"), {.edge = "unix:" + directory / "edge.sock"});
  EXPECT_EQ(expect_forwarded(edge, get("/x")).target, "/x");
}

TEST(UnixSocket, AsAListenerServesManyOverAllWorkers) {
  Directory directory;
  Edge edge(ok("served"), {.edge = "unix:" + directory / "edge.sock", .workers = 2});
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(edge.client());
  for (Client& client : clients) client.send(get("/"));
  for (Client& client : clients) ASSERT_EQ(client.receive().status, 200);
}

TEST(UnixSocket, LeftByADeadProgramIsTakenOver) {
  Directory directory;
  std::string path = directory / "edge.sock";
  { Socket dead = listen_on("unix:" + path); }
  ASSERT_TRUE(std::filesystem::exists(path));
  Edge edge(ok("served"), {.edge = "unix:" + path});
  EXPECT_EQ(edge.fetch(get("/")).status, 200);
}

TEST(UnixSocket, OfALivingProgramIsNotTakenAway) {
  Directory directory;
  std::string path = directory / "edge.sock";
  Origin living(ok("living"), "unix:" + path);
  Origin origin;
  ConfigText config{.old_endpoints = {origin.address()}, .edge = "unix:" + path};
  config.admin = "unix:" + directory / "admin.sock";
  write_file(directory / "weir.yaml", config.text());
  EXPECT_EQ(run(weir_program(), {"run", "-c", directory / "weir.yaml"}).code, 1);
  EXPECT_EQ(fetch("unix:" + path, get("/")).body, "living");
}

TEST(UnixSocket, MayBeAnEndpoint) {
  Directory directory;
  Origin origin(ok("by path"), "unix:" + directory / "origin.sock");
  auto weir = weir_with({.old_endpoints = {origin.address()}});
  Client client(weir->edge());
  for (int i = 0; i < 5; ++i) {
    client.send(get("/"));
    EXPECT_EQ(client.receive().body, "by path");
  }
  EXPECT_EQ(origin.connections(), 1u);
}

TEST(UnixSocket, MayBeTheAdminListener) {
  Directory directory;
  Origin origin;
  auto weir = weir_with({.old_endpoints = {origin.address()}, .admin = "unix:" + directory / "admin.sock"});
  EXPECT_EQ(weir->admin_get("/healthz").status, 200);
}

TEST(Ipv6, MayBeListenerAndEndpoint) {
  Origin origin(ok("six"), "[::1]:0");
  Edge edge(ok("unused"), {.edge = fmt::format("[::1]:{}", free_port("[::1]"))});
  EXPECT_EQ(expect_forwarded(edge, get("/")).fields.get("X-Forwarded-For"), "::1");
  auto weir = weir_with({.old_endpoints = {origin.address()}});
  EXPECT_EQ(fetch(weir->edge(), get("/")).body, "six");
}

}  // namespace
}  // namespace weir::testing
