#include "proxy/net/tls_server.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <span>

#include "proxy/net/pem.h"
#include "proxy/net/tls_profile.h"

namespace weir::net {

namespace {

/// RFC 7301: what is spoken, the preferred first; who offers none of ours is refused, who offers nothing is not.
int on_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
            unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1\x08http/1.0";
  unsigned char* found = nullptr;
  const int agreed = SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, offered_size);
  *chosen = found;
  return agreed == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Lower case without a trailing dot, as names in certificates are compared.
std::string_view plain_name(std::string_view name, std::span<char, 256> room) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > room.size()) return {};
  std::ranges::transform(name, room.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {room.data(), name.size()};
}

/// What a ticket carries: when its client was verified, and until when that holds. One that a client gets who came back
/// with a ticket says the same.
struct Verified {
  int64_t at, until;  // seconds since 1970
};

}  // namespace

/// Builds a TlsServer step by step, gathering what is wrong.
class TlsServer::Maker {
 public:
  Maker(const config::ListenerTls& tls, const std::string& scope, std::shared_ptr<TicketKeys> keys, Dates dates,
        const TlsServer* before)
      : tls_(tls),
        validity_(dates, before ? &before->contents_ : nullptr),
        problems_(validity_.problems),
        server_(new TlsServer(std::move(keys))) {
    describe(scope);
  }

  config::Result<Loaded> run() {
    read_certificates();
    server_->trust_ = ClientTrust(tls_, validity_);
    if (!problems_.empty()) return problems_;
    if (const auto end = server_->trust_.lists_end()) server_->terms_.push_back({tls_.client_crl, *end});
    server_->contents_ = validity_.judged();
    describe_terms();
    name_certificates();
    if (!problems_.empty()) return problems_;
    return Loaded{std::move(server_), std::move(validity_.warnings)};
  }

 private:
  using Set = std::vector<size_t>;  // indices of certificates, at most one of each kind of key

  void read_certificates() {
    for (const config::Certificate& files : tls_.certificates) {
      auto identity = read_identity(files, problems_);
      if (!identity) continue;
      validity_.judge({files.where, "chain: " + files.chain, content_of(identity->certificate.get()),
                       identity->not_before(), identity->not_after(), "; renew it"});
      const auto same = [&](const CertificateTerm& term) { return term.chain == files.chain; };
      if (std::ranges::none_of(server_->terms_, same)) server_->terms_.push_back({files.chain, identity->not_after()});
      identities_.push_back(std::move(*identity));
    }
  }

  void name_certificates() {
    std::map<std::string, Set> by_name;
    for (size_t i = 0; i < identities_.size(); ++i) {
      for (const std::string& name : identities_[i].names()) add(by_name[name], i);
    }
    for (const auto& [name, set] : by_name) {
      const bool wildcard = name.starts_with("*.");
      (wildcard ? server_->wildcard_ : server_->exact_).emplace(wildcard ? name.substr(1) : name, context_of(set));
    }
    const auto names = identities_.front().names();
    server_->fallback_ = context_of(names.empty() ? Set{0} : by_name.at(names.front()));
  }

  /// The first certificate of a kind of key counts.
  void add(Set& set, size_t index) {
    const auto kind = [&](size_t i) { return EVP_PKEY_get_base_id(identities_[i].key.get()); };
    if (std::ranges::none_of(set, [&](size_t other) { return kind(other) == kind(index); })) set.push_back(index);
  }

  SSL_CTX* context_of(const Set& set) {
    auto& context = contexts_[set];
    if (!context) context = make_context(set);
    return context;
  }

  SSL_CTX* make_context(const Set& set) {
    SSL_CTX* const context = server_->contexts_.emplace_back(SSL_CTX_new(TLS_server_method())).get();
    set_modes(context);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    set_min_version(context, tls_.min_version);
    const size_t before = problems_.size();
    set_ciphers(context, tls_.ciphers, tls_.where, problems_);
    set_groups(context, tls_.groups, tls_.where, problems_);
    if (before > 0) problems_.resize(before);  // told once, whatever the number of contexts
    set_sessions(context);
    if (!tls_.alpn.empty()) SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(context, server_.get());
    if (server_->trust_.asks()) ask_for_certificates(context);
    for (const size_t index : set) use(context, index);
    return context;
  }

