#include <gtest/gtest.h>

#include "config/config.h"

namespace weir::config {
namespace {

TEST(Share, IsHeldInMillionths) {
  const std::pair<const char*, uint32_t> cases[] = {
      {"0%", 0},        {"10%", 100'000},      {"12.5%", 125'000},  {"0.0001%", 1},
      {"0.5%", 5'000},  {"99.9999%", 999'999}, {"100%", 1'000'000}, {"100.0000%", 1'000'000},
      {"7.0%", 70'000}, {"33.33%", 333'300},
  };
  for (const auto& [text, millionths] : cases) {
    const auto share = parse_share(text);
    ASSERT_TRUE(share) << text;
    EXPECT_EQ(static_cast<uint32_t>(*share), millionths) << text;
  }
}

TEST(Share, OtherTextsAreNone) {
  for (const char* text :
       {"",    "%",        "10",   "10 %", " 10%", "-1%", "+1%",  "101%",        "100.0001%", "1.%",
        ".5%", "0.00001%", "1,5%", "1e1%", "010%", "00%", "10%%", "4294967296%", "0x1%",      "1.2.3%"}) {
    EXPECT_FALSE(parse_share(text)) << text;
  }
}

TEST(Share, IsShownWithoutNeedlessZeros) {
  EXPECT_EQ(share_text(Share{0}), "0%");
  EXPECT_EQ(share_text(Share{1}), "0.0001%");
  EXPECT_EQ(share_text(Share{125'000}), "12.5%");
  EXPECT_EQ(share_text(Share{100'000}), "10%");
  EXPECT_EQ(share_text(kEverybody), "100%");
}

TEST(Share, ReadsBackWhatIsShown) {
  for (uint32_t millionths = 0; millionths <= 1'000'000; millionths += 77) {
    const auto share = parse_share(share_text(Share{millionths}));
    ASSERT_TRUE(share);
    ASSERT_EQ(static_cast<uint32_t>(*share), millionths);
  }
}

Service service_of_two() {
  Service service;
  service.name = "shop";
  service.versions = {{.name = "new"}, {.name = "old"}};
  service.stable = "old";
  return service;
}

Split split_of(std::vector<std::pair<std::string, Share>> shares) { return {std::move(shares), {}}; }

TEST(Service, TheCandidateIsTheOneThatIsNotStable) {
  Service service = service_of_two();
  EXPECT_EQ(service.stable_index(), 1u);
  EXPECT_EQ(service.candidate_index(), 0u);
  service.stable = "new";
  EXPECT_EQ(service.stable_index(), 0u);
  EXPECT_EQ(service.candidate_index(), 1u);
  EXPECT_EQ(service.version_index("next"), std::nullopt);
}

TEST(Service, OfOneVersionHasNoCandidate) {
  Service service = service_of_two();
  service.versions.pop_back();
  service.stable = "";
  EXPECT_EQ(service.stable_index(), 0u);
  EXPECT_EQ(service.candidate_index(), std::nullopt);
  EXPECT_EQ(service.candidate_share(split_of({{"new", kEverybody}})), kNobody);
}

TEST(Service, TheCandidateGetsWhatIsNamedOrTheRestOrNothing) {
  const Service service = service_of_two();
  EXPECT_EQ(service.candidate_share(std::nullopt), kNobody);
  EXPECT_EQ(service.candidate_share(split_of({{"new", Share{100'000}}})), Share{100'000});
  EXPECT_EQ(service.candidate_share(split_of({{"old", Share{300'000}}})), Share{700'000});
  EXPECT_EQ(service.candidate_share(split_of({{"old", Share{600'000}}, {"new", Share{400'000}}})), Share{400'000});
}

}  // namespace
}  // namespace weir::config
