#include "tests/support/tls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>

#include "tests/support/authority.h"
#include "tests/support/files.h"
#include "tests/support/socket.h"
#include "tests/support/tls_addresses.h"

namespace weir::testing {

struct TlsSide::Body {
  int descriptor = -1;
  std::mutex mutex;  // a test may read and write at once; what OpenSSL does for one of them changes the other's way
  std::shared_ptr<SSL_CTX> context;
  std::shared_ptr<SSL> ssl;
};

namespace {

std::string complaint_of_openssl() {
  std::string all;
  while (const auto error = ERR_get_error())
    all += std::string(all.empty() ? "" : "; ") + ERR_reason_error_string(error);
  return all;
}

void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + complaint_of_openssl());
}

std::shared_ptr<SSL_CTX> context_of(const SSL_METHOD* method, const TlsOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (options.max_version == "1.2") SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  if (!options.ciphers.empty()) require(SSL_CTX_set_cipher_list(context.get(), options.ciphers.c_str()), "ciphers");
  if (!options.chain.empty()) {
    require(SSL_CTX_use_certificate_chain_file(context.get(), options.chain.c_str()), options.chain);
    require(SSL_CTX_use_PrivateKey_file(context.get(), options.key.c_str(), SSL_FILETYPE_PEM), options.key);
  }
  if (!options.ca.empty()) {
    require(SSL_CTX_load_verify_locations(context.get(), options.ca.c_str(), nullptr), options.ca);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

/// One for each certificate, so that its tickets hold from connection to connection.
std::shared_ptr<SSL_CTX> server_context(const TlsOptions& options) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<SSL_CTX>> known;
  const std::lock_guard lock(mutex);
  auto& context = known[options.chain + options.ca];
  if (context) return context;
  context = context_of(TLS_server_method(), options);
  SSL_CTX_set_session_id_context(context.get(), reinterpret_cast<const unsigned char*>("origin"), 6);
  return context;
}

void offer(SSL* ssl, const std::string& protocols) {
  std::string list;
  for (size_t at = 0; at < protocols.size();) {
    const size_t end = std::min(protocols.find(',', at), protocols.size());
    list += static_cast<char>(end - at);
    list += protocols.substr(at, end - at);
    at = end + 1;
  }
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()), static_cast<unsigned>(list.size()));
}

}  // namespace

TlsSide::TlsSide(std::unique_ptr<Body> body) : body_(std::move(body)) {
  const int descriptor = body_->descriptor;
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  SSL_set_fd(body_->ssl.get(), descriptor);
}

TlsSide::~TlsSide() = default;

std::unique_ptr<TlsSide> TlsSide::client(int descriptor, const TlsOptions& options) {
  auto body = std::make_unique<Body>();
  body->descriptor = descriptor;
  body->context = context_of(TLS_client_method(), options);
  body->ssl.reset(SSL_new(body->context.get()), SSL_free);
  if (!options.server_name.empty()) SSL_set_tlsext_host_name(body->ssl.get(), options.server_name.c_str());
  if (!options.protocols.empty()) offer(body->ssl.get(), options.protocols);
  if (options.session) SSL_set_session(body->ssl.get(), options.session.get());
  SSL_set_connect_state(body->ssl.get());
  return std::unique_ptr<TlsSide>(new TlsSide(std::move(body)));
}

std::unique_ptr<TlsSide> TlsSide::server(int descriptor, const TlsOptions& options) {
  auto body = std::make_unique<Body>();
  body->descriptor = descriptor;
  body->context = server_context(options);
  body->ssl.reset(SSL_new(body->context.get()), SSL_free);
  SSL_set_accept_state(body->ssl.get());
  return std::unique_ptr<TlsSide>(new TlsSide(std::move(body)));
}

TlsStep TlsSide::step(int result) {
  const int kind = SSL_get_error(body_->ssl.get(), result);
  switch (kind) {
    case SSL_ERROR_WANT_READ:
      return TlsStep::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return TlsStep::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return TlsStep::end;
    default:
      complaint_ = complaint_of_openssl();
      return TlsStep::broken;
  }
}

