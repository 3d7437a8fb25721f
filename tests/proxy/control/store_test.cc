// What was in force is in force again after a restart, and what could not be written is not claimed.
#include "proxy/control/store.h"

#include <gtest/gtest.h>

#include "proxy/control/change_json.h"
#include "tests/routing/given.h"
#include "tests/support/files.h"

namespace weir::control {
namespace {

using config::Share;
using testing::Directory;
using testing::read_file;
using testing::SmallFiles;
using testing::write_file;

const Author kAnna{"anna \"the\" Ops\n", "192.0.2.1", "cli"};
const Time kNoon{std::chrono::microseconds(1'795'435'200'123'456)};

std::unique_ptr<Store> open(const std::string& directory) {
  auto store = Store::open(config::State{directory, {}});
  if (!store) throw std::runtime_error(store.problems().front().text());
  return std::move(*store);
}

/// What weir does with a file at its start.
void load(Store& store, const config::Service& service) {
  if (const auto step = store.splits().load(service, {"file", "weir.yaml", "start"}, kNoon)) {
    EXPECT_TRUE(store.commit({*step}));
  }
}

bool set(Store& store, const config::Service& service, uint32_t share) {
  const auto judged =
      store.splits().set(service, {"shop", {{"new", Share{share}}}, "why not", kAnna, {}, false}, kNoon);
  return store.commit({judged.step.value()});
}

Step rollback(Store& store, const config::Service& service) {
  return store.splits().rollback(service, {"shop", "errors", kAnna, {}}, kNoon).step.value();
}

uint32_t share(const Store& store) {
  return static_cast<uint32_t>(share_of(store.splits().find("shop")->shares, "new"));
}

TEST(Store, EverythingIsFoundAgainAfterARestart) {
  Directory directory;
  const config::Service service = routing::shop(100'000);
  std::string before;
  {
    auto store = open(directory.path());
    load(*store, service);
    EXPECT_TRUE(set(*store, service, 250'001));
    EXPECT_TRUE(store->commit({rollback(*store, service)}));
    for (const Change& change : store->splits().history({"", 10, {}})) before += serialize(change_json(change)) + "\n";
  }
  auto store = open(directory.path());
  load(*store, service);
  std::string after;
  for (const Change& change : store->splits().history({"", 10, {}})) after += serialize(change_json(change)) + "\n";
  EXPECT_EQ(after, before);
  EXPECT_NE(after.find(R"("at":"2026-11-23T12:00:00.123456Z")"), std::string::npos) << after;
  EXPECT_NE(after.find(R"("new":"25.0001%")"), std::string::npos) << after;
  EXPECT_TRUE(store->splits().in_force(service).closed);
  EXPECT_EQ(store->splits().find("shop")->revision, 3u);
}

TEST(Store, AFileEditedWhileWeirWasDownCounts) {
  Directory directory;
  {
    auto store = open(directory.path());
    load(*store, routing::shop(100'000));
    set(*store, routing::shop(100'000), 250'000);
  }
  {
    auto store = open(directory.path());
    load(*store, routing::shop(100'000));
    EXPECT_EQ(share(*store), 250'000u);
  }
  auto store = open(directory.path());
  load(*store, routing::shop(400'000));
  EXPECT_EQ(share(*store), 400'000u);
  EXPECT_EQ(store->splits().last("shop")->author.by, "start");
}

TEST(Store, CutAtEveryByteItHoldsTheLastWholeChange) {
  Directory whole;
  const config::Service service = routing::shop(100'000);
  std::vector<size_t> ends;
  {
    auto store = open(whole.path());
    load(*store, service);
    for (uint32_t i = 1; i <= 3; ++i) {
      ends.push_back(read_file(whole / "journal").size());
      set(*store, service, i * 200'000);
    }
  }
  const std::string text = read_file(whole / "journal");
  for (size_t cut = ends[0]; cut <= text.size(); ++cut) {
    Directory directory;
    write_file(directory / "journal", text.substr(0, cut));
    auto store = open(directory.path());
    load(*store, service);
    const size_t changes = cut == text.size() ? 3 : cut >= ends[2] ? 2 : cut >= ends[1] ? 1 : 0;
    ASSERT_EQ(share(*store), changes == 0 ? 100'000 : changes * 200'000) << "cut at " << cut;
    ASSERT_EQ(store->splits().find("shop")->revision, changes + 1) << "cut at " << cut;
    ASSERT_EQ(store->splits().history({"shop", 10, {}}).size(), changes) << "cut at " << cut;
  }
}

TEST(Store, TheJournalStaysBoundedAndLosesNothing) {
  Directory directory;
  const config::Service service = routing::shop(100'000);
  {
    auto store = open(directory.path());
    load(*store, service);
    store->commit({rollback(*store, service)});
    for (uint32_t i = 1; i <= 30; ++i) {
      // Records without a change pile up: the file's split comes and goes while new is closed.
      std::vector<Step> steps;
      for (uint32_t j = 1; j <= 100; ++j) {
        steps.push_back(*store->splits().load(routing::shop(i * 1000 + j), {"file", "weir.yaml", "file"}, kNoon));
      }
      EXPECT_TRUE(store->commit(steps));
    }
  }
  const std::string text = read_file(directory / "journal");
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 1200);
  auto store = open(directory.path());
  EXPECT_EQ(store->splits().history({"shop", 10, {}}).size(), 1u);
  EXPECT_EQ(share_of(*store->splits().find("shop")->file, "new"), Share{30'100});
}

TEST(Store, AFullDiskRefusesAChangeAndKeepsTheOldOneInForce) {
  Directory directory;
  const config::Service service = routing::shop(100'000);
  auto store = open(directory.path());
  load(*store, service);
  {
    const SmallFiles small(read_file(directory / "journal").size() + 10);
    EXPECT_FALSE(set(*store, service, 250'000));
    EXPECT_EQ(share(*store), 100'000u);
    EXPECT_NE(store->error().find("journal cannot be written"), std::string::npos) << store->error();
  }
  EXPECT_TRUE(set(*store, service, 300'000));
  EXPECT_EQ(store->splits().find("shop")->revision, 2u);
}

TEST(Store, ARollbackOnAFullDiskIsInForceAndWrittenAsSoonAsThereIsRoom) {
  Directory directory;
  const config::Service service = routing::shop(100'000);
  {
    auto store = open(directory.path());
    load(*store, service);
    {
      const SmallFiles small(10);
      bool in_force = false;
      EXPECT_FALSE(store->force({rollback(*store, service)}, [&] { in_force = true; }));
      EXPECT_TRUE(in_force);
      EXPECT_TRUE(store->behind());
      EXPECT_TRUE(store->splits().in_force(service).closed);
      EXPECT_FALSE(store->catch_up());
    }
    EXPECT_TRUE(store->catch_up());
    EXPECT_FALSE(store->behind());
  }
  auto store = open(directory.path());
  EXPECT_TRUE(store->splits().in_force(service).closed);
  EXPECT_EQ(store->splits().history({"shop", 10, {}}).size(), 1u);
}

TEST(Store, TheChangeAfterOneThatWasNotWrittenBringsItAlong) {
  Directory directory;
  const config::Service service = routing::shop(100'000);
  {
    auto store = open(directory.path());
    load(*store, service);
    {
      const SmallFiles small(10);
      store->force({rollback(*store, service)});
    }
    const auto reopened = store->splits().reopen(service, "", kAnna, kNoon);
    EXPECT_TRUE(store->commit({reopened.step.value()}));
  }
  auto store = open(directory.path());
  EXPECT_EQ(store->splits().history({"shop", 10, {}}).size(), 2u);
  EXPECT_EQ(store->splits().find("shop")->revision, 3u);
}

TEST(Store, RecordsThatMakeNoSenseAreLeftOut) {
  Directory directory;
  const config::Service service = routing::shop(100'000);
  {
    auto store = open(directory.path());
    load(*store, service);
    set(*store, service, 250'000);
  }
  {
    auto found = Journal::open(directory.path());
    found->journal->append({"[]", "{}", R"({"service":"shop"})", R"({"service":"shop","state":{"revision":9}})", "no"});
  }
  auto store = open(directory.path());
  EXPECT_EQ(share(*store), 250'000u);
  EXPECT_EQ(store->splits().find("shop")->revision, 2u);
}

TEST(Store, WithoutADirectoryNothingOutlivesTheProcess) {
  auto opened = Store::open(std::nullopt);
  ASSERT_TRUE(opened);
  Store& store = **opened;
  const config::Service service = routing::shop(100'000);
  load(store, service);
  EXPECT_TRUE(set(store, service, 250'000));
  EXPECT_FALSE(store.remembers());
  EXPECT_FALSE(store.force({rollback(store, service)}));
  EXPECT_EQ(store.changes("shop", "cli"), 2u);
}

}  // namespace
}  // namespace weir::control
