// A request as somebody describes it, on a command line or to the API, seen as a listener would let routing see it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "routing/decide.h"
#include "routing/request_view.h"

namespace weir::http {

/// What is to be imagined.
struct Wish {
  std::string from = "127.0.0.1";  // the peer's address
  std::string listener;            // name; empty: the first
  std::string method = "GET";
  std::vector<std::string> headers;     // `Name: value`
  std::string url;                      // `http://host/path?query`, `host/path` or `/path`
  std::string client_cert_subject;      // of the certificate that the client shows, RFC 4514; empty: none
  std::string client_cert_fingerprint;  // SHA-256 of it, 64 hex digits, colons between them or not
};

/// A part of a wish that cannot be understood.
struct Complaint {
  enum class Part { from, method, url, headers, client_cert_fingerprint } part;
  std::string what;  // a sentence that begins with the part as it was given
};

/// The first complaint; nothing if all of it can be understood.
std::optional<Complaint> complaint_of(const Wish& wish);

/// The listener of this name, or the first for none; null if there is none.
const config::Listener* listener_of(const config::Config& config, const std::string& name);

/// Random bits, for the ways without a key that need them.
routing::Chance throw_dice();

/// Owns the bytes that view() points into. Needs a wish without complaint.
class ImaginedRequest {
 public:
  ImaginedRequest(const Wish& wish, const config::Listener& listener);
  ImaginedRequest(const ImaginedRequest&) = delete;
  ImaginedRequest& operator=(const ImaginedRequest&) = delete;

  /// Valid while this lives.
  const routing::RequestView& view() const { return view_; }
  /// What the listener would take away, and why; for people.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void take_url(const std::string& url);
  void take_headers(const std::vector<std::string>& headers, const config::Listener& listener);
  void take_client(const std::string& from, const config::Listener& listener);

  void take_certificate(const Wish& wish, const config::Listener& listener);

  std::string method_, host_, path_, query_, subject_, fingerprint_;
  std::vector<std::string> header_lines_;
  std::vector<routing::Field> fields_;
  std::vector<std::string> notes_;
  routing::RequestView view_;
};

}  // namespace weir::http
