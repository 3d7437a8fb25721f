// Names of endpoints -> addresses, looked up again and again as DNS changes. Control thread; the
// lookups themselves run on a thread of their own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/net/address.h"

namespace weir::control {

class Resolver {
 public:
  /// `changed` is called when a name's addresses are others than before.
  Resolver(boost::asio::io_context& io, std::function<void()> changed);

  /// Wants these looked up from now on, and no others.
  void want(const std::set<std::string>& names);
  /// Calls `done` when every wanted name has been looked up once, at the latest after `patience`.
  void settle(std::chrono::milliseconds patience, std::function<void()> done);

  /// What an address stands for now: itself if it is a literal; nothing for a name that does not
  /// resolve.
  std::vector<net::SocketAddress> addresses(const config::Address& address) const;
  static bool is_name(const config::Address& address);

  void stop();

 private:
  struct Name {
    std::vector<config::IpAddress> found;
    bool looked_up = false;
    bool under_way = false;
    bool told = false;  // that it does not resolve
  };
  void look_up(const std::string& name);
  void looked_up(const std::string& name, const boost::system::error_code& error,
                 const boost::asio::ip::tcp::resolver::results_type& results);
  void look_up_again();
  void finish_settling();

  static constexpr std::chrono::seconds kAgain{5};

  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer again_;
  boost::asio::steady_timer patience_;
  std::function<void()> changed_;
  std::function<void()> settled_;
  std::map<std::string, Name> names_;
};

}  // namespace weir::control
