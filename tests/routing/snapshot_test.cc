#include "routing/snapshot.h"

#include <gtest/gtest.h>

#include "tests/routing/given.h"

namespace weir::routing {
namespace {

TEST(Compile, FillsThePlanOfEachServiceInTheOrderOfTheFile) {
  config::Service search = shop(0);
  search.name = "search";
  search.stable = "new";
  search.rules = {send_rule("staff", header_is("X-Staff", "1"), "old"),
                  split_rule("half", header_is("X-H", "1"), 250'000)};
  const auto snapshot = compiled(config_of({shop(100'000), search}));
  ASSERT_EQ(snapshot->services.size(), 2u);
  const ServicePlan& plan = snapshot->services[0];
  EXPECT_EQ(plan.name, "shop");
  EXPECT_EQ(plan.versions[1].name, "new");
  EXPECT_EQ(plan.stable, 0u);
  EXPECT_EQ(plan.candidate, 1u);
  EXPECT_TRUE(plan.has_candidate);
  EXPECT_EQ(plan.share, config::Share{100'000});
  EXPECT_EQ(plan.seed, seed_of("checkout-2026-11"));
  EXPECT_EQ(plan.revision, 1u);
  EXPECT_EQ(plan.matcher, nullptr);
  const ServicePlan& other = snapshot->services[1];
  EXPECT_EQ(other.stable, 1u);
  EXPECT_EQ(other.share, config::Share{1'000'000}) << "the candidate is old now";
  EXPECT_EQ(other.rules[0].send, 0u);
  EXPECT_EQ(other.rules[1].share, config::Share{750'000});
  EXPECT_EQ(snapshot->service_index("search"), 1u);
  EXPECT_EQ(snapshot->service_index("nobody"), std::nullopt);
}

TEST(Compile, KeepsItsConfigurationAlive) {
  std::weak_ptr<const config::Config> watched;
  std::shared_ptr<Snapshot> snapshot;
  {
    auto config = std::make_shared<const config::Config>(config_of({shop()}));
    watched = config;
    snapshot = compile(config, Clock())->snapshot;
  }
  EXPECT_FALSE(watched.expired());
  snapshot.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(Compile, TellsAllProblemsAtOnce) {
  config::Service first = shop(), second = shop();
  first.rules = {send_rule("a", header_is("X-A", "(", Is::regex), "new")};
  second.rules = {send_rule("b", header_is("X-A", "[", Is::regex), "new")};
  config::Config config = config_of({first, second});
  config.regions.push_back({"", "/nowhere.mmdb", {}, {}});
  const auto result = compile(std::make_shared<const config::Config>(std::move(config)), Clock());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.problems().size(), 3u);
}

TEST(Compile, WarnsOfExpressionsThatTakeTooLong) {
  config::Service service = shop();
  service.where = {"weir.yaml", 9, 5};
  service.rules = {send_rule("a", header_is("X-A", "a+b", Is::regex), "new")};
  const auto config = std::make_shared<const config::Config>(config_of({service}));
  std::chrono::nanoseconds now{0}, step{};
  const Clock clock = [&] { return now += step; };
  step = std::chrono::microseconds(100);
  EXPECT_TRUE(compile(config, clock)->warnings.empty());
  step = std::chrono::microseconds(101);
  const auto warned = compile(config, clock);
  ASSERT_EQ(warned->warnings.size(), 1u);
  EXPECT_TRUE(warned->warnings[0].text().starts_with("weir.yaml:9:5: ")) << warned->warnings[0].text();
}

TEST(Compile, FromAFile) {
  const auto loaded = config::parse(R"(
listeners: [{ address: 127.0.0.1:0 }]
services:
  - name: shop
    match: [{ host: shop.example }]
    cohort: { key: [cookie:uid], salt: checkout-2026-11 }
    stable: old
    versions:
      old: { endpoints: [127.0.0.1:9001] }
      new: { endpoints: [127.0.0.1:9002] }
    rules:
      - { name: staff, when: { header: { X-Staff: "1" }, not: { client_ip: 10.0.0.0/8 } }, send: new }
    split: { new: 10% }
)",
                                    "weir.yaml");
  ASSERT_TRUE(loaded) << loaded.problems().front().text();
  const auto snapshot = compiled(loaded->config);
  EXPECT_EQ(decide_for(*snapshot, with_cookie("uid=7f3a9c2e")).version, 1u);
  EXPECT_EQ(decide_for(*snapshot, with_cookie("uid=user-1")).version, 0u);
  EXPECT_EQ(decide_for(*snapshot, with_header("X-Staff", "1")).rule, 0u);
  Request inside = with_header("X-Staff", "1");
  inside.client = "10.1.1.1";
  EXPECT_EQ(decide_for(*snapshot, inside).rule, kNone);
}

}  // namespace
}  // namespace weir::routing