  void use(SSL_CTX* context, size_t index) {
    const Identity& identity = identities_[index];
    STACK_OF(X509)* const chain = sk_X509_new_null();
    for (const auto& link : identity.chain) sk_X509_push(chain, link.get());
    const bool used = SSL_CTX_use_cert_and_key(context, identity.certificate.get(), identity.key.get(), chain, 1) == 1;
    sk_X509_free(chain);
    if (used) return;
    const config::Certificate& files = tls_.certificates[index];
    problems_.push_back({files.where, "chain: " + files.chain + " cannot be used: " + openssl_complaint()});
  }

  void set_sessions(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(context, scope_.data(), static_cast<unsigned>(scope_.size()));
    server_->keys_->seal_tickets_of(context);
    if (tls_.session_tickets) return;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }

  void ask_for_certificates(SSL_CTX* context) {
    server_->trust_.ask(context);
    SSL_CTX_set_session_ticket_cb(context, on_ticket_made, on_ticket_opened, server_.get());
  }

  /// A session is resumed only where the same clients would be let in, by the same ciphers.
  void describe_terms() {
    describe(fmt::format("{} [{}] [{}]", static_cast<int>(tls_.min_version), fmt::join(tls_.ciphers, ","),
                         fmt::join(tls_.groups, ",")));
    describe(server_->trust_.text());
  }
  void describe(const std::string& text) {
    scope_text_ += text + '\n';
    SHA256(reinterpret_cast<const unsigned char*>(scope_text_.data()), scope_text_.size(), scope_.data());
  }

  const config::ListenerTls& tls_;
  Validity validity_;
  config::Problems& problems_;
  std::shared_ptr<TlsServer> server_;
  std::vector<Identity> identities_;
  std::map<Set, SSL_CTX*> contexts_;
  std::string scope_text_;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> scope_{};
};

config::Result<TlsServer::Loaded> TlsServer::load(const config::ListenerTls& tls, const std::string& scope,
                                                  std::shared_ptr<TicketKeys> keys, Dates dates,
                                                  const TlsServer* before) {
  return Maker(tls, scope, std::move(keys), dates, before).run();
}

int TlsServer::on_ticket_made(SSL* ssl, void* server) {
  SSL_SESSION* const session = SSL_get_session(ssl);
  void* told = nullptr;
  size_t size = 0;
  SSL_SESSION_get0_ticket_appdata(session, &told, &size);
  if (size == sizeof(Verified)) return 1;
  const auto until = static_cast<const TlsServer*>(server)->trust_.holds_until(SSL_get0_verified_chain(ssl));
  const Verified verified{now_in_seconds().time_since_epoch().count(), until.time_since_epoch().count()};
  return SSL_SESSION_set1_ticket_appdata(session, &verified, sizeof verified);
}

/// Who comes back is not asked for its certificate again: while what it was verified by holds, and for as long as a
/// ticket lives, whichever tickets it got meanwhile.
SSL_TICKET_RETURN TlsServer::on_ticket_opened(SSL*, SSL_SESSION* session, const unsigned char*, size_t,
                                              SSL_TICKET_STATUS status, void*) {
  if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT) return SSL_TICKET_RETURN_IGNORE_RENEW;
  void* told = nullptr;
  size_t size = 0;
  SSL_SESSION_get0_ticket_appdata(session, &told, &size);
  Verified verified{};
  if (size == sizeof verified) std::memcpy(&verified, told, sizeof verified);
  const int64_t now = now_in_seconds().time_since_epoch().count();
  const int64_t longest = std::chrono::seconds(TicketKeys::kLifetime).count();
  if (now > verified.until || now - verified.at > longest) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

int TlsServer::on_server_name(SSL* ssl, int*, void* server) {
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* const context = static_cast<const TlsServer*>(server)->find(name);
  if (context == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

/// Null: the first certificate, which the connection has already.
SSL_CTX* TlsServer::find(std::string_view name) const {
  std::array<char, 256> room;
  name = plain_name(name, room);
  if (const auto exact = exact_.find(name); exact != exact_.end()) return exact->second;
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return nullptr;
  const auto wildcard = wildcard_.find(name.substr(dot));
  return wildcard == wildcard_.end() ? nullptr : wildcard->second;
}

}  // namespace weir::net
