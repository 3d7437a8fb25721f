// A peer that sends the beginning of a message of TLS' own and leaves it at that (RFC 8446 §5.1): until the rest is
// there OpenSSL neither reads nor writes.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "proxy/net/stream.h"
#include "proxy/net/task.h"
#include "tests/proxy/net/sealer.h"
#include "tests/proxy/net/talk.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

/// What the key log names so, of the one secret of that name.
std::string secret_of(const std::string& log, const std::string& name) {
  const size_t begin = log.find(name + " ") + name.size() + 1 + 64 + 1;  // behind the client's random
  std::string secret;
  for (size_t at = begin; at + 1 < log.size() && log[at] != '\n'; at += 2)
    secret += static_cast<char>(std::stoi(log.substr(at, 2), nullptr, 16));
  return secret;
}

/// RFC 8446 §7.3.
std::string expanded(std::string secret, std::string label, size_t size) {
  std::string digest = "SHA256", prefix = "tls13 ", nothing;
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  const std::array<OSSL_PARAM, 6> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix.data(), prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, label.data(), label.size()),
      OSSL_PARAM_construct_end()};
  return derived("TLS13-KDF", parameters.data(), size);
}

class HalfMessage : public TlsTalks {
 protected:
  HalfMessage() { EXPECT_STREQ(SSL_get_cipher_name(talk.client.get()), "TLS_AES_128_GCM_SHA256"); }

  /// A record of the client's that holds a part of a handshake message (§5.2).
  void send(const std::string& part) {
    constexpr char kHandshake = 22;
    const std::string secret = secret_of(talk.secrets, "CLIENT_TRAFFIC_SECRET_0");
    std::string nonce = expanded(secret, "iv", 12);
    nonce.back() = static_cast<char>(nonce.back() ^ sent_++);
    const std::string plain = part + kHandshake, head = "\x17\x03\x03" + big_endian(plain.size() + 16, 2);
    const std::string record = head + sealed(expanded(secret, "key", 16), nonce, head, plain);
    ASSERT_EQ(::send(talk.peer, record.data(), record.size(), MSG_NOSIGNAL), static_cast<ssize_t>(record.size()));
    turn(loop);
  }

  Talk talk{loop, server};
  char sent_ = 0;
};

const std::string kMostOfAKeyUpdate = std::string("\x18\x00\x00\x01", 4), kItsLastByte(1, '\0');

TEST_F(HalfMessage, OfAClientThatIsAnsweredIsWaitedForInSilence) {
  unsigned wakes = 0;
  bool written = false;
  const auto answer = [](Talk& talk, unsigned& wakes, bool& written) -> Detached {
    std::array<char, 4096> room;
    talk.stream.read(room);
    while (!written) {
      co_await talk.waiter.event();
      ++wakes;
      for (int piece = 0; piece < 10 && !written; ++piece) written = talk.stream.write("answer").size == 6;
    }
  };
  loop.post([&] {
    Detached task = answer(talk, wakes, written);
    task.start();
  });
  send(kMostOfAKeyUpdate);
  for (int i = 0; i < 100; ++i) turn(loop, 1);
  EXPECT_FALSE(written);
  EXPECT_LT(wakes, 10u) << "nothing happens, and it turns";
  send(kItsLastByte);
  EXPECT_TRUE(turn_until(loop, [&] { return written; })) << "it was not woken for the rest";
  EXPECT_EQ(talk.heard(), "answer");
}

TEST_F(HalfMessage, OnAKeptConnectionMakesItUselessForAnother) {
  std::array<char, 4096> room;
  talk.stream.read(room);
  EXPECT_TRUE(talk.stream.quiet());
  EXPECT_FALSE(talk.stream.stirred());
  send(kMostOfAKeyUpdate);
  EXPECT_TRUE(talk.stream.stirred());
  EXPECT_FALSE(talk.stream.quiet());
}

}  // namespace
}  // namespace weir::net
