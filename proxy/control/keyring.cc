#include "proxy/control/keyring.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <sstream>

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
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    if (file) bytes << file.rdbuf();
    const std::string text = bytes.str();
    const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
    state += fmt::format("{}\n{:016x}{:016x}\n", path, hash.high64, hash.low64);
  }
  return state;
}

/// What it is made from.
std::string recipe_of(const config::Listener& listener) {
  const config::ListenerTls& tls = *listener.tls;
  return fmt::format("{} {} [{}] [{}] {} {} {} {}\n{}", listener.name, static_cast<int>(tls.min_version),
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
  std::ranges::sort(files);
  files.erase(std::ranges::unique(files).begin(), files.end());
  return files;
}

std::string tls_files_state(const config::Config& config) { return state_of(tls_files(config)); }

namespace {

/// The one made before if it was made from the same, else a new one; nothing if there is something wrong.
template <class T, class Key, class Load>
void make_one(std::map<Key, Keyring::Made<T>>& made, const std::map<Key, Keyring::Made<T>>& before, const Key& key,
              std::string recipe, config::Problems& problems, Load load) {
  if (const auto known = before.find(key); known != before.end() && known->second.from == recipe) {
    made[key] = known->second;
    return;
  }
  auto loaded = load();
  if (loaded) {
    made[key] = {std::move(*loaded), std::move(recipe)};
  } else {
    problems.insert(problems.end(), loaded.problems().begin(), loaded.problems().end());
  }
}

}  // namespace

config::Result<Keyring> Keysmith::make(const config::Config& config, const Keyring& before, net::Dates dates) const {
  Keyring made;
  config::Problems problems;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    const auto load = [&]() -> config::Result<std::shared_ptr<const net::TlsServer>> {
      auto loaded = net::TlsServer::load(*listener.tls, listener.name, tickets_, dates);
      if (!loaded) return loaded.problems();
      made.warnings.insert(made.warnings.end(), loaded->warnings.begin(), loaded->warnings.end());
      return std::move(loaded->server);
    };
    make_one(made.listeners, before.listeners, listener.address.text, recipe_of(listener), problems, load);
  }
  for (const config::Service& service : config.services) {
    for (const config::Version& version : service.versions) {
      if (!version.tls) continue;
      const std::array key{service.name, version.name};
      const auto load = [&] { return net::TlsClient::load(*version.tls, dates); };
      make_one(made.versions, before.versions, key, recipe_of(*version.tls), problems, load);
    }
  }
  if (!problems.empty()) return problems;
  return made;
}

}  // namespace weir::control
