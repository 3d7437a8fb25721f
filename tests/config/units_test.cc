#include "config/units.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(Duration, HasItsUnit) {
  const std::pair<const char*, int64_t> cases[] = {
      {"250ms", 250},
      {"2s", 2'000},
      {"5m", 300'000},
      {"1h", 3'600'000},
      {"365d", 31'536'000'000},
      {"0s", 0},
      {"3650d", 315'360'000'000},
  };
  for (const auto& [text, milliseconds] : cases) {
    const auto duration = parse_duration(text);
    ASSERT_TRUE(duration) << text;
    EXPECT_EQ(duration->count(), milliseconds) << text;
  }
}

TEST(Duration, OtherTextsAreNone) {
  for (const char* text : {"", "s", "5", "5 s", "-5s", "+5s", "1.5s", "05s", "5S", "5min", "1h30m", "3651d",
                           "99999999999999999999s", "5us", "1e3s", "5s "}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, IsShownInTheLargestWholeUnit) {
  EXPECT_EQ(duration_text(Milliseconds{0}), "0s");
  EXPECT_EQ(duration_text(Milliseconds{250}), "250ms");
  EXPECT_EQ(duration_text(Milliseconds{75'000}), "75s");
  EXPECT_EQ(duration_text(Milliseconds{60'000}), "1m");
  EXPECT_EQ(duration_text(Milliseconds{3'600'000}), "1h");
  EXPECT_EQ(duration_text(std::chrono::days{90}), "90d");
}

TEST(Size, HasItsUnit) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"512B", 512},
      {"64KiB", 65'536},
      {"1MiB", 1'048'576},
      {"1GiB", 1'073'741'824},
      {"8388607GiB", 9'007'198'180'999'168},
  };
  for (const auto& [text, bytes] : cases) EXPECT_EQ(parse_size(text), bytes) << text;
}

TEST(Size, OtherTextsAreNone) {
  for (const char* text : {"", "B", "5", "64KB", "64kib", "64 KiB", "-1B", "1.5MiB", "064KiB", "1TiB", "8388608GiB",
                           "99999999999999999999B"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Size, IsShownInTheLargestWholeUnit) {
  EXPECT_EQ(size_text(512), "512B");
  EXPECT_EQ(size_text(1025), "1025B");
  EXPECT_EQ(size_text(64 * 1024), "64KiB");
  EXPECT_EQ(size_text(1u << 30), "1GiB");
}

}  // namespace
}  // namespace weir::config
