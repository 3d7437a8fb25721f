// From a request's head to what will be done with it: what the client may say, who it is, which
// service and version, or the fault that ends it here. Synchronous; looks at views only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/exchange/client.h"
#include "proxy/http/framing.h"
#include "proxy/http/head.h"
#include "proxy/http/target.h"
#include "proxy/worker.h"

namespace weir::proxy {

struct Admission {
  http::Target target;
  http::Framing framing;
  http::ConnectionOptions options;
  config::IpAddress client_ip;
  http::Fault fault = http::Fault::none;
  bool readiness = false;          // the listener's ready_path was asked for
  bool last_hop = false;           // an OPTIONS that may go no further (RFC 9110 §7.6.2)
  bool redirect = false;           // the listener sends everybody to https
  bool rating = false;             // a user's, of the version that it is on
  ServiceView* service = nullptr;  // null: none answers for this host and path
  routing::Decision decision;      // valid with a service
};

/// Removes from `head` what this client may not say, then decides.
Admission admit(Worker& worker, const Client& client, View& view, http::RequestHead& head);

/// Lines for the response's head: a minted cookie, …
std::string mint_line(const Client& client, const http::RequestHead& head, const Admission& admission);
/// … what `reveal` shows. Usually empty, both.
std::string revealed_lines(const Client& client, const ServiceView& service, const routing::Decision& decision);
/// The line that sends a client to the same by https; empty where no host is known to go to.
std::string location_line(const Client& client, const http::Target& target);

}  // namespace weir::proxy
