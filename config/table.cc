#include "config/table.h"

#include "config/forms.h"
#include "config/object.h"

namespace weir::config {

namespace {

/// One of trusted_proxies: a block of addresses, or the word for whoever reaches a unix socket.
struct TrustedPeer {
  std::optional<Cidr> block;  // absent: unix
  friend bool operator==(const TrustedPeer&, const TrustedPeer&) = default;
};

Type<std::vector<TrustedPeer>> trusted_peers() {
  const Type<Cidr> block = cidr();
  Type<TrustedPeer> of_block{block.shape, {}, {}};
  of_block.read = [block](const Node& node, TrustedPeer& into, const Reading& reading) {
    block.read(node, into.block.emplace(), reading);
  };
  const auto is_unix = [](const Node& node) { return node.is(Scalar::text) && node.text == "unix"; };
  return list_of(either<TrustedPeer>(is_unix, words<TrustedPeer>({{"unix", {}}}), of_block), 0, "an address block");
}

void trust(Listener& listener, const std::vector<TrustedPeer>& peers) {
  for (const TrustedPeer& peer : peers) {
    if (peer.block) listener.trusted_proxies.push_back(*peer.block);
    if (!peer.block) listener.trust_unix_peers = true;
  }
}

Type<Listener> listener() {
  return Object<Listener>("listener", "a place where clients are accepted")
      .optional("name", &Listener::name, name(), "its name in metrics and logs; by default its address")
      .required("address", &Listener::address, listener_address(),
                "where to listen: host:port, [v6]:port, unix:/path, or systemd:NAME for a socket that systemd opened")
      .optional_by("trusted_proxies", trust, trusted_peers(),
                   "whose X-Forwarded-*, region headers and trusted_headers are believed: address blocks, or unix for "
                   "whoever reaches a unix socket; by default nobody")
      .optional("trusted_headers", &Listener::trusted_headers, list_of(header_name(), 0, "a header's name"),
                "headers dropped when they come from anybody but trusted_proxies, before routing and forwarding")
      .defaulted("proxy_protocol", &Listener::proxy_protocol,
                 words<ProxyProtocol>({{"none", ProxyProtocol::none}, {"accept", ProxyProtocol::accept}}),
                 "whether trusted_proxies begin each connection with a PROXY header, version 1 or 2")
      .optional("ready_path", &Listener::ready_path, probe_path(),
                "a path that answers like /readyz of the admin, for load balancers; counted nowhere")
      .optional("tls", &Listener::tls, listener_tls_table(), "how it speaks TLS; absent: plain HTTP")
      .optional("hsts", &Listener::hsts, hsts_table(),
                "what Strict-Transport-Security tells browsers; only with tls; absent: nothing")
      .optional("redirect_to_https", &Listener::redirect_to_https, integer<uint16_t>(1, 65535),
                "the port to which every request is sent by 308, as https://HOST:PORT; absent: requests are served")
      .only_with("hsts", "tls")
      .type();
}

Type<Admin> admin() {
  return Object<Admin>("admin", "where numbers and state are shown; without it there is no admin listener")
      .required(
          "address", &Admin::address, admin_address(),
          "where to listen: a loopback host:port or unix:/path; anything else needs token_file, or tls with client_ca")
      .optional("token_file", &Admin::token_file, some_text("a file's path"),
                "a file holding the token that clients of the API show as Authorization: Bearer")
      .optional("hosts", &Admin::hosts, list_of(host_name(), 0, "a host name"),
                "further host names under which the admin may be asked; localhost and IP addresses always may")
      .optional("tls", &Admin::tls, admin_tls_table(), "how it speaks TLS; absent: plain HTTP")
      .type();
}

Type<uint32_t> workers() {
  constexpr int64_t kMostWorkers = 512;
  const auto parse = [](std::string_view text) -> Parsed<uint32_t> {
    return text == "auto" ? std::optional<uint32_t>(0) : std::nullopt;
  };
  const auto show = [](const uint32_t&) -> Plain { return std::string("auto"); };
  const auto is_number = [](const Node& node) { return node.is(Scalar::integer); };
  return either<uint32_t>(is_number, integer<uint32_t>(1, kMostWorkers),
                          text<uint32_t>({"a number of workers", "auto, or 1 to 512", "^auto$"}, parse, show));
}

Type<State> state() {
  return Object<State>("state", "where changes made at run time are kept")
      .required("directory", &State::directory, some_text("a directory's path"),
                "a directory of this weir alone; it is made if it is not there")
      .type();
}

Type<RegionSource> region_source() {
  auto field = list_of(some_text("a field's name"), 1, "a field's name");
  field.show = [](const std::vector<std::string>& names) -> Plain { return names; };
  return Object<RegionSource>("region source", "one place that tells a client's region: a header or a database")
      .optional("header", &RegionSource::header, header_name(),
                "a header that names the region; believed only from trusted_proxies")
      .optional("mmdb", &RegionSource::mmdb, some_text("a file's path"),
                "a MaxMind database that maps addresses to regions")
      .defaulted("field", &RegionSource::field, field, "where in a record of the database the region is")
      .exactly_one_of({"header", "mmdb"})
      .only_with("field", "mmdb")
      .type();
}

Type<SignedOverride> signed_override() {
  return Object<SignedOverride>("override", "versions forced by signed tokens, for tests; see weir sign")
      .required("secret_file", &SignedOverride::secret_file, some_text("a file's path"),
                "a file holding the secret that tokens are signed with, 16 bytes or more; read again at each reload")
      .type();
}

Type<AccessLog> access_log() {
  return Object<AccessLog>("access log", "a line for each request; without it there is none")
      .required("path", &AccessLog::path, some_text("a file's path"), "the file to append to; - is standard output")
      .defaulted("format", &AccessLog::format,
                 words<LogFormat>({{"json", LogFormat::json}, {"combined", LogFormat::combined}}),
                 "json has every field; combined is nginx's")
      .type();
}

Type<uint64_t> count() { return integer<uint64_t>(0, 10'000'000); }

Type<Limits> limits() {
  return Object<Limits>("limits", "how much is taken from a client or an endpoint; 0 is no limit")
      .defaulted("request_head", &Limits::request_head, size(), "request line and headers together; more is 431")
      .defaulted("request_headers", &Limits::request_headers, count(), "number of headers of a request; more is 431")
      .defaulted("request_target", &Limits::request_target, size(), "length of a request's target; more is 414")
      .defaulted("request_body", &Limits::request_body, size(), "a request's body; more is 413")
      .defaulted("response_head", &Limits::response_head, size(), "status line and headers together; more is 502")
      .defaulted("connections", &Limits::connections, count(), "client connections at a time")
      .defaulted("handshakes", &Limits::handshakes, count(),
                 "TLS handshakes under way; of more the one that began first is dropped")
      .type();
}

Type<Timeouts> timeouts() {
  return Object<Timeouts>("timeouts", "how long to wait; a body's time is that between two of its bytes")
      .defaulted("tls_handshake", &Timeouts::tls_handshake, duration(), "for a client's TLS handshake as a whole")
      .defaulted("request_head", &Timeouts::request_head, duration(),
                 "from a request's first byte to the end of its head")
      .defaulted("request_body", &Timeouts::request_body, duration(), "for more of a request's body")
      .defaulted("client_idle", &Timeouts::client_idle, duration(), "for the next request of a kept connection")
      .defaulted("connect", &Timeouts::connect, duration(), "for a connection to an endpoint")
      .defaulted("response_head", &Timeouts::response_head, duration(),
                 "from the sent request to the end of the response's head")
      .defaulted("response_body", &Timeouts::response_body, duration(), "for more of a response's body")
      .defaulted("upstream_idle", &Timeouts::upstream_idle, duration(),
                 "how long an idle connection to an endpoint is kept; less than the endpoint keeps it")
      .defaulted("tunnel_idle", &Timeouts::tunnel_idle, duration(),
                 "for a byte either way through an upgraded connection")
      .defaulted(
          "drain_grace", &Timeouts::drain_grace, duration_or_zero(),
          "how long listeners still accept, readiness saying 503, when weir is told to stop: until load balancers know")
      .defaulted("drain", &Timeouts::drain, duration_or_zero(), "for requests under way when weir is told to stop")
      .type();
}

}  // namespace

const Type<Config>& file_table() {
  static const Type<Config> table =
      Object<Config>("configuration", "what weir serves: listeners, services and how requests are split")
          .required("listeners", &Config::listeners, list_of(listener(), 1, "a listener"), "where clients are accepted")
          .optional("admin", &Config::admin, admin(), "where numbers and state are shown")
          .defaulted("workers", &Config::workers, workers(), "threads that serve; auto is one per core")
          .optional("state", &Config::state, state(),
                    "where shares set at run time and their history are kept; absent: they do not outlive the process")
          .optional("regions", &Config::regions, list_of(region_source(), 0, "a region source"),
                    "where region conditions look, the first that answers; an address that none knows is in ZZ")
          .optional("override", &Config::signed_override, signed_override(),
                    "whoever has a token signed with the secret gets the version it names, in X-Weir-Override or the "
                    "cookie weir_override; absent: nobody")
          .optional("access_log", &Config::access_log, access_log(), "a line for each request")
          .optional("limits", &Config::limits, limits(), "how much is taken from a client or an endpoint")
          .optional("timeouts", &Config::timeouts, timeouts(), "how long to wait")
          .required("services", &Config::services, list_of(service_table(), 1, "a service"), "what is being served")
          .type();
  return table;
}

}  // namespace weir::config
