#include "proxy/net/validity.h"

#include <openssl/evp.h>

#include <array>
#include <ctime>
#include <optional>

namespace weir::net {

namespace {

template <class T>
std::string digest_of(const T* object, int (*digest)(const T*, const EVP_MD*, unsigned char*, unsigned*)) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  digest(object, EVP_sha256(), bytes.data(), &size);
  return {bytes.begin(), bytes.begin() + size};
}

}  // namespace

std::string content_of(const X509* certificate) { return digest_of(certificate, X509_digest); }
std::string content_of(const X509_CRL* list) { return digest_of(list, X509_CRL_digest); }

std::string date_text(std::chrono::sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

void Validity::judge(const Dated& one) {
  judged_.insert(one.content);
  const auto now = now_in_seconds();
  std::string what;
  std::optional<std::chrono::sys_seconds> passes;
  if (one.to < now) {
    what = one.name + " expired at " + date_text(one.to) + one.when_over;
  } else if (one.from > now) {
    what = one.name + " is not valid before " + date_text(one.from) + "; is this machine's clock right?";
    passes = one.from;
  }
  if (what.empty()) return;
  const bool stands = in_force_ != nullptr && in_force_->contains(one.content);
  (dates_ == Dates::must_hold && !stands ? problems : warnings).push_back({one.where, what, passes});
}

}  // namespace weir::net
