// Records of a client's, sealed by hand: what OpenSSL's own client would never send.
#pragma once

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <cstdint>
#include <string>

namespace weir::net {

inline unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

inline std::string big_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// AES-128-GCM (RFC 5116): what is sealed, and its tag of 16 bytes.
inline std::string sealed(std::string key, std::string nonce, std::string about, std::string plain) {
  std::string tag(16, 0);
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  int size = 0;
  EXPECT_EQ(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), nullptr, bytes_of(key), bytes_of(nonce)), 1);
  EVP_EncryptUpdate(context, nullptr, &size, bytes_of(about), static_cast<int>(about.size()));
  EVP_EncryptUpdate(context, bytes_of(plain), &size, bytes_of(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context, bytes_of(tag), &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag.data());
  EVP_CIPHER_CTX_free(context);
  return plain + tag;
}

/// So many bytes of a function that derives keys.
inline std::string derived(const char* function, const OSSL_PARAM* parameters, size_t size) {
  std::string bytes(size, 0);
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, function, nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  EXPECT_EQ(EVP_KDF_derive(context, bytes_of(bytes), size, parameters), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return bytes;
}

}  // namespace weir::net
