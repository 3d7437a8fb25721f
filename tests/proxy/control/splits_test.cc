// Who wins: the file, whoever changed the split at run time, or a closing (contract §3).
#include "proxy/control/splits.h"

#include <gtest/gtest.h>

#include "tests/routing/given.h"

namespace weir::control {
namespace {

using config::Share;

const Author kFile{"file", "weir.yaml", "file"}, kAnna{"anna", "192.0.2.1", "api"};

/// `old` is stable; the file gives `new` this, in millionths.
config::Service shop(uint32_t share = 100'000) { return routing::shop(share); }

/// A service as a file after another has it, and wishes between them.
class Story {
 public:
  explicit Story(config::Service service = shop()) { loads(std::move(service)); }

  void loads(config::Service next) {
    service = std::move(next);
    told.clear();
    if (const auto step = splits.load(service, kFile, {})) take(*step);
  }
  Judgement sets(uint32_t share, std::optional<uint64_t> if_revision = {}) {
    return done(splits.set(service, {"shop", {{"new", Share{share}}}, "", kAnna, if_revision, false}, {}));
  }
  Judgement rolls_back() { return done(splits.rollback(service, {"shop", "errors", kAnna, {}}, {})); }
  Judgement reopens() { return done(splits.reopen(service, "", kAnna, {})); }
  Judgement reverts(uint64_t revision) { return done(splits.revert(service, revision, "", kAnna, {})); }

  uint32_t share() const {
    return static_cast<uint32_t>(share_of(splits.find("shop")->shares, service.versions[1].name));
  }
  uint64_t revision() const { return splits.find("shop")->revision; }
  bool closed() const { return splits.in_force(service).closed; }
  size_t entries() const { return splits.history({"shop", 100, {}}).size(); }

  config::Service service;
  Splits splits;
  std::vector<std::string> told;

 private:
  Judgement done(Judgement judged) {
    if (judged.step) take(*judged.step);
    return judged;
  }
  void take(const Step& step) {
    splits.apply(step);
    told = step.told;
  }
};

TEST(Splits, AFileAloneIsInForceAndItsChangesCount) {
  Story story;
  EXPECT_EQ(story.share(), 100'000u);
  EXPECT_EQ(story.revision(), 1u);
  story.loads(shop(100'000));
  EXPECT_EQ(story.revision(), 1u) << "a reload that leaves the split alone leaves it alone";
  story.loads(shop(200'000));
  EXPECT_EQ(story.share(), 200'000u);
  EXPECT_EQ(story.revision(), 2u);
  EXPECT_EQ(story.splits.last("shop")->author.by, "file");
}

TEST(Splits, WhatWasSetAtRunTimeStandsUntilTheFilesSplitIsAnother) {
  Story story;
  story.sets(250'000);
  story.loads(shop(100'000));
  EXPECT_EQ(story.share(), 250'000u);
  EXPECT_EQ(story.revision(), 2u);
  EXPECT_TRUE(story.splits.in_force(story.service).differs_from_file);
  story.loads(shop(300'000));
  EXPECT_EQ(story.share(), 300'000u) << "whoever wrote last wins";
  EXPECT_EQ(story.revision(), 3u);
  EXPECT_FALSE(story.splits.in_force(story.service).differs_from_file);
  story.sets(400'000);
  story.loads(shop(300'000));
  EXPECT_EQ(story.share(), 400'000u);
}

TEST(Splits, AFilesSplitThatComesToSayTheSameIsNoChangeButIsRememberedAsLoaded) {
  Story story;
  story.sets(250'000);
  story.loads(shop(250'000));
  EXPECT_EQ(story.revision(), 2u);
  story.loads(shop(100'000));
  EXPECT_EQ(story.share(), 100'000u);
}

TEST(Splits, SharesAreComparedAsParsedNotAsWritten) {
  Story story;
  story.sets(250'000);
  config::Service same = shop(100'000);
  same.split = config::Split{{{"new", Share{100'000}}, {"old", Share{900'000}}}, {}};
  story.loads(same);
  EXPECT_EQ(story.share(), 250'000u);
}

TEST(Splits, ASplitThatLeavesTheFileIsAChangeOfTheFile) {
  Story story;
  story.sets(250'000);
  config::Service none = shop();
  none.split.reset();
  story.loads(none);
  EXPECT_EQ(story.share(), 0u);
}

TEST(Splits, ARolledBackCandidateStaysClosedWhateverTheFileSays) {
  Story story;
  story.rolls_back();
  EXPECT_EQ(story.share(), 0u);
  EXPECT_TRUE(story.closed());
  for (const uint32_t share : {100'000u, 500'000u, 1'000'000u}) {
    story.loads(shop(share));
    EXPECT_EQ(story.share(), 0u);
    EXPECT_TRUE(story.closed());
    EXPECT_EQ(story.revision(), 2u);
  }
  ASSERT_EQ(story.told.size(), 1u);
  EXPECT_NE(story.told[0].find("weir reopen shop"), std::string::npos);
}

TEST(Splits, AClosedCandidateIsReopenedAtNobodyAndStaysThere) {
  Story story;
  story.rolls_back();
  EXPECT_EQ(story.sets(10'000).refusal, Refusal::closed);
  EXPECT_EQ(story.sets(0).refusal, Refusal::none);
  story.loads(shop(500'000));
  story.reopens();
  EXPECT_FALSE(story.closed());
  EXPECT_EQ(story.share(), 0u);
  story.loads(shop(500'000));
  EXPECT_EQ(story.share(), 0u) << "the file said this when it was loaded last";
  story.loads(shop(510'000));
  EXPECT_EQ(story.share(), 510'000u);
}

TEST(Splits, AClosedVersionIsNotMadeStableByAFile) {
  Story story;
  EXPECT_FALSE(story.splits.refuses(story.service));
  story.rolls_back();
  EXPECT_FALSE(story.splits.refuses(story.service));
  config::Service released = shop();
  released.stable = "new";
  const auto problem = story.splits.refuses(released);
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->what.find("weir reopen shop"), std::string::npos) << problem->what;
}

TEST(Splits, AClosedVersionThatLeavesTheFileIsStillClosedWhenItComesBack) {
  Story story;
  story.rolls_back();
  config::Service renamed = shop(100'000);
  renamed.versions[1].name = "newer";
  renamed.split = config::Split{{{"old", Share{900'000}}, {"newer", Share{100'000}}}, {}};
  story.loads(renamed);
  EXPECT_FALSE(story.closed());
  EXPECT_EQ(story.share(), 100'000u);
  story.loads(shop(100'000));
  EXPECT_TRUE(story.closed());
  EXPECT_EQ(story.share(), 0u);
}

TEST(Splits, TheShareOfAVersionThatIsGoneIsDroppedAndTold) {
  Story story;
  story.sets(250'000);
  config::Service renamed = shop(100'000);
  renamed.versions[1].name = "newer";
  renamed.split.reset();
  story.loads(renamed);
  EXPECT_EQ(story.share(), 0u);
  ASSERT_EQ(story.told.size(), 1u);
  EXPECT_NE(story.told[0].find("new is gone"), std::string::npos) << story.told[0];
}

TEST(Splits, AFullReleaseInTheFileKeepsWhoIsWhere) {
  Story story;
  story.sets(1'000'000);
  config::Service released = shop(100'000);
  released.stable = "new";
  story.loads(released);
  EXPECT_EQ(share_of(story.splits.find("shop")->shares, "new"), config::kEverybody);
  EXPECT_EQ(share_of(story.splits.find("shop")->shares, "old"), config::kNobody);
}

TEST(Splits, ARepeatIsNoChange) {
  Story story;
  EXPECT_FALSE(story.sets(100'000).step);
  story.sets(250'000);
  EXPECT_FALSE(story.sets(250'000).step);
  story.rolls_back();
  EXPECT_FALSE(story.rolls_back().step);
  story.reopens();
  EXPECT_FALSE(story.reopens().step);
  EXPECT_EQ(story.revision(), 4u);
  EXPECT_EQ(story.entries(), 3u);
}

TEST(Splits, SomebodyElsesChangeIsNotOverwritten) {
  Story story;
  story.sets(250'000, 1);
  const Judgement late = story.sets(300'000, 1);
  EXPECT_EQ(late.refusal, Refusal::stale);
  EXPECT_NE(late.detail.find("old 75%, new 25%"), std::string::npos) << late.detail;
  EXPECT_EQ(story.share(), 250'000u);
}

TEST(Splits, SharesThatMakeNoSenseAreRefusedWithTheField) {
  Story story;
  const auto judged = [&](Shares shares) {
    return story.splits.set(story.service, {"shop", std::move(shares), "", kAnna, {}, false}, {});
  };
  EXPECT_EQ(judged({}).refusal, Refusal::bad_share);
  EXPECT_EQ(judged({{"old", Share{600'000}}}).refusal, Refusal::bad_share) << "what is not named goes to 0%";
  EXPECT_EQ(judged({{"old", Share{600'000}}, {"new", Share{500'000}}}).detail,
            "the shares add up to 110%, not to 100%");
  EXPECT_EQ(judged({{"newer", Share{1}}}).refusal, Refusal::unknown_version);
  EXPECT_EQ(judged({{"newer", Share{1}}}).field, "shares.newer");
  EXPECT_EQ(judged({{"old", Share{1'000'000}}}).refusal, Refusal::none);
  EXPECT_EQ(judged({{"old", Share{600'000}}, {"new", Share{400'000}}}).refusal, Refusal::none);
}

TEST(Splits, ALoneVersionHasNothingToSplit) {
  config::Service lone = shop();
  lone.versions.pop_back();
  lone.split.reset();
  Story story(lone);
  EXPECT_EQ(story.splits.set(lone, {"shop", {{"old", config::kEverybody}}, "", kAnna, {}, false}, {}).refusal,
            Refusal::no_candidate);
  EXPECT_EQ(story.rolls_back().refusal, Refusal::no_candidate);
}

TEST(Splits, ARevertGoesBackToAnyRevision) {
  Story story;
  story.sets(200'000);
  story.sets(300'000);
  story.reverts(1);
  EXPECT_EQ(story.share(), 100'000u);
  EXPECT_EQ(story.splits.last("shop")->kind, "revert");
  story.reverts(3);
  EXPECT_EQ(story.share(), 300'000u);
  EXPECT_EQ(story.revision(), 5u);
  EXPECT_EQ(story.reverts(77).refusal, Refusal::unknown_revision);
  story.rolls_back();
  EXPECT_EQ(story.reverts(3).refusal, Refusal::closed);
}

TEST(Splits, HistoryIsNewestFirstAndCanBeReadPageByPage) {
  Story story;
  for (uint32_t i = 1; i <= 10; ++i) story.sets(i * 1000);
  const auto revisions = [&](HistoryQuery query) {
    std::vector<uint64_t> all;
    for (const Change& change : story.splits.history(query)) all.push_back(change.revision);
    return all;
  };
  EXPECT_EQ(revisions({"shop", 3, {}}), (std::vector<uint64_t>{11, 10, 9}));
  EXPECT_EQ(revisions({"shop", 2, 9}), (std::vector<uint64_t>{8, 7}));
  EXPECT_EQ(revisions({"search", 10, {}}), std::vector<uint64_t>{});
  EXPECT_EQ(revisions({"", 100, {}}).size(), 10u);
}

TEST(Splits, HistoryIsBounded) {
  Story story;
  for (uint32_t i = 1; i <= Splits::kKept + 100; ++i) story.sets(i);
  const auto all = story.splits.history({"shop", 1'000'000, {}});
  EXPECT_EQ(all.size(), Splits::kKept);
  EXPECT_EQ(all.front().revision, Splits::kKept + 101);
}

}  // namespace
}  // namespace weir::control
