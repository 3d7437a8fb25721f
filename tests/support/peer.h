// The proxies that weir is put beside: the same listener, endpoints, limits and time-outs in each one's own words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/proxy.h"

namespace weir::testing {

/// What has to be known of one: all but its running.
struct PeerKind {
  const char* name;
  /// Words to start it with; the first is the program. `file` is its configuration in `directory`.
  std::vector<std::string> (*command)(const Directory& directory, const std::string& file);
  std::string (*configuration)(const ConfigText& config, const Directory& directory);
};

PeerKind nginx();
PeerKind haproxy();

/// A peer that runs from construction to destruction; throws if it does not start.
class Peer : public Proxy {
 public:
  Peer(const PeerKind& kind, ConfigText config);
  ~Peer() override;

  std::string edge() const override { return config_.edge; }
  Program& program() override { return *program_; }
  std::string log() const override { return program_->output() + program_->errors(); }

 private:
  const PeerKind kind_;
  Directory directory_;
  ConfigText config_;
  std::unique_ptr<Program> program_;
};

}  // namespace weir::testing
