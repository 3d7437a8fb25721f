#include "proxy/net/client_trust.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "proxy/net/pem.h"

namespace weir::net {

namespace {

/// Where lists are asked for, who signed a client's certificate needs one (RFC 5280 §6.3). Those above may be without,
/// or have one that is not about signers; what they do have of those is gone by.
int on_link_verified(int holds, X509_STORE_CTX* chain) {
  const int error = X509_STORE_CTX_get_error(chain);
  const bool no_list = error == X509_V_ERR_UNABLE_TO_GET_CRL || error == X509_V_ERR_DIFFERENT_CRL_SCOPE;
  if (holds == 1 || !no_list || X509_STORE_CTX_get_error_depth(chain) == 0) return holds;
  X509_STORE_CTX_set_error(chain, X509_V_OK);
  return 1;
}

std::string der_of(const X509_NAME* name) {
  const unsigned char* bytes = nullptr;
  size_t size = 0;
  X509_NAME_get0_der(name, &bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

bool is_of(const X509_CRL* list, const X509* signer) {
  return X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(signer)) == 0;
}

std::chrono::sys_seconds end_of(const X509_CRL* list) {
  const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list);
  return next == nullptr ? std::chrono::sys_seconds::max() : time_of(next);
}

bool holds_now(const X509_CRL* list) {
  const auto now = now_in_seconds();
  return time_of(X509_CRL_get0_lastUpdate(list)) <= now && now <= end_of(list);
}

/// Another one of the same signer's holds, and is gone by.
bool is_replaced(const X509_CRL* list, const std::vector<Owned<X509_CRL>>& lists) {
  return !holds_now(list) && std::ranges::any_of(lists, [&](const auto& other) {
    return X509_NAME_cmp(X509_CRL_get_issuer(other.get()), X509_CRL_get_issuer(list)) == 0 && holds_now(other.get());
  });
}

}  // namespace

ClientTrust::ClientTrust(const config::ListenerTls& tls, Validity& validity)
    : requires_(tls.client_certificate == config::ClientCertificate::require) {
  if (tls.client_ca.empty()) return;
  read_signers(tls, validity);
  if (!tls.client_crl.empty()) read_lists(tls, validity);
}

/// What is wrong with one is told and no more: of several the others' clients are let in.
void ClientTrust::read_signers(const config::ListenerTls& tls, Validity& validity) {
  signers_ = read_certificates(tls.client_ca, "client_ca", tls.where, validity.problems);
  for (const auto& signer : signers_) {
    known_.insert(content_of(signer.get()));
    const std::string name = "client_ca: " + tls.client_ca + ": " + text_of(X509_get_subject_name(signer.get()));
    const auto over = time_of(X509_get0_notAfter(signer.get()));
    if (over < now_in_seconds()) {
      validity.warnings.push_back(
          {tls.where, name + " expired at " + date_text(over) + ", so that no certificate which it signed holds"});
    }
    if (X509_check_ca(signer.get()) == 0) {
      validity.warnings.push_back({tls.where, name + " may sign no certificates: it lets in nobody but itself"});
    }
  }
}

void ClientTrust::read_lists(const config::ListenerTls& tls, Validity& validity) {
  const std::string name = "client_crl: " + tls.client_crl;
  lists_ = read_revocations(tls.client_crl, "client_crl", tls.where, validity.problems);
  for (const auto& list : lists_) {
    if (is_replaced(list.get(), lists_)) continue;
    const std::string issuer = der_of(X509_CRL_get_issuer(list.get()));
    listed_.insert(issuer);
    const STACK_OF(X509_REVOKED)* const entries = X509_CRL_get_REVOKED(list.get());
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
      const ASN1_INTEGER* const number = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
      revoked_.insert(issuer + std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(number)),
                                           static_cast<size_t>(ASN1_STRING_length(number))));
    }
    list_ends_.push_back(end_of(list.get()));
    validity.judge({tls.where, name, content_of(list.get()), time_of(X509_CRL_get0_lastUpdate(list.get())),
                    end_of(list.get()), ", so that no certificate of its signer's holds; fetch the next one"});
    verify_list(list.get(), name, tls.where, validity);
  }
  if (!lists_.empty()) miss_lists(tls, validity);
}

std::string ClientTrust::text() const {
  if (!asks()) return {};
  std::string text = requires_ ? "required" : "requested";
  for (const auto* all : {&known_, &listed_, &revoked_}) {
    text += '\n';
    for (const std::string& one : *all) text += one;
  }
  return text;
}

bool ClientTrust::takes_away_from(const ClientTrust& before) const {
  if (!asks()) return false;
  const bool newly_required = requires_ && !(before.asks() && before.requires_);
  const bool newly_listed = !lists_.empty() && before.lists_.empty();
  return newly_required || newly_listed || !std::ranges::includes(known_, before.known_) ||
         (!lists_.empty() && !std::ranges::includes(listed_, before.listed_)) ||
         !std::ranges::includes(before.revoked_, revoked_);
}

std::chrono::sys_seconds ClientTrust::holds_until(const STACK_OF(X509) * chain) const {
  auto until = std::chrono::sys_seconds::max();
  if (chain == nullptr) return until;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    until = std::min(until, time_of(X509_get0_notAfter(sk_X509_value(chain, i))));
  }
  // One that is over already has let this one in, so that it is not about it.
  const auto now = now_in_seconds();
  for (const auto end : list_ends_) {
    if (end >= now) until = std::min(until, end);
  }
  return until;
}

std::optional<std::chrono::sys_seconds> ClientTrust::lists_end() const {
  const auto first = std::ranges::min_element(list_ends_);
  const bool ends = first != list_ends_.end() && *first != std::chrono::sys_seconds::max();
  return ends ? std::optional(*first) : std::nullopt;
}

/// One that its signer has not signed would let nobody in.
void ClientTrust::verify_list(const X509_CRL* list, const std::string& name, const config::Where& where,
                              Validity& validity) const {
  bool known = false, verified = false;
  for (const auto& signer : signers_) {
    if (!is_of(list, signer.get())) continue;
    known = true;
    verified = verified || X509_CRL_verify(const_cast<X509_CRL*>(list), X509_get0_pubkey(signer.get())) == 1;
  }
  ERR_clear_error();
  if (!known || verified) return;
  validity.problems.push_back(
      {where,
       name + ": the list of " + text_of(X509_CRL_get_issuer(list)) +
           " is not signed by the one of that name in client_ca; fetch the list anew, or its signer's certificate"});
}

/// Of those who may sign clients' certificates.
void ClientTrust::miss_lists(const config::ListenerTls& tls, Validity& validity) const {
  for (const auto& signer : signers_) {
    if (std::ranges::any_of(lists_, [&](const auto& list) { return is_of(list.get(), signer.get()); })) continue;
    validity.warnings.push_back({tls.where, "client_crl: " + tls.client_crl + " has no list of " +
                                                text_of(X509_get_subject_name(signer.get())) + " of " + tls.client_ca +
                                                ", so that no certificate which that one signed holds"});
  }
}

void ClientTrust::ask(SSL_CTX* context) const {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (requires_ ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), on_link_verified);
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& signer : signers_) {
    X509_STORE_add_cert(store, signer.get());
    SSL_CTX_add_client_CA(context, signer.get());
  }
  for (const auto& list : lists_) X509_STORE_add_crl(store, list.get());
  if (!lists_.empty()) X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

}  // namespace weir::net
