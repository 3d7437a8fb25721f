#include "config/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/units.h"

namespace weir::config {

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  return text;
}

/// Complains of the second of two that are the same; what is empty was complained of already.
class Unique {
 public:
  Unique(std::string what, Problems& problems) : what_(std::move(what)), problems_(problems) {}

  void add(const std::string& key, const std::string& shown, const Where& where) {
    if (key.empty()) return;
    const auto [first, fresh] = seen_.emplace(key, where);
    if (fresh) return;
    problems_.push_back(
        {where, fmt::format("{} {} is here twice, first in line {}; change one", what_, shown, first->second.line)});
  }

 private:
  std::string what_;
  Problems& problems_;
  std::map<std::string, Where> seen_;
};

/// One text for each place to listen; empty for one that the kernel chooses.
std::string address_key(const Address& address) {
  if (address.kind == Address::Kind::unix_path) return address.path;
  if (address.kind == Address::Kind::passed) return address.text;
  if (address.port == 0) return "";
  const auto ip = parse_ip(address.host);
  return fmt::format("{} {}", ip ? ip->text() : lower(address.host), address.port);
}

/// Fields that HTTP itself needs, whoever sends them.
bool belongs_to_http(const std::string& header) {
  static const std::set<std::string> names{"connection", "content-length",    "expect", "host", "keep-alive", "te",
                                           "trailer",    "transfer-encoding", "upgrade"};
  return names.contains(lower(header));
}

void check_trusted_headers(const Listener& listener, size_t index, const Node& root, Problems& problems) {
  for (size_t i = 0; i < listener.trusted_headers.size(); ++i) {
    const std::string& header = listener.trusted_headers[i];
    if (!belongs_to_http(header)) continue;
    problems.push_back({place(root, {"listeners", index, "trusted_headers", i}),
                        fmt::format("trusted_headers: {} is needed by HTTP whoever sends it; take it out", header)});
  }
}

