#include "routing/host.h"

#include <gtest/gtest.h>

namespace weir::routing {
namespace {

TEST(Host, IsComparedWithoutCasePortAndTrailingDot) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"shop.example", "shop.example"},
      {"Shop.EXAMPLE", "shop.example"},
      {"shop.example:8080", "shop.example"},
      {"shop.example.", "shop.example"},
      {"shop.example.:80", "shop.example"},
      {"shop.example:", "shop.example"},
      {"", ""},
      {"192.0.2.1:80", "192.0.2.1"},
      {"[2001:DB8:0::1]:8080", "2001:db8::1"},
      {"[2001:db8::1]", "2001:db8::1"},
      {"[::1]", "::1"},
      {"[not an address]", "not an address"},
      {"[2001:db8::1", "[2001:db8:"},
  };
  for (const auto& [host, normal] : cases) {
    std::string scratch;
    EXPECT_EQ(normalise_host(host, scratch), normal) << host;
  }
}

}  // namespace
}  // namespace weir::routing
