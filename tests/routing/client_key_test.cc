#include "routing/client_key.h"

#include <gtest/gtest.h>

namespace weir::routing {
namespace {

TEST(ClientKey, IsAnAddressOrANetworkOf64BitsInCanonicalForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"192.0.2.7", "192.0.2.7"},
      {"255.255.255.255", "255.255.255.255"},
      {"0.0.0.0", "0.0.0.0"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
      {"2001:DB8:0:0::1", "2001:db8::/64"},
      {"2001:db8:0:1::1", "2001:db8:0:1::/64"},
      {"0:0:0:1::9", "0:0:0:1::/64"},
      {"::1", "::/64"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
  };
  for (const auto& [address, key] : cases) {
    ClientKeyText text;
    EXPECT_EQ(client_key(config::parse_ip(address).value(), text), key) << address;
  }
}

TEST(ClientKey, IsTheCanonicalTextOfTheNetwork) {
  for (const char* address : {"2001:db8:1:2:3:4:5:6", "fe80:0:0:9::1", "0:1::", "0:0:0:1::9"}) {
    config::IpAddress network = config::parse_ip(address).value();
    std::fill(network.bytes.begin() + 8, network.bytes.end(), 0);
    ClientKeyText text;
    EXPECT_EQ(client_key(network, text), network.text() + "/64");
  }
}

}  // namespace
}  // namespace weir::routing