bool TlsSide::shake_hands(Deadline deadline) {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(body_->ssl.get());
    if (result == 1) return true;
    const TlsStep how = step(result);
    if (how != TlsStep::wants_read && how != TlsStep::wants_write) return false;
    pollfd entry{body_->descriptor, static_cast<short>(how == TlsStep::wants_read ? POLLIN : POLLOUT), 0};
    if (::poll(&entry, 1, milliseconds_left(deadline)) <= 0) {
      complaint_ = "time is up";
      return false;
    }
  }
}

TlsStep TlsSide::read(char* into, size_t room, size_t& size) {
  const std::lock_guard lock(body_->mutex);
  ERR_clear_error();
  const int result = SSL_read_ex(body_->ssl.get(), into, room, &size);
  return result == 1 ? TlsStep::done : step(result);
}

TlsStep TlsSide::write(std::string_view bytes, size_t& size) {
  const std::lock_guard lock(body_->mutex);
  ERR_clear_error();
  const int result = SSL_write_ex(body_->ssl.get(), bytes.data(), bytes.size(), &size);
  return result == 1 ? TlsStep::done : step(result);
}

void TlsSide::finish() {
  const std::lock_guard lock(body_->mutex);
  SSL_shutdown(body_->ssl.get());
  ERR_clear_error();
}

std::string TlsSide::version() const { return SSL_get_version(body_->ssl.get()); }
std::string TlsSide::cipher() const { return SSL_get_cipher_name(body_->ssl.get()); }
bool TlsSide::resumed() const { return SSL_session_reused(body_->ssl.get()) == 1; }

std::string TlsSide::protocol() const {
  const unsigned char* bytes = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(body_->ssl.get(), &bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string TlsSide::peer_subject() const {
  X509* const certificate = SSL_get0_peer_certificate(body_->ssl.get());
  char name[256] = {};
  if (certificate != nullptr)
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

int TlsSide::peer_chain() const { return sk_X509_num(SSL_get_peer_cert_chain(body_->ssl.get())); }
std::string TlsSide::group() const { return OBJ_nid2sn(SSL_get_negotiated_group(body_->ssl.get())); }

std::string TlsSide::peer_key() const {
  X509* const certificate = SSL_get0_peer_certificate(body_->ssl.get());
  return certificate == nullptr ? "" : EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate));
}

std::shared_ptr<ssl_session_st> TlsSide::session() const {
  return {SSL_get1_session(body_->ssl.get()), SSL_SESSION_free};
}

namespace {

/// The certificate of every listener when everything goes over TLS.
struct House {
  Directory directory;
  Authority authority{directory.path()};
  CertificateFiles files = authority.issue("edge", {.names = {"shop.example", "*.shop.example", "localhost"}});
};

House& house() {
  static House one;
  return one;
}

std::mutex mutex;
std::map<std::string, TlsOptions>& addresses() {
  static std::map<std::string, TlsOptions> all;
  return all;
}

/// For weirs to come.
std::map<std::string, TlsOptions>& chosen() {
  static std::map<std::string, TlsOptions> all;
  return all;
}

}  // namespace

bool everything_over_tls() {
  const char* const asked = std::getenv("WEIR_E2E_TLS");
  return asked != nullptr && *asked == '1';
}

std::string listener_tls_line() {
  return fmt::format("tls: {{ certificates: [{{ chain: {}, key: {} }}] }}", house().files.chain, house().files.key);
}

void note_tls_address(const std::string& address) {
  note_tls_address(address, {.ca = house().authority.ca(), .server_name = "shop.example"});
}

void note_tls_address(const std::string& address, TlsOptions options) {
  const std::lock_guard lock(mutex);
  addresses()[address] = std::move(options);
}

void forget_tls_address(const std::string& address) {
  const std::lock_guard lock(mutex);
  addresses().erase(address);
}

std::string chosen_tls_address(TlsOptions options) {
  const std::string host = own_loopback();
  const std::string address = fmt::format("{}:{}", host, free_port(host));
  const std::lock_guard lock(mutex);
  chosen()[address] = std::move(options);
  return address;
}

void note_chosen_tls_address(const std::string& address) {
  const std::lock_guard lock(mutex);
  if (const auto found = chosen().find(address); found != chosen().end()) addresses()[address] = found->second;
}

std::optional<TlsOptions> tls_of(const std::string& address) {
  const std::lock_guard lock(mutex);
  const auto found = addresses().find(address);
  return found == addresses().end() ? std::nullopt : std::optional(found->second);
}

}  // namespace weir::testing
