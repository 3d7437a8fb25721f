// Upgrades: after a 101 the connection is a tunnel, both ways, bytes unchanged (http-cases 20).
#include <fmt/format.h>

#include <thread>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

const std::string kHandshake =
    get("/chat", "shop.example",
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
const std::string kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Switches, then sends back whatever comes, in capitals where it is a letter.
void shout(Turn& turn) {
  turn.send(kSwitching);
  for (std::string bytes = turn.read_bytes(1); !bytes.empty(); bytes = turn.read_bytes(1)) {
    for (char& c : bytes) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    if (!turn.send(bytes)) break;
  }
  turn.close();
}

/// A client whose handshake was answered with 101.
Client upgraded(const Edge& edge) {
  Client client = edge.client();
  client.send(kHandshake);
  Response response = client.receive_head();
  EXPECT_EQ(response.status, 101) << response;
  return client;
}

TEST(Upgrade, BytesFlowBothWaysUnchanged) {
  Edge edge(shout);
  Client client = upgraded(edge);
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  client.send("hello");
  EXPECT_EQ(client.receive_bytes(5), "HELLO");
  client.send(std::string("\x81\x85\0\r\n\r\n\xff", 8));
  EXPECT_EQ(client.receive_bytes(8), std::string("\x81\x85\0\r\n\r\n\xff", 8));
}

TEST(Upgrade, TheHandshakeArrivesWhole) {
  Edge edge(shout);
  Client client = edge.client();
  client.send(kHandshake);
  Response response = client.receive_head();
  EXPECT_EQ(lower(response.fields.get("Connection")), "upgrade");
  EXPECT_EQ(lower(response.fields.get("Upgrade")), "websocket");
  EXPECT_EQ(response.fields.get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  ASSERT_EQ(edge.origin.requests().size(), 1u);
  Fields fields = edge.origin.requests()[0].fields;
  EXPECT_EQ(lower(fields.get("Connection")), "upgrade");
  EXPECT_EQ(lower(fields.get("Upgrade")), "websocket");
  EXPECT_EQ(fields.get("Sec-WebSocket-Key"), "dGhlIHNhbXBsZSBub25jZQ==");
}

TEST(Upgrade, BytesInThePacketOfThe101ReachTheClient) {
  Edge edge([](Turn& turn) {
    turn.send(kSwitching + "early bytes");
    turn.read_all();
    turn.close();
  });
  Client client = upgraded(edge);
  EXPECT_EQ(client.receive_bytes(11), "early bytes");
}

TEST(Upgrade, BytesThatTheClientSendsWithItsHandshakeReachTheOrigin) {
  Edge edge(shout);
  Client client = edge.client();
  client.send(kHandshake + "eager");
  EXPECT_EQ(client.receive_head().status, 101);
  EXPECT_EQ(client.receive_bytes(5), "EAGER");
}

TEST(Upgrade, AnEndOfTheClientReachesTheOriginAndTheRestComesBack) {
  Edge edge([](Turn& turn) {
    turn.send(kSwitching);
    std::string all = turn.read_all();
    turn.send(fmt::format("got {} bytes", all.size()));
    turn.close();
  });
  Client client = upgraded(edge);
  client.send("12345");
  client.finish();
  EXPECT_EQ(client.receive_all(), "got 5 bytes");
  EXPECT_EQ(client.end(), End::clean);
}

TEST(Upgrade, AnEndOfTheOriginReachesTheClientWhichMayStillSend) {
  std::string later;
  Edge edge([&later](Turn& turn) {
    turn.send(kSwitching + "bye");
    turn.finish();
    later = turn.read_all();
    turn.close();
  });
  Client client = upgraded(edge);
  EXPECT_EQ(client.receive_all(), "bye");
  client.send("and one more thing");
  client.close();
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
  EXPECT_EQ(later, "and one more thing");
}

TEST(Upgrade, AResetOfTheOriginIsNotACleanEnd) {
  Edge edge([](Turn& turn) {
    turn.send(kSwitching + "half a mess");
    turn.read_bytes(2);
    turn.reset();
  });
  Client client = upgraded(edge);
  EXPECT_EQ(client.receive_bytes(11), "half a mess");
  client.send("go");
  client.receive_all();
  EXPECT_EQ(client.end(), End::reset);
}

TEST(Upgrade, MegabytesPassBothWaysAtOnce) {
  Edge edge([](Turn& turn) {
    turn.send(kSwitching);
    for (std::string bytes = turn.read_bytes(65'536); !bytes.empty(); bytes = turn.read_bytes(65'536))
      if (!turn.send(bytes)) break;
    turn.close();
  });
  Client client = upgraded(edge);
  std::string bytes(4 << 20, 'a');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  std::thread sender([&] { client.send(bytes); });
  std::string back = client.receive_bytes(bytes.size(), kPatience * 2);
  sender.join();
  EXPECT_TRUE(back == bytes);
}

TEST(Upgrade, ThatIsDeclinedIsAnOrdinaryResponse) {
  Edge edge(ok("no"));
  Client client = edge.client();
  client.send(kHandshake);
  EXPECT_EQ(client.receive().body, "no");
  client.send(get("/next"));
  EXPECT_EQ(client.receive().body, "no");
}

TEST(Upgrade, A101ThatNobodyAskedForIsABadGateway) {
  Edge edge(raw(kSwitching + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  Client client = edge.client();
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 502);
}

TEST(Upgrade, ToAnotherProtocolThanAskedIsABadGateway) {
  Edge edge(raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"));
  Client client = edge.client();
  client.send(kHandshake);
  EXPECT_EQ(client.receive_head().status, 502);
}

TEST(Upgrade, OfAnHttp10ClientIsNotForwarded) {
  Edge edge;
  edge.fetch("GET / HTTP/1.0\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  EXPECT_FALSE(edge.origin.only_request().fields.has("Upgrade"));
}

TEST(Upgrade, ASilentTunnelEndsAfterItsTime) {
  Edge edge(shout, {.timeouts = {{"tunnel_idle", "2s"}}});
  Client client = upgraded(edge);
  client.send("hi");
  EXPECT_EQ(client.receive_bytes(2), "HI");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
}

}  // namespace
}  // namespace weir::testing
