#include "proxy/control/keyring.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "proxy/net/pem.h"

namespace weir::control {

namespace {

void add_files(const config::Certificate& certificate, std::vector<std::string>& files) {
  files.insert(files.end(), {certificate.chain, certificate.key, certificate.passphrase_file});
}

std::vector<std::string> files_of(const config::ListenerTls& tls) {
  std::vector<std::string> files;
  for (const config::Certificate& certificate : tls.certificates) add_files(certificate, files);
  files.insert(files.end(), {tls.client_ca, tls.client_crl});
  std::erase(files, "");
  return files;
}

/// Name and bytes of each, in short.
std::string state_of(const std::vector<std::string>& files) {
  std::string state;
  for (const std::string& path : files) {
    std::string why;
    const std::string text = net::read_bytes(path, why).value_or(why);
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    state += fmt::format("{}\n{:016x}{:016x}\n", path, hash.high64, hash.low64);
  }
  return state;
}

/// What it is made from.
std::string recipe_of(const std::string& name, const config::ListenerTls& tls) {
  return fmt::format("{} {} [{}] [{}] {} {} {} {}\n{}", name, static_cast<int>(tls.min_version),
                     fmt::join(tls.ciphers, ","), fmt::join(tls.groups, ","), tls.alpn.size(), tls.session_tickets,
                     static_cast<int>(tls.client_certificate), tls.certificates.size(), state_of(files_of(tls)));
}

std::vector<std::string> files_of(const config::VersionTls& tls) {
  std::vector<std::string> files{tls.ca};
  if (tls.certificate) add_files(*tls.certificate, files);
  std::erase(files, "");
  return files;
}

std::string recipe_of(const config::VersionTls& tls) {
  return fmt::format("{} {} {}\n{}", tls.sni, static_cast<int>(tls.verify), tls.certificate.has_value(),
                     state_of(files_of(tls)));
}

}  // namespace

std::vector<std::string> tls_files(const config::Config& config) {
  std::vector<std::string> files;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (std::string& file : files_of(*listener.tls)) files.push_back(std::move(file));
  }
  for (const config::Service& service : config.services) {
    for (const config::Version& version : service.versions) {
      if (!version.tls) continue;
      for (std::string& file : files_of(*version.tls)) files.push_back(std::move(file));
    }
  }
  if (config.admin && config.admin->tls) {
    for (std::string& file : files_of(*config.admin->tls)) files.push_back(std::move(file));
  }
  std::ranges::sort(files);
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::string tls_files_state(const config::Config& config) { return state_of(tls_files(config)); }

namespace {

/// The one made before if it was made from the same, else a new one; nothing if there is something wrong.
template <class T, class Load>
Keyring::Made<T> made_of(std::string recipe, const Keyring::Made<T>& before, config::Problems& problems, Load load) {
  if (before.it && before.from == recipe) return before;
  auto loaded = load();
  if (loaded) return {std::move(*loaded), std::move(recipe)};
  problems.insert(problems.end(), loaded.problems().begin(), loaded.problems().end());
  return {};
}

template <class T, class Key>
Keyring::Made<T> known(const std::map<Key, Keyring::Made<T>>& all, const Key& key) {
  const auto found = all.find(key);
  return found == all.end() ? Keyring::Made<T>{} : found->second;
}

/// Operators come back seldom: the admin asks for their certificates each time.
config::ListenerTls without_tickets(config::ListenerTls tls) {
  tls.session_tickets = false;
  return tls;
}

}  // namespace

config::Result<Keyring> Keysmith::make(const config::Config& config, const Keyring& before, net::Dates dates) const {
  Keyring made;
  config::Problems problems;
  const auto serve = [&](const std::string& name, const config::ListenerTls& tls,
                         const Keyring::Made<net::TlsServer>& last) {
    return made_of(recipe_of(name, tls), last, problems,
                   [&]() -> config::Result<std::shared_ptr<const net::TlsServer>> {
                     auto loaded = net::TlsServer::load(tls, name, tickets_, dates, last.it.get());
                     if (!loaded) return loaded.problems();
                     made.warnings.insert(made.warnings.end(), loaded->warnings.begin(), loaded->warnings.end());
                     return std::move(loaded->server);
                   });
  };
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    const std::string& address = listener.address.text;
    made.listeners[address] = serve(listener.name, *listener.tls, known(before.listeners, address));
  }
  if (config.admin && config.admin->tls) made.admin = serve("admin", without_tickets(*config.admin->tls), before.admin);
  for (const config::Service& service : config.services) {
    for (const config::Version& version : service.versions) {
      if (!version.tls) continue;
      const std::array key{service.name, version.name};
      const auto last = known(before.versions, key);
      made.versions[key] = made_of(recipe_of(*version.tls), last, problems, [&] {
        auto loaded = net::TlsClient::load(*version.tls, dates, net::Sessions::kept, last.it.get());
        if (loaded)
          made.warnings.insert(made.warnings.end(), (*loaded)->warnings().begin(), (*loaded)->warnings().end());
        return loaded;
      });
    }
  }
  if (!problems.empty()) return problems;
  return made;
}

}  // namespace weir::control
