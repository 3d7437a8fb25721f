// The configuration as the operator wrote it: plain values with units, nothing resolved or compiled.
//
// Owned by whoever loaded it; immutable afterwards. Places (`Where`) are kept where a later stage
// (validate, routing::compile) may still have to complain about a value.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/problem.h"
#include "config/rollout.h"

namespace weir::config {

using Milliseconds = std::chrono::milliseconds;

/// An IP address; IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), so that one
/// prefix structure serves both families.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool is_v4() const;
  /// Canonical text: dotted quad, or RFC 5952.
  std::string text() const;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// Parses an IPv4 or IPv6 literal (no brackets, no zone); nothing for anything else.
std::optional<IpAddress> parse_ip(std::string_view text);

/// An address block; `length` counts bits of the 128-bit form (an IPv4 /24 has length 120).
struct Cidr {
  IpAddress address;
  int length = 128;
  bool contains(const IpAddress& ip) const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

/// Parses `192.0.2.0/24`, `2001:db8::/32`, or a bare address (a block of one).
std::optional<Cidr> parse_cidr(std::string_view text);

/// Where a socket listens, or where an endpoint is.
struct Address {
  enum class Kind { host_port, unix_path, passed } kind = Kind::host_port;
  std::string host;  // a name or an IP literal without brackets; of a passed socket its name
  uint16_t port = 0;
  std::string path;  // of a unix socket
  std::string text;  // as written
  friend bool operator==(const Address&, const Address&) = default;
};

/// Parses `host:port`, `[v6]:port`, `unix:/path` or `systemd:NAME` (a socket that weir is started with).
std::optional<Address> parse_address(std::string_view text);

/// A share of the traffic in millionths (contract §2): 10% is 100000.
enum class Share : uint32_t {};
inline constexpr Share kNobody{0};
inline constexpr Share kEverybody{1'000'000};

/// Parses `12.5%` (0% … 100%, at most four decimals, the % is required).
std::optional<Share> parse_share(std::string_view text);
/// `12.5%`, without needless zeros.
std::string share_text(Share share);

enum class ProxyProtocol { none, accept };

/// A certificate with the chain that leads to its root, and its key: PEM files.
struct Certificate {
  std::string chain, key;
  std::string passphrase_file;  // empty: the key is not encrypted
  Where where;
  friend bool operator==(const Certificate& a, const Certificate& b) {
    return a.chain == b.chain && a.key == b.key && a.passphrase_file == b.passphrase_file;
  }
};

enum class TlsVersion { tls12, tls13 };
enum class ClientCertificate { require, request };
enum class Alpn { http11 };

/// How a listener speaks TLS.
struct ListenerTls {
  std::vector<Certificate> certificates;  // chosen by the name a client asks for; the first for any other
  TlsVersion min_version = TlsVersion::tls12;
  std::vector<std::string> ciphers;  // OpenSSL's names; of a protocol version none of which is named: Mozilla's
  std::vector<std::string> groups;   // empty: Mozilla's
  std::vector<Alpn> alpn{Alpn::http11};
  bool session_tickets = true;
  std::string client_ca;  // empty: clients are asked for no certificate
  ClientCertificate client_certificate = ClientCertificate::require;
  std::string client_crl;                   // empty: none is revoked
  bool forward_client_certificate = false;  // as Client-Cert (RFC 9440)
  Where where;
  friend bool operator==(const ListenerTls& a, const ListenerTls& b);  // wherever they stand
};

/// Strict-Transport-Security (RFC 6797).
struct Hsts {
  std::chrono::seconds max_age{365 * 86'400};
  bool include_subdomains = false;
  bool preload = false;
  Where where;
};

struct Listener {
  std::string name;  // default: the address as written
  Address address;
  std::vector<Cidr> trusted_proxies;
  bool trust_unix_peers = false;             // `unix` named in trusted_proxies
  std::vector<std::string> trusted_headers;  // as written; compared without case
  ProxyProtocol proxy_protocol = ProxyProtocol::none;
  std::string ready_path;  // empty: none
  std::optional<ListenerTls> tls;
  std::optional<Hsts> hsts;
  uint16_t redirect_to_https = 0;  // the port that every request is sent to; 0: requests are served
  Where where;
};

struct Admin {
  Address address;
  std::string token_file;          // empty: none
  std::vector<std::string> hosts;  // further names accepted in `Host`
  std::optional<ListenerTls> tls;  // who shows a certificate of its client_ca needs no token
  Where where;
  friend bool operator==(const Admin& a, const Admin& b) {
    return a.address == b.address && a.token_file == b.token_file && a.hosts == b.hosts && a.tls == b.tls;
  }
};

/// Where changes made at run time are kept.
struct State {
  std::string directory;
  Where where;
};

/// One source of regions: a header of a trusted proxy, or a field of an MMDB file.
struct RegionSource {
  std::string header;  // empty: an mmdb source
  std::string mmdb;    // path
  std::vector<std::string> field{"country", "iso_code"};
  Where where;
};

/// Where the secret is that signed overrides (routing/override.h) are made with.
struct SignedOverride {
  std::string secret_file;
  Where where;
};

enum class LogFormat { json, combined };
struct AccessLog {
  std::string path;  // "-" is stdout
  LogFormat format = LogFormat::json;
  friend bool operator==(const AccessLog&, const AccessLog&) = default;
};

/// Bytes and numbers; 0 means no limit.
struct Limits {
  uint64_t request_head = 64 * 1024;
  uint64_t request_headers = 200;
  uint64_t request_target = 16 * 1024;
  uint64_t request_body = 0;
  uint64_t response_head = 64 * 1024;
  uint64_t connections = 10'000;
  uint64_t handshakes = 1'000;
};

struct Timeouts {
  Milliseconds tls_handshake{5'000};
  Milliseconds request_head{10'000};
  Milliseconds request_body{30'000};
  Milliseconds client_idle{75'000};
  Milliseconds connect{2'000};
  Milliseconds response_head{30'000};
  Milliseconds response_body{60'000};
  Milliseconds upstream_idle{4'000};
  Milliseconds tunnel_idle{3'600'000};
  Milliseconds drain_grace{0};
  Milliseconds drain{30'000};
};

/// What a service answers to; both parts empty means everything.
struct ServiceMatch {
  std::string host;         // exact, or `*.suffix`; empty: any
  std::string path_prefix;  // empty or "/": any
  Where where;
};

struct CohortKey {
  enum class Kind { header, cookie, query, client_cert, client_ip } kind = Kind::client_ip;
  std::string name;  // empty for client_ip; subject or fingerprint for client_cert
  friend bool operator==(const CohortKey&, const CohortKey&) = default;
  std::string text() const;  // `cookie:uid`, `client_ip`
};

enum class WithoutKey { stable, client_ip, mint, random };

struct Mint {
  std::string cookie = "weir_id";
  std::chrono::seconds max_age{90 * 86'400};
};

struct Cohort {
  std::vector<CohortKey> keys;
  std::string salt;  // default: the service's name
  WithoutKey without_key = WithoutKey::stable;
  Mint mint;
  bool allow_reshuffle = false;
  Where where;
};

enum class Balance { least_requests, round_robin };

struct Endpoint {
  Address address;
  Where where;
};

/// Time-outs that a version may set for itself; absent: the file's.
struct VersionTimeouts {
  std::optional<Milliseconds> connect, response_head, response_body, upstream_idle;
};

/// Statuses from `first` to `last`.
struct StatusRange {
  uint16_t first = 0, last = 0;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

/// Parses `200` or `200-399`; 100 to 599.
std::optional<StatusRange> parse_status_range(std::string_view text);

/// How endpoints are probed.
struct Health {
  std::string path;
  Milliseconds interval{2'000};  // between two probes, give or take a tenth
  Milliseconds timeout{1'000};
  uint32_t fall = 3, rise = 2;  // probes in a row that take an endpoint out, or back in
  std::vector<StatusRange> status{{200, 399}};
  std::string host;  // empty: the endpoint's address
  Where where;
};

/// What of a request's failing counts against its endpoint.
enum class OutlierSign { connect, reset, timeout, status_5xx };

/// When failures in a row of real requests take an endpoint out, and for how long.
struct Outlier {
  uint32_t consecutive = 5;
  Milliseconds base{10'000}, max{300'000};  // the first time, and the longest
  std::vector<OutlierSign> when{OutlierSign::connect, OutlierSign::reset, OutlierSign::timeout,
                                OutlierSign::status_5xx};
  Where where;
};
/// Where the file says nothing: what nginx counts by default, which is not what was answered.
Outlier default_outlier();

/// Requests that wait for one of `max_connections`.
struct Queue {
  uint64_t size = 0;  // at most, of the version, over all workers
  Milliseconds timeout{0};
  Where where;
};

enum class Verify { full, ca, none };

/// How weir speaks TLS to the endpoints of a version.
struct VersionTls {
  std::string sni;                         // the name asked for and verified; empty: the endpoint's own
  Verify verify = Verify::full;            // chain and name; chain alone; nothing
  std::string ca;                          // whom to believe; empty: the system's
  std::optional<Certificate> certificate;  // weir's own, for endpoints that ask
  Where where;
};

struct Version {
  std::string name;
  std::vector<Endpoint> endpoints;
  std::optional<Queue> queue;  // absent: none waits
  Balance balance = Balance::least_requests;
  uint64_t max_connections = 0;                        // per endpoint over all workers; 0: no limit
  std::optional<Health> health;                        // absent: not probed
  std::optional<Outlier> outlier = default_outlier();  // absent: `none`
  Milliseconds slow_start{0};                          // how long the part of an endpoint that came back grows
  VersionTimeouts timeouts;
  std::optional<VersionTls> tls;  // absent: plain HTTP
  Where where;
};

/// What a header, cookie or query parameter must be.
struct ValueTest {
  enum class Kind { exact, prefix, regex, present } kind = Kind::exact;
  std::string text;     // exact, prefix and regex
  bool present = true;  // for Kind::present
  Where where;
};

struct NamedTest {
  std::string name;  // header names compared without case
  ValueTest test;
};

/// The conditions of a rule; all that are there must hold. `not_` holds when not all of its own hold.
struct Conditions {
  std::vector<NamedTest> headers, cookies, queries;
  std::vector<NamedTest> client_cert;  // by name subject and fingerprint
  std::vector<std::string> methods;    // any of
  std::optional<std::string> path_prefix;
  std::optional<std::string> path_regex;
  std::vector<Cidr> client_ip;       // any of
  std::vector<std::string> regions;  // any of
  std::vector<Conditions> not_;      // at most one
  Where where;
  Where path_regex_where;
};

/// Share per version name; once loaded, of every version of the service (complete adds what is not named).
struct Split {
  std::vector<std::pair<std::string, Share>> shares;
  Where where;
};

struct Rule {
  std::string name;  // default: `rule-N`, N counting from 1
  Conditions when;
  std::string send;  // version; empty: `split` holds
  std::optional<Split> split;
  Where where;
};

/// When a request that failed is tried again.
struct Retry {
  /// What of it counts as failed.
  struct Signs {
    bool connect = true, reset = true, timeout = false;
    std::vector<uint16_t> statuses;  // of answers that are not passed on
  };
  uint32_t retries = 1;   // tries after the first one
  Share budget{200'000};  // of the service's requests
  Signs when;
  bool rescue_on_stable = false;  // the candidate's go on to the stable version
  Where where;
};

enum class Reveal { none, trusted, all };

/// Where users rate the version that they are on.
struct Feedback {
  std::string path = "/.weir/feedback";
  uint32_t bad = 2;                  // ratings from 1 to this one speak against a version
  Milliseconds every{60'000};        // of a user one is taken in so long
  uint64_t keep = 64 * 1024 * 1024;  // bytes in the state's directory
  Where where;
};

struct Service {
  std::string name;
  std::vector<ServiceMatch> match;  // empty: everything
  Cohort cohort;
  std::string stable;             // default: the only version; else required
  std::vector<Version> versions;  // one or two
  std::vector<Rule> rules;
  std::optional<Split> split;  // absent: everybody on the stable version
  std::optional<Retry> retry;  // absent: one more try after a failed connect or on a kept connection that died
  Reveal reveal = Reveal::none;
  std::optional<Rollout> rollout;    // absent: shares change by hand alone
  std::optional<Feedback> feedback;  // absent: nobody is asked
  Where where;

  /// Index of the version of this name; nothing if there is none.
  std::optional<size_t> version_index(std::string_view name) const;
  size_t stable_index() const;
  /// The other version; nothing for a service with one.
  std::optional<size_t> candidate_index() const;
  /// The candidate's share by `split`: 0 where nothing is said.
  Share candidate_share(const std::optional<Split>& split) const;
};

struct Config {
  std::vector<Listener> listeners;
  std::optional<Admin> admin;
  uint32_t workers = 0;        // 0: auto, one per core
  std::optional<State> state;  // absent: changes made at run time do not outlive the process
  std::vector<RegionSource> regions;
  std::optional<SignedOverride> signed_override;  // key `override`; absent: no version can be forced
  std::optional<AccessLog> access_log;
  Limits limits;
  Timeouts timeouts;
  std::vector<Service> services;
  std::string hash;  // of the file's bytes, 16 hex digits (XXH3)
};

}  // namespace weir::config
