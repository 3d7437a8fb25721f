#include "tests/support/authority.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>
#include <utility>

namespace weir::testing {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

Key make_key(KeyKind kind) {
  EVP_PKEY* const key = kind == KeyKind::rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
  if (key == nullptr) throw std::runtime_error("no key");
  return Key(key, EVP_PKEY_free);
}

void add_extension(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
  if (extension == nullptr) throw std::runtime_error("bad extension: " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

void set_serial(X509* certificate) {
  unsigned char bytes[15];
  RAND_bytes(bytes, sizeof bytes);
  bytes[0] &= 0x7f;
  BIGNUM* const number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
}

Certificate begin_certificate(const std::string& subject, EVP_PKEY* key, long from_seconds, int to_days) {
  Certificate made(X509_new(), X509_free);
  X509_set_version(made.get(), 2);
  set_serial(made.get());
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from_seconds);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 86'400L * to_days);
  X509_set_pubkey(made.get(), key);
  X509_NAME* const name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Shop"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1,
                             0);
  return made;
}

template <class Write>
void write_pem(const std::string& path, Write write) {
  std::FILE* const file = std::fopen(path.c_str(), "w");
  if (file == nullptr) throw std::runtime_error("cannot write " + path);
  write(file);
  std::fclose(file);
}

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

Certificate read_certificate(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  if (file == nullptr) throw std::runtime_error("cannot read " + path);
  Certificate found(PEM_read_X509(file, nullptr, nullptr, nullptr), X509_free);
  std::fclose(file);
  return found;
}

}  // namespace

struct Authority::Signer {
  Key key = make_key(KeyKind::ecdsa);
  Certificate certificate;
};

Authority::Authority(std::string directory, const std::string& name) : Authority(std::move(directory), name, nullptr) {}

Authority::Authority(std::string directory, const std::string& name, const Authority& above)
    : Authority(std::move(directory), name, above.signer_.get()) {}

Authority::Authority(std::string directory, const std::string& name, const Signer* above)
    : directory_(std::move(directory)),
      ca_(directory_ + "/" + name + ".pem"),
      is_root_(above == nullptr),
      signer_(std::make_unique<Signer>()) {
  signer_->certificate = begin_certificate(name, signer_->key.get(), -2 * 86'400L, 365);
  X509* const own = signer_->certificate.get();
  X509* const issuer = is_root_ ? own : above->certificate.get();
  X509_set_issuer_name(own, X509_get_subject_name(issuer));
  add_extension(own, issuer, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
  X509_sign(own, (is_root_ ? *signer_ : *above).key.get(), EVP_sha256());
  write_pem(ca_, [&](std::FILE* file) { PEM_write_X509(file, own); });
}

Authority::~Authority() = default;

CertificateFiles Authority::issue(const std::string& file, const CertificateWish& wish) {
  const Key key = make_key(wish.key);
  const std::string subject = wish.subject.empty() ? wish.names.at(0) : wish.subject;
  const Certificate made =
      begin_certificate(subject, key.get(), 86'400L * wish.from_days + wish.from_seconds, wish.to_days);
  X509* const issuer = signer_->certificate.get();
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
  std::string names;
  for (const std::string& name : wish.names) {
    names += (names.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  }
  if (!names.empty()) add_extension(made.get(), issuer, NID_subject_alt_name, names);
  add_extension(made.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  X509_sign(made.get(), signer_->key.get(), EVP_sha256());
  const CertificateFiles files{directory_ + "/" + file + ".pem", directory_ + "/" + file + ".key"};
  write_pem(files.chain, [&](std::FILE* to) {
    PEM_write_X509(to, made.get());
    if (!is_root_) PEM_write_X509(to, issuer);
  });
  const EVP_CIPHER* const cipher = wish.passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  write_pem(files.key, [&](std::FILE* to) {
    PEM_write_PKCS8PrivateKey(to, key.get(), cipher, wish.passphrase.c_str(), static_cast<int>(wish.passphrase.size()),
                              nullptr, nullptr);
  });
  return files;
}

std::string Authority::revoke(const std::string& file, const std::vector<std::string>& chains, int to_days,
                              int from_seconds) {
  const std::shared_ptr<X509_CRL> list(X509_CRL_new(), X509_CRL_free);
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(signer_->certificate.get()));
  ASN1_TIME* const time = X509_gmtime_adj(nullptr, from_seconds);
  X509_CRL_set1_lastUpdate(list.get(), time);
  for (const std::string& chain : chains) {
    X509_REVOKED* const revoked = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(revoked, X509_get_serialNumber(read_certificate(chain).get()));
    X509_REVOKED_set_revocationDate(revoked, time);
    X509_CRL_add0_revoked(list.get(), revoked);
  }
  X509_gmtime_adj(time, 86'400L * to_days);
  if (to_days != 0) X509_CRL_set1_nextUpdate(list.get(), time);
  ASN1_TIME_free(time);
  X509_CRL_sort(list.get());
  X509_CRL_sign(list.get(), signer_->key.get(), EVP_sha256());
  const std::string path = directory_ + "/" + file;
  write_pem(path, [&](std::FILE* to) { PEM_write_X509_CRL(to, list.get()); });
  return path;
}

std::string fingerprint_of(const std::string& chain) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(read_certificate(chain).get(), EVP_sha256(), digest, &size);
  std::string text;
  char two[3];
  for (unsigned i = 0; i < size; ++i) {
    std::snprintf(two, sizeof two, "%02x", digest[i]);
    text += two;
  }
  return text;
}

}  // namespace weir::testing
