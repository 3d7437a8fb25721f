// Right and wrong files: the binder and the schema are held to the same ones.
#include "tests/config/corpus.h"

#include <gmock/gmock.h>

#include "config/parse.h"
#include "tests/config/schema_check.h"

namespace weir::config {
namespace {

std::vector<std::string> problems_of(const std::string& text) {
  const auto loaded = parse(text, "FILE");
  std::vector<std::string> told;
  if (loaded) return told;
  for (const Problem& problem : loaded.problems()) told.push_back(problem.text());
  return told;
}

void expect_told_problems(const std::string& folder) {
  for (const auto& path : corpus(folder)) {
    const std::string text = read_text(path);
    const auto expected = expected_problems(text);
    EXPECT_FALSE(expected.empty()) << path << " says nowhere what is wrong with it";
    EXPECT_EQ(problems_of(text), expected) << path;
  }
}

void expect_schema_says(const std::string& folder, const std::string& verdict) {
  const auto paths = corpus(folder);
  const auto verdicts = schema_verdicts(paths);
  ASSERT_EQ(verdicts.size(), paths.size());
  for (size_t i = 0; i < paths.size(); ++i) EXPECT_THAT(verdicts[i], ::testing::StartsWith(verdict)) << paths[i];
}

TEST(Corpus, IsLargeEnoughToMeanSomething) {
  EXPECT_GE(corpus("right").size(), 20u);
  EXPECT_GE(corpus("wrong").size(), 60u);
  EXPECT_GE(corpus("wrong_as_yaml").size(), 10u);
  EXPECT_GE(corpus("wrong_as_a_whole").size(), 20u);
}

TEST(Corpus, RightFilesLoadWithoutAProblem) {
  for (const auto& path : corpus("right")) EXPECT_THAT(problems_of(read_text(path)), ::testing::IsEmpty()) << path;
}

TEST(Corpus, FilesOfAWrongShapeAreToldPlaceByPlace) { expect_told_problems("wrong"); }

TEST(Corpus, FilesThatYamlAllowsAndWeirDoesNotAreTold) { expect_told_problems("wrong_as_yaml"); }

TEST(Corpus, FilesThatDoNotFitTogetherAreTold) { expect_told_problems("wrong_as_a_whole"); }

TEST(Corpus, TheSchemaTakesRightFiles) { expect_schema_says("right", "right"); }

TEST(Corpus, TheSchemaRefusesWrongShapes) { expect_schema_says("wrong", "wrong"); }

TEST(Corpus, WhatTheSchemaCannotSeeIsKeptApart) { expect_schema_says("wrong_as_a_whole", "right"); }

}  // namespace
}  // namespace weir::config
