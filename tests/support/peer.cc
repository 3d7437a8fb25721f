#include "tests/support/peer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>

#include "tests/support/client.h"

namespace weir::testing {

Peer::Peer(const PeerKind& kind, ConfigText config) : kind_(kind), config_(std::move(config)) {
  const std::string host = own_loopback(), file = directory_ / "configuration";
  if (config_.edge.empty()) config_.edge = fmt::format("{}:{}", host, free_port(host));
  write_file(file, kind_.configuration(config_, directory_));
  const std::vector<std::string> words = kind_.command(directory_, file);
  program_ = std::make_unique<Program>(words.front(), std::vector<std::string>(words.begin() + 1, words.end()));
  wait_until([this] { return connect_to(config_.edge) || !program_->running(); });
  if (!program_->running() || !connect_to(config_.edge))
    throw std::runtime_error(fmt::format("{} did not start:\n{}", kind_.name, log()));
}

Peer::~Peer() {
  if (::testing::Test::HasFailure()) std::cerr << fmt::format("---- {}'s log ----\n{}----\n", kind_.name, log());
}

}  // namespace weir::testing
