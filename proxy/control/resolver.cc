#include "proxy/control/resolver.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/error.hpp>

namespace weir::control {

namespace asio = boost::asio;

namespace {
config::IpAddress ip_of(const asio::ip::address& address) {
  config::IpAddress ip;
  const auto v6 = address.is_v6() ? address.to_v6() : asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4());
  const auto bytes = v6.to_bytes();
  std::ranges::copy(bytes, ip.bytes.begin());
  return ip;
}
}  // namespace

Resolver::Resolver(asio::io_context& io, std::function<void()> changed)
    : resolver_(io), again_(io), patience_(io), changed_(std::move(changed)) {
  look_up_again();
}

bool Resolver::is_name(const config::Address& address) {
  return address.kind == config::Address::Kind::host_port && !config::parse_ip(address.host);
}

void Resolver::want(const std::set<std::string>& names) {
  std::erase_if(names_, [&](const auto& entry) { return !names.contains(entry.first); });
  for (const std::string& name : names) {
    if (names_.try_emplace(name).second) look_up(name);
  }
}

void Resolver::settle(std::chrono::milliseconds patience, std::function<void()> done) {
  settled_ = std::move(done);
  patience_.expires_after(patience);
  patience_.async_wait([this](const boost::system::error_code& error) {
    if (!error && settled_) std::exchange(settled_, nullptr)();
  });
  finish_settling();
}

void Resolver::finish_settling() {
  const bool settled = std::ranges::all_of(names_, [](const auto& entry) { return entry.second.looked_up; });
  if (!settled || !settled_) return;
  patience_.cancel();
  std::exchange(settled_, nullptr)();
}

void Resolver::look_up(const std::string& name) {
  names_[name].under_way = true;
  resolver_.async_resolve(name, "", [this, name](const boost::system::error_code& error, const auto& results) {
    if (error != asio::error::operation_aborted) looked_up(name, error, results);
  });
}

void Resolver::looked_up(const std::string& name, const boost::system::error_code& error,
                         const asio::ip::tcp::resolver::results_type& results) {
  const auto entry = names_.find(name);
  if (entry == names_.end()) return;
  Name& state = entry->second;
  state.under_way = false;
  const bool first = !std::exchange(state.looked_up, true);
  std::vector<config::IpAddress> found;
  for (const auto& result : results) found.push_back(ip_of(result.endpoint().address()));
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  // A resolver that does not answer says nothing of the name: what was known stays.
  const bool knows = !error || error == asio::error::host_not_found || error == asio::error::no_data;
  if (!knows && !first) found = state.found;
  if (found.empty() && !std::exchange(state.told, true)) {
    spdlog::warn("{} does not resolve ({}): its endpoint is down until it does", name, error.message());
  }
  if (!found.empty() && std::exchange(state.told, false)) spdlog::info("{} resolves again", name);
  const bool different = found != state.found;
  state.found = std::move(found);
  if (settled_) {
    finish_settling();
  } else if (different) {
    changed_();
  }
}

void Resolver::look_up_again() {
  again_.expires_after(kAgain);
  again_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    for (auto& [name, state] : names_) {
      if (!state.under_way) look_up(name);
    }
    look_up_again();
  });
}

std::vector<net::SocketAddress> Resolver::addresses(const config::Address& address) const {
  if (const auto literal = net::literal_address(address)) return {*literal};
  std::vector<net::SocketAddress> found;
  if (const auto entry = names_.find(address.host); entry != names_.end()) {
    for (const config::IpAddress& ip : entry->second.found) found.push_back(net::make_address(ip, address.port));
  }
  return found;
}

void Resolver::stop() {
  resolver_.cancel();
  again_.cancel();
  patience_.cancel();
}

}  // namespace weir::control
