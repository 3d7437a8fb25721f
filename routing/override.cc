#include "routing/override.h"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>

namespace weir::routing {
namespace {

constexpr size_t kShortestSecret = 16, kLongestSecret = 4096;
constexpr size_t kLongestToken = 256;  // two names of 64, a time, a signature

using Mac = std::array<char, 64>;

Mac mac_of(std::string_view secret, std::string_view said) {
  constexpr std::string_view kPurpose = "weir-override-1:";
  std::array<unsigned char, kPurpose.size() + kLongestToken> message;
  std::memcpy(message.data(), kPurpose.data(), kPurpose.size());
  std::memcpy(message.data() + kPurpose.size(), said.data(), said.size());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), message.data(), kPurpose.size() + said.size(),
       digest.data(), nullptr);
  constexpr char kDigits[] = "0123456789abcdef";
  Mac hex;
  for (size_t i = 0; i < hex.size(); ++i) hex[i] = kDigits[digest[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
  return hex;
}

/// Cuts the part before the next colon off `rest`.
std::string_view next_part(std::string_view& rest) {
  const size_t colon = rest.find(':');
  const std::string_view part = rest.substr(0, colon);
  rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  return part;
}

std::optional<std::chrono::sys_seconds> read_time(std::string_view text) {
  constexpr int64_t kLast = 253'402'300'799;  // the end of the year 9999
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 0 || seconds > kLast) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

std::optional<uint32_t> version_index(const ServicePlan& service, std::string_view name) {
  for (uint32_t i = 0; i < service.versions.size(); ++i) {
    if (service.versions[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace

std::string sign_override(std::string_view secret, std::string_view service, std::string_view version,
                          std::chrono::sys_seconds until) {
  const std::string said = fmt::format("{}:{}:{}", service, version, until.time_since_epoch().count());
  if (said.size() + 1 + std::tuple_size_v < Mac >> kLongestToken) return {};
  const Mac mac = mac_of(secret, said);
  return fmt::format("{}:{}", said, std::string_view(mac.data(), mac.size()));
}

config::Result<std::string> read_override_secret(const std::string& path, const config::Where& where) {
  const auto wrong = [&](const std::string& what) {
    return config::Problems{{where, "override.secret_file " + path + ": " + what}};
  };
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return wrong(std::strerror(errno));
  std::string secret(kLongestSecret + 1, '\0');
  file.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  if (file.bad()) return wrong("cannot be read");
  secret.resize(static_cast<size_t>(file.gcount()));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  if (secret.size() > kLongestSecret) return wrong(fmt::format("is too long (over {} bytes)", kLongestSecret));
  if (secret.size() < kShortestSecret) {
    return wrong(fmt::format("holds {} bytes; it takes at least {}: make one with `openssl rand -hex 32`",
                             secret.size(), kShortestSecret));
  }
  return secret;
}

ReadToken read_token(const ServicePlan& service, std::string_view token, std::chrono::sys_seconds now) {
  if (token.size() > kLongestToken) return {TokenIs::malformed};
  std::string_view rest = token;
  const std::string_view for_service = next_part(rest);
  const std::string_view for_version = next_part(rest);
  const auto until = read_time(next_part(rest));
  if (!until || rest.size() != std::tuple_size_v<Mac>) return {TokenIs::malformed};
  if (for_service != service.name) return {TokenIs::for_another_service};
  const auto version = version_index(service, for_version);
  if (!version) return {TokenIs::of_no_version};
  if (now >= *until) return {TokenIs::expired, 0, *until};
  const Mac mac = mac_of(*service.override_secret, token.substr(0, token.size() - rest.size() - 1));
  if (CRYPTO_memcmp(mac.data(), rest.data(), mac.size()) != 0) return {TokenIs::forged};
  if (service.closed && *version == service.candidate) return {TokenIs::for_the_closed, 0, *until};
  return {TokenIs::good, *version, *until};
}

Override find_override(const ServicePlan& service, const Reading& reading) {
  if (service.override_secret == nullptr) return {};
  const RequestView& request = reading.request();
  Override by_field;
  if (!request.override_token.empty()) {
    by_field = {read_token(service, request.override_token, request.now), kOverrideField};
    if (by_field.token.is == TokenIs::good) return by_field;
  }
  const Reading::Found* cookie = reading.first(service.override_cookie);
  if (cookie == nullptr || cookie->value.empty()) return by_field;
  const Override by_cookie{read_token(service, cookie->value, request.now), kOverrideCookie};
  return by_field.from.empty() || by_cookie.token.is == TokenIs::good ? by_cookie : by_field;
}

}  // namespace weir::routing