/// What tells clients to come by https is said by a listener that speaks it, or by one that sends them there.
void check_https(const Listener& listener, size_t index, const Node& root, Problems& problems) {
  if (listener.redirect_to_https != 0 && listener.tls) {
    problems.push_back({place(root, {"listeners", index, "redirect_to_https"}),
                        "redirect_to_https: this listener speaks TLS itself; take tls or this out"});
  }
  if (!listener.hsts || !listener.hsts->preload) return;
  const bool long_enough = listener.hsts->max_age >= std::chrono::seconds(365 * 86'400);
  if (listener.hsts->include_subdomains && long_enough) return;
  problems.push_back({place(root, {"listeners", index, "hsts", "preload"}),
                      "preload: browsers' lists take only those with include_subdomains: true and a max_age of 365d or "
                      "more; write them too, or take this out"});
}

void check_listeners(const Config& config, const Node& root, Problems& problems) {
  Unique names("the listener's name", problems), addresses("the address", problems);
  for (size_t i = 0; i < config.listeners.size(); ++i) {
    const Listener& listener = config.listeners[i];
    names.add(listener.name, quoted(listener.name), place(root, {"listeners", i, "name"}));
    const Where& where = place(root, {"listeners", i, "address"});
    addresses.add(address_key(listener.address), listener.address.text, where);
    if (listener.name.empty() && listener.address.port == 0) names.add(listener.address.text, "by default", where);
    check_trusted_headers(listener, i, root, problems);
    check_https(listener, i, root, problems);
  }
  if (!config.admin) return;
  const Where& where = place(root, {"admin", "address"});
  addresses.add(address_key(config.admin->address), config.admin->address.text, where);
}

void check_admin(const Config& config, const Node& root, Problems& problems) {
  if (!config.admin || config.admin->address.text.empty()) return;
  const Admin& admin = *config.admin;
  const Entry* written = root.find("admin");
  if (admin.tls && admin.address.kind == Address::Kind::unix_path) {
    problems.push_back({place(root, {"admin", "tls"}),
                        "tls: a unix socket is reached by its owner and group alone, on this machine; take tls out, or "
                        "write an address of host:port"});
  }
  const bool guarded = written->value.has("token_file") || (admin.tls && !admin.tls->client_ca.empty());
  if (guarded || is_loopback(admin.address)) return;
  problems.push_back({place(root, {"admin", "address"}),
                      fmt::format("{} can be reached by others; add token_file, or tls with client_ca, or write "
                                  "127.0.0.1, [::1] or unix:/path",
                                  admin.address.text)});
}

struct LeastSize {
  std::string_view key;
  uint64_t Limits::*member;
  uint64_t least, most;
};
constexpr uint64_t kGibibyte = 1u << 30;
constexpr LeastSize kSaneSizes[] = {
    {"request_head", &Limits::request_head, 1024, kGibibyte},
    {"request_target", &Limits::request_target, 16, kGibibyte},
    {"response_head", &Limits::response_head, 1024, kGibibyte},
};

void check_limits(const Config& config, const Node& root, Problems& problems) {
  for (const LeastSize& sane : kSaneSizes) {
    const uint64_t value = config.limits.*sane.member;
    if (value == 0 || (value >= sane.least && value <= sane.most)) continue;
    problems.push_back({place(root, {"limits", sane.key}),
                        fmt::format("{}: {} would never do; write {} to {}, or 0 for no limit", sane.key,
                                    size_text(value), size_text(sane.least), size_text(sane.most))});
  }
}

/// Ratings are kept in the state's directory, and come by a path that the service answers for.
void check_feedback(const Config& config, const Service& service, const Node& node, Problems& problems) {
  if (!service.feedback || node.kind != Node::Kind::map) return;
  if (!config.state) {
    problems.push_back({service.feedback->where, "feedback: there is no place to keep it; add state: {directory: …}"});
  }
  const std::string& path = service.feedback->path;
  const auto reaches = [&](const ServiceMatch& match) {
    std::string_view prefix = match.path_prefix;
    while (prefix.ends_with('/')) prefix.remove_suffix(1);
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  };
  if (service.match.empty() || std::ranges::any_of(service.match, reaches)) return;
  problems.push_back(
      {place(node, {"feedback", "path"}),
       fmt::format("path: {} is under no path_prefix of the service's match, and nobody would get there; "
                   "write one that is",
                   quoted(path))});
}

/// Two matches are the same that answer for the same requests.
std::string match_key(const ServiceMatch& match) {
  std::string path = match.path_prefix;
  while (path.ends_with('/')) path.pop_back();
  return lower(match.host) + path + "/";
}

std::string match_text(const ServiceMatch& match) {
  return fmt::format("{}{}", match.host.empty() ? "any host" : match.host,
                     match.path_prefix.empty() ? "" : " " + match.path_prefix);
}

void check_services(const Config& config, const Node& root, Problems& problems) {
  Unique names("the service's name", problems), matches("the match of", problems);
  for (size_t i = 0; i < config.services.size(); ++i) {
    const Service& service = config.services[i];
    names.add(service.name, quoted(service.name), place(root, {"services", i, "name"}));
    const Node& node = root.find("services")->value.items[i];
    const bool everything = node.kind == Node::Kind::map && !node.has("match");
    if (everything) matches.add(match_key({}), "every request (no match)", service.where);
    for (const ServiceMatch& match : service.match) {
      if (match.host.empty() && match.path_prefix.empty()) continue;
      matches.add(match_key(match), match_text(match), match.where);
    }
    validate_service(service, i, root, problems);
    check_feedback(config, service, node, problems);
  }
}

}  // namespace

bool is_loopback(const Address& address) {
  if (address.kind == Address::Kind::unix_path || lower(address.host) == "localhost") return true;
  const auto ip = parse_ip(address.host);
  return ip && (parse_cidr("127.0.0.0/8")->contains(*ip) || *ip == *parse_ip("::1"));
}

void validate(const Config& config, const Node& root, Problems& problems) {
  check_listeners(config, root, problems);
  check_admin(config, root, problems);
  check_limits(config, root, problems);
  check_services(config, root, problems);
}

}  // namespace weir::config
