// A change that was asked for, and what the running weir says became of it.
#pragma once

#include <string>

#include "proxy/cli/running.h"

namespace weir::cli {

/// The words of messages.
struct Wanted {
  std::string command;  // `split set`
  std::string service;
};

/// Sends it and tells what became of it; gives the exit code: kChangedByOthers if somebody was first.
int change(const Running& running, const Wanted& wanted, const AdminRequest& request);

}  // namespace weir::cli
