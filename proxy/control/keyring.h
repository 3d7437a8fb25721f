// What TLS needs from files, for every listener and version: made from the configuration, and anew when a file has
// changed. Control thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"

namespace weir::control {

/// Immutable once made; what did not change since the one before is the same object.
struct Keyring {
  /// Something made, and what from: if that is the same, so is what would be made of it.
  template <class T>
  struct Made {
    std::shared_ptr<const T> it;
    std::string from;
  };
  std::map<std::string, Made<net::TlsServer>> listeners;                // by address as written
  std::map<std::array<std::string, 2>, Made<net::TlsClient>> versions;  // by service and version
  Made<net::TlsServer> admin;                                           // null: it speaks plain HTTP
  config::Problems warnings;
};

/// The files that the TLS keys of this configuration name.
std::vector<std::string> tls_files(const config::Config& config);
/// Another text when the bytes of one of them are others.
std::string tls_files_state(const config::Config& config);

/// Makes keyrings; has the keys of session tickets, which outlive all of them.
class Keysmith {
 public:
  Keysmith() : tickets_(std::make_shared<net::TicketKeys>()) {}

  /// Every problem of every file is told.
  config::Result<Keyring> make(const config::Config& config, const Keyring& before, net::Dates dates) const;

 private:
  std::shared_ptr<net::TicketKeys> tickets_;
};

}  // namespace weir::control
