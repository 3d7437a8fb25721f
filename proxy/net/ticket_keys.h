// The keys that session tickets are sealed with (RFC 5077 §4, RFC 8446 §4.6.1): one set for all workers, in memory
// alone, changed every few hours, so that a key found later opens no recording from before.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <mutex>
#include <optional>

namespace weir::net {

/// Any thread. Outlives every context that uses it.
class TicketKeys {
 public:
  static constexpr std::chrono::hours kLifetime{8};  // of a ticket, and of a key as the one that seals

  TicketKeys();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// Makes a context's tickets with these keys.
  void seal_tickets_of(SSL_CTX* context);

 private:
  struct Key {
    std::array<unsigned char, 16> name;
    std::array<unsigned char, 32> cipher, mac;
  };
  static Key fresh_key();
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                       int seals);
  Key current();
  std::optional<Key> find(const unsigned char* name, bool& is_current);
  void change_when_due();

  std::mutex mutex_;
  Key current_, previous_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace weir::net
