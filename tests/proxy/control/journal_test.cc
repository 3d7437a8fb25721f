// What was answered is found again, wherever power was lost.
#include "proxy/control/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/files.h"

namespace weir::control {
namespace {

using testing::Directory;
using testing::read_file;
using testing::SmallFiles;
using testing::write_file;
using Records = std::vector<std::string>;

Journal::Found open(const std::string& directory) {
  auto found = Journal::open(directory);
  if (!found) throw std::runtime_error(found.problems().front().text());
  return std::move(*found);
}

std::string journal_with(const Directory& directory, const Records& records) {
  auto found = open(directory.path());
  for (const std::string& record : records) EXPECT_TRUE(found.journal->append({record})) << found.journal->error();
  return read_file(directory / "journal");
}

TEST(Journal, FindsWhatWasAppended) {
  Directory directory;
  const Records records{"first", "", "third with \"quotes\" and blanks ", "Ω"};
  journal_with(directory, records);
  const auto found = open(directory.path());
  EXPECT_EQ(found.records, records);
  EXPECT_TRUE(found.told.empty());
  EXPECT_EQ(found.journal->size(), records.size());
}

TEST(Journal, CutAtEveryByteItHoldsTheWholeRecordsBeforeTheCutAndGoesOn) {
  Directory whole;
  const Records records{"{\"a\":1}", "{\"b\":\"a longer one\"}", "{}"};
  const std::string text = journal_with(whole, records);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Directory directory;
    write_file(directory / "journal", text.substr(0, cut));
    Records kept;
    size_t end = 0;
    for (const std::string& record : records) {
      end = text.find('\n', end) + 1;
      if (end <= cut) kept.push_back(record);
    }
    const bool torn = cut > 0 && text[cut - 1] != '\n';
    {
      auto found = open(directory.path());
      ASSERT_EQ(found.records, kept) << "cut at " << cut;
      ASSERT_EQ(found.told.size(), torn ? 1u : 0u) << "cut at " << cut;
      ASSERT_TRUE(found.journal->append({"next"})) << "cut at " << cut;
    }
    kept.push_back("next");
    const auto again = open(directory.path());
    ASSERT_EQ(again.records, kept) << "cut at " << cut;
    ASSERT_TRUE(again.told.empty()) << "cut at " << cut;
  }
}

TEST(Journal, EveryDamagedByteIsNoticedAndOnlyItsRecordsAreLeftOut) {
  Directory whole;
  const Records records{"first", "second", "third"};
  const std::string text = journal_with(whole, records);
  for (size_t at = 0; at < text.size(); ++at) {
    Directory directory;
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    write_file(directory / "journal", damaged);
    const auto found = open(directory.path());
    ASSERT_FALSE(found.told.empty()) << "at " << at;
    ASSERT_GE(found.records.size(), 1u) << "at " << at;
    ASSERT_LT(found.records.size(), 3u) << "at " << at;
    for (const std::string& record : found.records) {
      ASSERT_NE(std::find(records.begin(), records.end(), record), records.end()) << "at " << at;
    }
  }
}

TEST(Journal, ADamagedFileIsKeptBesideTheGoodOne) {
  Directory directory;
  std::string text = journal_with(directory, {"first", "second"});
  text[3] = '!';
  write_file(directory / "journal", text);
  auto found = open(directory.path());
  EXPECT_TRUE(found.journal->in_doubt());
  EXPECT_TRUE(found.journal->rewrite(found.records));
  EXPECT_EQ(read_file(directory / "journal.damaged"), text);
  found.journal.reset();
  EXPECT_EQ(open(directory.path()).records, Records{"second"});
}

TEST(Journal, ARewriteThatWasCutShortLeavesTheOldFile) {
  Directory directory;
  const std::string text = journal_with(directory, {"first", "second"});
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    write_file(directory / "journal.new", text.substr(0, cut));
    EXPECT_EQ(open(directory.path()).records, (Records{"first", "second"}));
    EXPECT_NE(::access((directory / "journal.new").c_str(), F_OK), 0);
  }
}

TEST(Journal, ARewriteReplacesEverything) {
  Directory directory;
  auto found = open(directory.path());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(found.journal->append({"record " + std::to_string(i)}));
  ASSERT_TRUE(found.journal->rewrite({"one", "two"}));
  ASSERT_TRUE(found.journal->append({"three"}));
  EXPECT_EQ(found.journal->size(), 3u);
  found.journal.reset();
  EXPECT_EQ(open(directory.path()).records, (Records{"one", "two", "three"}));
}

TEST(Journal, ADirectoryHasOneWeir) {
  Directory directory;
  const auto first = open(directory.path());
  const auto second = Journal::open(directory.path());
  ASSERT_FALSE(second);
  const std::string told = second.problems().front().text();
  EXPECT_NE(told.find("another weir (process " + std::to_string(::getpid()) + ")"), std::string::npos) << told;
}

TEST(Journal, ADirectoryIsMadeWhereThereIsNone) {
  Directory directory;
  EXPECT_TRUE(open(directory / "a/b").journal->append({"kept"}));
  EXPECT_EQ(open(directory / "a/b").records, Records{"kept"});
}

TEST(Journal, AFileInTheDirectorysPlaceIsTold) {
  Directory directory;
  write_file(directory / "file", "");
  const auto found = Journal::open(directory / "file");
  ASSERT_FALSE(found);
  EXPECT_NE(found.problems().front().text().find("state.directory"), std::string::npos);
}

TEST(Journal, AFullDiskKeepsNothingOfARecordAndGoesOnWhenThereIsRoom) {
  Directory directory;
  auto found = open(directory.path());
  ASSERT_TRUE(found.journal->append({"first"}));
  const size_t size = read_file(directory / "journal").size();
  for (rlim_t room = 0; room < 24; ++room) {
    const SmallFiles small(size + room);
    EXPECT_FALSE(found.journal->append({"does not fit"})) << room;
    EXPECT_NE(found.journal->error().find("cannot be written"), std::string::npos);
    EXPECT_EQ(read_file(directory / "journal").size(), size) << room;
  }
  ASSERT_TRUE(found.journal->append({"second"}));
  found.journal.reset();
  EXPECT_EQ(open(directory.path()).records, (Records{"first", "second"}));
}

TEST(Journal, AFileThatWasRemovedIsNotWrittenIntoNothing) {
  Directory directory;
  auto found = open(directory.path());
  ASSERT_TRUE(found.journal->append({"first"}));
  ASSERT_EQ(::unlink((directory / "journal").c_str()), 0);
  EXPECT_FALSE(found.journal->append({"second"}));
  EXPECT_TRUE(found.journal->in_doubt());
  EXPECT_TRUE(found.journal->rewrite({"first", "second"}));
  found.journal.reset();
  EXPECT_EQ(open(directory.path()).records, (Records{"first", "second"}));
}

}  // namespace
}  // namespace weir::control
