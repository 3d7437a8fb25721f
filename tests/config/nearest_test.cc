#include "config/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::config {
namespace {

TEST(Nearest, CountsWhatHasToBeChanged) {
  EXPECT_EQ(edit_distance("split", "split"), 0u);
  EXPECT_EQ(edit_distance("spilt", "split"), 1u) << "two neighbours swapped are one change";
  EXPECT_EQ(edit_distance("slit", "split"), 1u);
  EXPECT_EQ(edit_distance("splitt", "split"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, IsTheOneProbablyMeant) {
  const std::vector<std::string> known{"listeners", "limits", "timeouts", "services", "stable", "send", "split"};
  EXPECT_EQ(nearest("listener", known), "listeners");
  EXPECT_EQ(nearest("servces", known), "services");
  EXPECT_EQ(nearest("time_outs", known), "timeouts");
  EXPECT_EQ(nearest("sned", known), "send");
}

TEST(Nearest, IsNothingWhereNothingIsNear) {
  const std::vector<std::string> known{"listeners", "send"};
  EXPECT_EQ(nearest("colour", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest("x", known), "");
  EXPECT_EQ(nearest(std::string(10'000, 'l'), known), "");
}

}  // namespace
}  // namespace weir::config
