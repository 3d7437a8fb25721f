#include "proxy/net/ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <stdexcept>

namespace weir::net {

namespace {

/// Where a context finds its keys.
int keys_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

const EVP_CIPHER* ticket_cipher() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool prepare_mac(EVP_MAC_CTX* mac, std::array<unsigned char, 32>& key) {
  char digest[] = "sha256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end(),
  };
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

}  // namespace

TicketKeys::TicketKeys() : current_(fresh_key()), previous_(fresh_key()), since_(std::chrono::steady_clock::now()) {}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(&current_, sizeof current_);
  OPENSSL_cleanse(&previous_, sizeof previous_);
}

TicketKeys::Key TicketKeys::fresh_key() {
  Key key;
  const bool drawn = RAND_bytes(key.name.data(), key.name.size()) == 1 &&
                     RAND_priv_bytes(key.cipher.data(), key.cipher.size()) == 1 &&
                     RAND_priv_bytes(key.mac.data(), key.mac.size()) == 1;
  if (!drawn) throw std::runtime_error("no random bytes for the keys of session tickets");
  return key;
}

void TicketKeys::seal_tickets_of(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, keys_index(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_timeout(context, std::chrono::seconds(kLifetime).count());
}

/// The key before the last one is gone for good.
void TicketKeys::change_when_due() {
  const auto now = std::chrono::steady_clock::now();
  while (now - since_ >= kLifetime) {
    previous_ = current_;
    current_ = fresh_key();
    since_ += kLifetime;
  }
}

TicketKeys::Key TicketKeys::current() {
  const std::lock_guard lock(mutex_);
  change_when_due();
  return current_;
}

std::optional<TicketKeys::Key> TicketKeys::find(const unsigned char* name, bool& is_current) {
  const std::lock_guard lock(mutex_);
  change_when_due();
  const auto is = [&](const Key& key) { return std::equal(key.name.begin(), key.name.end(), name); };
  is_current = is(current_);
  if (is_current) return current_;
  return is(previous_) ? std::optional(previous_) : std::nullopt;
}

/// SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 is done, 0 a key that is not known, 2 known but to be renewed.
int TicketKeys::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                          int seals) {
  auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index()));
  if (seals != 0) {
    Key key = keys.current();
    std::ranges::copy(key.name, name);
    const bool ready = RAND_bytes(iv, EVP_CIPHER_get_iv_length(ticket_cipher())) == 1 &&
                       EVP_EncryptInit_ex(cipher, ticket_cipher(), nullptr, key.cipher.data(), iv) == 1 &&
                       prepare_mac(mac, key.mac);
    OPENSSL_cleanse(&key, sizeof key);
    return ready ? 1 : -1;
  }
  bool is_current = false;
  auto key = keys.find(name, is_current);
  if (!key) return 0;
  const bool ready =
      EVP_DecryptInit_ex(cipher, ticket_cipher(), nullptr, key->cipher.data(), iv) == 1 && prepare_mac(mac, key->mac);
  OPENSSL_cleanse(&*key, sizeof *key);
  if (!ready) return -1;
  return is_current ? 1 : 2;
}

}  // namespace weir::net
