// Which ports are free, asked of the kernel before anything is started on them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::demo {

/// True if somebody else listens at this address (as in a configuration), so that weir could not.
bool is_taken(const std::string& address);

/// Ports of 127.0.0.1 that were free when asked, each another one; fewer if the kernel has none left.
std::vector<uint16_t> free_ports(size_t count);

}  // namespace weir::demo
