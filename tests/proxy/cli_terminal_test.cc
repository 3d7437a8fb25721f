#include <gtest/gtest.h>

#include "proxy/cli/terminal.h"

namespace weir::cli {
namespace {

TEST(Terminal, LinesAreCutByCharactersAndNeverInOne) {
  EXPECT_EQ(cut_to(4, "abcdef\nab\n"), "abcd\nab\n");
  EXPECT_EQ(cut_to(4, "a · b → c\n· · ·\n"), "a · \n· · \n");
  EXPECT_EQ(cut_to(80, "as it is\n\n"), "as it is\n\n");
  EXPECT_EQ(cut_to(0, "a\nb"), "\n");
}

}  // namespace
}  // namespace weir::cli
