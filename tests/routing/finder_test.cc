#include "routing/finder.h"

#include <gtest/gtest.h>

namespace weir::routing {
namespace {

config::Service service(std::vector<config::ServiceMatch> matches) {
  config::Service service;
  service.match = std::move(matches);
  return service;
}
config::ServiceMatch match(std::string host, std::string prefix = {}) {
  return {std::move(host), std::move(prefix), {}};
}

int found(const ServiceFinder& finder, std::string_view host, std::string_view path) {
  const auto found = finder.find(host, path);
  return found ? static_cast<int>(found->service) : -1;
}

TEST(ServiceFinder, TheMostSpecificMatchOverAllServicesWins) {
  const ServiceFinder finder({service({}), service({match("shop.example", "/")}), service({match("*.shop.example")}),
                              service({match("shop.example", "/cart")}), service({match("*.eu.shop.example")}),
                              service({match("", "/health")}), service({match("a.eu.shop.example", "/only")}),
                              service({match("[2001:db8:0:0::1]")})});
  EXPECT_EQ(found(finder, "other.example", "/"), 0);
  EXPECT_EQ(found(finder, "shop.example", "/"), 1);
  EXPECT_EQ(found(finder, "SHOP.example.:8080", "/x"), 1);
  EXPECT_EQ(found(finder, "www.shop.example", "/"), 2);
  EXPECT_EQ(found(finder, "a.b.shop.example", "/"), 2) << "*. stands for one or more labels";
  EXPECT_EQ(found(finder, "shop.example", "/cart/7"), 3);
  EXPECT_EQ(found(finder, "shop.example", "/cart"), 3);
  EXPECT_EQ(found(finder, "shop.example", "/cartoon"), 1) << "prefixes end with a segment";
  EXPECT_EQ(found(finder, "shop.example", "/%63art/../cart//7"), 3) << "paths are normalised";
  EXPECT_EQ(found(finder, "x.eu.shop.example", "/health"), 4) << "host before path";
  EXPECT_EQ(found(finder, "other.example", "/health/live"), 5);
  EXPECT_EQ(found(finder, "a.eu.shop.example", "/only/x"), 6);
  EXPECT_EQ(found(finder, "a.eu.shop.example", "/"), 4) << "no such path there: on to the less specific host";
  EXPECT_EQ(found(finder, "[2001:DB8::1]:443", "/"), 7);
  EXPECT_EQ(found(finder, "ashop.example", "/"), 0);
  EXPECT_EQ(found(finder, ".shop.example", "/"), 0) << "a label is not empty";
  EXPECT_EQ(found(finder, "", "*"), 0);
}

TEST(ServiceFinder, NothingMatchesNothing) {
  const ServiceFinder finder({service({match("shop.example", "/a")})});
  EXPECT_EQ(found(finder, "shop.example", "/b"), -1);
  EXPECT_EQ(found(finder, "other.example", "/a"), -1);
  EXPECT_EQ(found(finder, "", ""), -1);
}

TEST(ServiceFinder, TellsWhichMatchOfTheServiceItWas) {
  const ServiceFinder finder({service({match("a.example"), match("b.example", "/x")})});
  EXPECT_EQ(finder.find("b.example", "/x/y")->match, 1u);
  EXPECT_EQ(ServiceFinder({service({})}).find("b.example", "/")->match, ServiceFinder::kEverything);
}

}  // namespace
}  // namespace weir::routing
