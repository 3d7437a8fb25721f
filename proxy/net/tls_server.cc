#include "proxy/net/tls_server.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <optional>
#include <span>

#include "proxy/net/tls_profile.h"

namespace weir::net {

namespace {

/// RFC 7301: the only protocol that is spoken; who offers none of ours is refused, who offers nothing is not.
int on_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
            unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  const int agreed = SSL_select_next_proto(&found, size, kOurs, sizeof kOurs - 1, offered, offered_size);
  *chosen = found;
  return agreed == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::string date_text(std::chrono::sys_seconds time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

/// Who comes back is not asked for its certificate again: it is while the one that it showed has not expired.
SSL_TICKET_RETURN on_ticket_opened(SSL*, SSL_SESSION* session, const unsigned char*, size_t, SSL_TICKET_STATUS status,
                                   void*) {
  if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const X509* const shown = SSL_SESSION_get0_peer(session);
  if (shown != nullptr && X509_cmp_current_time(X509_get0_notAfter(shown)) < 0) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/// Lower case without a trailing dot, as names in certificates are compared.
std::string_view plain_name(std::string_view name, std::span<char, 256> room) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > room.size()) return {};
  std::ranges::transform(name, room.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return {room.data(), name.size()};
}

}  // namespace

/// Builds a TlsServer step by step, gathering what is wrong.
class TlsServer::Maker {
 public:
  Maker(const config::ListenerTls& tls, const std::string& scope, std::shared_ptr<TicketKeys> keys, Dates dates)
      : tls_(tls), dates_(dates), server_(new TlsServer(std::move(keys))) {
    describe(scope);
  }

  config::Result<Loaded> run() {
    read_certificates();
    read_signers();
    if (!problems_.empty()) return problems_;
    name_certificates();
    if (!problems_.empty()) return problems_;
    return Loaded{std::move(server_), std::move(warnings_)};
  }

 private:
  using Set = std::vector<size_t>;  // indices of certificates, at most one of each kind of key

  void read_certificates() {
    for (const config::Certificate& files : tls_.certificates) {
      auto identity = read_identity(files, problems_);
      if (!identity) continue;
      check_dates(files, *identity);
      server_->terms_.push_back({files.chain, identity->not_after()});
      identities_.push_back(std::move(*identity));
    }
  }

  void check_dates(const config::Certificate& files, const Identity& identity) {
    const auto now = std::chrono::system_clock::now();
    std::string what;
    if (identity.not_after() < now) {
      what = "chain: " + files.chain + " expired at " + date_text(identity.not_after()) + "; renew it";
    } else if (identity.not_before() > now) {
      what = "chain: " + files.chain + " is not valid before " + date_text(identity.not_before()) +
             "; is this machine's clock right?";
    }
    if (!what.empty()) tell(files.where, what);
  }

  /// A list that is over lets nobody in (RFC 5280 §6.3.3); of several the first to end counts.
  void check_revocations() {
    std::optional<std::chrono::sys_seconds> over;
    for (const auto& list : revocations_) {
      const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list.get());
      std::tm parts{};
      if (next == nullptr || ASN1_TIME_to_tm(next, &parts) != 1) continue;
      const std::chrono::sys_seconds time{std::chrono::seconds(timegm(&parts))};
      over = over ? std::min(*over, time) : time;
    }
    if (!over) return;
    server_->terms_.push_back({tls_.client_crl, *over});
    if (*over >= std::chrono::system_clock::now()) return;
    tell(tls_.where, "client_crl: " + tls_.client_crl + " expired at " + date_text(*over) +
                         ", so that no certificate of its signer's holds; fetch the next one");
  }

  /// Where lists are asked for, one who signs needs a list (RFC 5280 §6.3); one above those who sign may be without.
  void miss_revocations() {
    for (const auto& signer : signers_) {
      const X509_NAME* const name = X509_get_subject_name(signer.get());
      const auto of_signer = [&](const auto& list) {
        return X509_NAME_cmp(X509_CRL_get_issuer(list.get()), name) == 0;
      };
      if (std::ranges::any_of(revocations_, of_signer)) continue;
      warnings_.push_back({tls_.where, "client_crl: " + tls_.client_crl + " has no list of " + text_of(name) + " of " +
                                           tls_.client_ca + ", so that no certificate which that one signed holds"});
    }
  }

  void tell(const config::Where& where, const std::string& what) {
    (dates_ == Dates::must_hold ? problems_ : warnings_).push_back({where, what});
  }

  void read_signers() {
    if (tls_.client_ca.empty()) return;
    signers_ = net::read_certificates(tls_.client_ca, "client_ca", tls_.where, problems_);
    if (!tls_.client_crl.empty()) {
      revocations_ = read_revocations(tls_.client_crl, "client_crl", tls_.where, problems_);
      if (!revocations_.empty()) miss_revocations();
    }
    check_revocations();
    for (const auto& signer : signers_) describe(signer.get(), i2d_X509);
    for (const auto& list : revocations_) describe(list.get(), i2d_X509_CRL);
    describe(requires_certificates() ? "required" : "requested");
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
    if (!signers_.empty()) ask_for_certificates(context);
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

  bool requires_certificates() const { return tls_.client_certificate == config::ClientCertificate::require; }

  void ask_for_certificates(SSL_CTX* context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (requires_certificates() ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
    SSL_CTX_set_session_ticket_cb(context, nullptr, on_ticket_opened, nullptr);
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    for (const auto& signer : signers_) {
      X509_STORE_add_cert(store, signer.get());
      SSL_CTX_add_client_CA(context, signer.get());
    }
    for (const auto& list : revocations_) X509_STORE_add_crl(store, list.get());
    if (!revocations_.empty()) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  }

  /// A session is resumed only where the same clients would be let in.
  void describe(const std::string& text) {
    scope_text_ += text + '\n';
    SHA256(reinterpret_cast<const unsigned char*>(scope_text_.data()), scope_text_.size(), scope_.data());
  }
  template <class T, class Write>
  void describe(T* object, Write write) {
    unsigned char* bytes = nullptr;
    const int size = write(object, &bytes);
    if (size > 0) describe(std::string(reinterpret_cast<char*>(bytes), static_cast<size_t>(size)));
    OPENSSL_free(bytes);
  }

  const config::ListenerTls& tls_;
  const Dates dates_;
  std::shared_ptr<TlsServer> server_;
  config::Problems problems_, warnings_;
  std::vector<Identity> identities_;
  std::vector<Owned<X509>> signers_;
  std::vector<Owned<X509_CRL>> revocations_;
  std::map<Set, SSL_CTX*> contexts_;
  std::string scope_text_;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> scope_{};
};

config::Result<TlsServer::Loaded> TlsServer::load(const config::ListenerTls& tls, const std::string& scope,
                                                  std::shared_ptr<TicketKeys> keys, Dates dates) {
  return Maker(tls, scope, std::move(keys), dates).run();
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
