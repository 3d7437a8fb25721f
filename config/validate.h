// What only the whole can say: names resolve, shares fit, nothing is there twice.
#pragma once

#include "config/config.h"
#include "config/node.h"
#include "config/parse.h"

namespace weir::config {

/// Complains of what does not fit together. `root` is the tree that `config` was read from: it has
/// the places, and tells what was written from what is a default. What the binder complained of
/// already is missing from `config`, and is not complained of again.
void validate(const Config& config, const Node& root, Problems& problems);

/// The part of it that looks at one service; `index` is its place in the file.
void validate_service(const Service& service, size_t index, const Node& root, Problems& problems);

/// A service's rollout; `node` is the service.
void validate_rollout(const Service& service, const Node& node, Problems& problems);

/// Reached from this machine alone: a unix socket, localhost, 127.0.0.0/8, ::1.
bool is_loopback(const Address& address);

/// Says what works but is probably not meant. For a configuration without problems.
Warnings warnings_of(const Config& config, const Node& root);

/// Fills in what the file may leave out: salts, stable versions, rule names, the rest of 100%.
void complete(Config& config);

}  // namespace weir::config
