// A stream with TLS whose client is OpenSSL's alone, over a pair of sockets.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proxy/net/stream.h"
#include "proxy/net/tls_server.h"
#include "tests/proxy/net/turning.h"
#include "tests/support/authority.h"
#include "tests/support/files.h"

namespace weir::net {

/// A server's stream and its client, which is OpenSSL's alone, after their handshake.
struct Talk {
  /// `newest`: the version of the protocol that the client goes up to.
  Talk(Loop& loop, const std::shared_ptr<const TlsServer>& server, int newest = TLS1_3_VERSION)
      : waiter(loop), stream(loop) {
    SSL_set_max_proto_version(client.get(), newest);
    SSL_set_app_data(client.get(), this);
    SSL_CTX_set_keylog_callback(context.get(), [](const SSL* ssl, const char* line) {
      static_cast<Talk*>(SSL_get_app_data(ssl))->secrets += std::string(line) + "\n";
    });
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer = ends[1];
    stream.adopt(ends[0]);
    stream.wake_with(&waiter);
    stream.serve_tls(server, "");
    SSL_set_fd(client.get(), peer);
    SSL_set_connect_state(client.get());
    bool met = false, welcomed = false;
    for (int step = 0; step < 20 && !(met && welcomed); ++step) {
      met = met || SSL_do_handshake(client.get()) == 1;
      turn(loop);
      welcomed = welcomed || stream.shake_hands().state == IoState::ok;
    }
    EXPECT_TRUE(met && welcomed);
  }
  ~Talk() { hang_up(); }
  void hang_up() {
    if (peer >= 0) ::close(std::exchange(peer, -1));
  }
  /// What weir sends has little room from here on.
  void narrow() {
    const int least = 1;
    setsockopt(stream.descriptor(), SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
  }
  /// What the client can read now; `end` says how that ended, as SSL_get_error(3).
  std::string heard() {
    std::string all;
    std::array<char, 4096> piece;
    size_t size = 0;
    int result = 0;
    while ((result = SSL_read_ex(client.get(), piece.data(), piece.size(), &size)) == 1) all.append(piece.data(), size);
    end = SSL_get_error(client.get(), result);
    return all;
  }

  Waiter waiter;
  Stream stream;
  Owned<SSL_CTX> context{SSL_CTX_new(TLS_client_method())};
  Owned<SSL> client{SSL_new(context.get())};
  std::string secrets;  // lines of a key log: name, the client's random, the secret in hex
  int peer = -1;
  int end = 0;
};

class TlsTalks : public ::testing::Test {
 protected:
  TlsTalks() {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's client writes without asking
    turn(loop);                     // a loop that has turned has its ring
    EXPECT_TRUE(loop.sends().open()) << "this kernel gives no io_uring: nothing here would be tested";
    config::ListenerTls tls;
    tls.certificates = {{.chain = files.chain, .key = files.key}};
    auto loaded = TlsServer::load(tls, "edge", std::make_shared<TicketKeys>(), Dates::must_hold);
    server = loaded->server;
  }
  std::vector<std::unique_ptr<Talk>> talks(size_t count) {
    std::vector<std::unique_ptr<Talk>> made;
    for (size_t i = 0; i < count; ++i) made.push_back(std::make_unique<Talk>(loop, server));
    return made;
  }

  testing::Directory directory;
  testing::Authority authority{directory.path()};
  testing::CertificateFiles files = authority.issue("edge", {.names = {"shop.example"}});
  std::shared_ptr<const TlsServer> server;
  Loop loop;
};

}  // namespace weir::net
