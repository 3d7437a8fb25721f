// What a publication may change of what is known of endpoints.
#include "proxy/upstream/health.h"

#include <gtest/gtest.h>

namespace weir::upstream {
namespace {

constexpr uint32_t kInARow = 3;

/// A candidate with one endpoint that refused connects, so that its requests fall back; now it can be reached again.
class HealthTest : public ::testing::Test {
 protected:
  HealthTest() {
    rules.is_candidate = true;
    health.configure(rules, kInARow, false, sites);
    for (uint32_t i = 0; i < kInARow; ++i) health.failed(*sites.front().endpoint, false, true);
    EXPECT_FALSE(health.available());
    health.reached(*sites.front().endpoint);
  }
  static EndpointSite site(const std::string& address) {
    return {std::make_shared<Endpoint>("shop", "new", address, 1),
            {net::make_address(*config::parse_ip("127.0.0.1"), 9001)}};
  }

  routing::HealthRules rules;
  std::vector<EndpointSite> sites{site("new.internal:9001")};
  Health health;
};

TEST_F(HealthTest, ACandidatesRestIsNotCutShortByAnotherAddressNorByOthersEdits) {
  EXPECT_FALSE(health.available());
  sites.front().addresses = {net::make_address(*config::parse_ip("127.0.0.2"), 9001)};
  health.configure(rules, kInARow, false, sites);
  EXPECT_FALSE(health.available());
}

TEST_F(HealthTest, AnEditOfItsEndpointsEndsItsRest) {
  sites.push_back(site("127.0.0.1:9002"));
  health.configure(rules, kInARow, false, sites);
  EXPECT_TRUE(health.available());
}

TEST_F(HealthTest, AnEditOfItsRulesEndsItsRest) {
  rules.fall = 7;
  health.configure(rules, kInARow, false, sites);
  EXPECT_TRUE(health.available());
}

}  // namespace
}  // namespace weir::upstream
