// A client of TLS 1.2 that asks for a new handshake again and again on its connection. OpenSSL's own client gives up
// at the first refusal, so that the records are sealed here.
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>

#include "proxy/net/stream.h"
#include "tests/proxy/net/sealer.h"
#include "tests/proxy/net/talk.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

/// The client's side of a connection that OpenSSL shook hands on: AES-128-GCM's records (RFC 5288 §3), their keys from
/// the session's secret (RFC 5246 §6.3). Nothing was written on it but its Finished.
class Sealer {
 public:
  explicit Sealer(const SSL* client) {
    std::string secret(48, 0), randoms(64, 0);
    SSL_SESSION_get_master_key(SSL_get_session(client), bytes_of(secret), secret.size());
    SSL_get_server_random(client, bytes_of(randoms), 32);
    SSL_get_client_random(client, bytes_of(randoms) + 32, 32);
    std::string label = "key expansion", digest = "SHA256";
    const std::array<OSSL_PARAM, 5> parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label.data(), label.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, randoms.data(), randoms.size()),
        OSSL_PARAM_construct_end()};
    const std::string block = derived("TLS1-PRF", parameters.data(), 40);
    key_ = block.substr(0, 16);
    salt_ = block.substr(32, 4);
  }

  std::string seal(char kind, const std::string& plain) {
    const std::string sequence = big_endian(sequence_++, 8), type = std::string(1, kind) + "\x03\x03";
    const std::string about = sequence + type + big_endian(plain.size(), 2);
    const std::string body = sequence + sealed(key_, salt_ + sequence, about, plain);
    return type + big_endian(body.size(), 2) + body;
  }

 private:
  std::string key_, salt_;
  uint64_t sequence_ = 1;  // Finished was the first
};

constexpr char kHandshake = 22, kData = 23;

/// What begins a handshake (RFC 5246 §7.4.1.2); nobody is to read on behind its first byte.
std::string hello() {
  const std::string body =
      "\x03\x03" + std::string(32, 'r') + std::string(1, 0) + std::string("\x00\x02\xc0\x2b\x01\x00", 6);
  return "\x01" + big_endian(body.size(), 3) + body;
}

class Renegotiation : public TlsTalks {
 protected:
  Renegotiation() { EXPECT_STREQ(SSL_get_cipher_name(talk.client.get()), "ECDHE-ECDSA-AES128-GCM-SHA256"); }
  void send(const std::string& bytes) {
    ASSERT_EQ(::send(talk.peer, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    turn(loop);
  }

  Talk talk{loop, server, TLS1_2_VERSION};
  Sealer sealer{talk.client.get()};
};

TEST_F(Renegotiation, IsNotBegunAndTheConnectionGoesOn) {
  std::string records = sealer.seal(kData, "one");
  records += sealer.seal(kHandshake, hello());
  records += sealer.seal(kData, "two");
  send(records);
  std::array<char, 64> room;
  Io io = talk.stream.read(room);
  ASSERT_EQ(io.state, IoState::ok);
  EXPECT_EQ(std::string(room.data(), io.size), "onetwo");
  SSL_set_msg_callback(talk.client.get(),
                       [](int ours, int, int kind, const void* bytes, size_t size, SSL*, void* told) {
                         if (ours == 0 && kind == SSL3_RT_ALERT)
                           static_cast<std::string*>(told)->append(static_cast<const char*>(bytes), size);
                       });
  std::string told;
  SSL_set_msg_callback_arg(talk.client.get(), &told);
  talk.heard();
  EXPECT_EQ(told, "\x01\x64") << "a warning: no_renegotiation (RFC 5246 §7.2.2)";
}

TEST_F(Renegotiation, AskedForWithoutEndLetsTheOthersHaveTheirTurns) {
  std::string flood;
  while (flood.size() < 150'000) flood += sealer.seal(kHandshake, hello());
  flood += sealer.seal(kData, "at last");
  send(flood);
  std::array<char, 4096> room;
  EXPECT_EQ(talk.stream.read(room).state, IoState::again);
  int left = 0;
  ioctl(talk.stream.descriptor(), FIONREAD, &left);
  EXPECT_GT(left, 0) << "all of it was gone through in one turn";
  Io io;
  for (int turns = 0; turns < 1000 && io.size == 0 && io.state != IoState::error; ++turns) {
    turn(loop, 1);
    io = talk.stream.read(room);
  }
  ASSERT_EQ(io.state, IoState::ok);
  EXPECT_EQ(std::string(room.data(), io.size), "at last");
}

}  // namespace
}  // namespace weir::net
