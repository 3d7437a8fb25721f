#include <gtest/gtest.h>

#include "config/config.h"

namespace weir::config {
namespace {

TEST(FreezeWindow, IsTwoTimesOfTheWeekAndAZone) {
  const auto weekend = parse_freeze_window("Fri 16:00-Mon 08:00 Europe/Berlin");
  ASSERT_TRUE(weekend);
  EXPECT_EQ(weekend->begin, std::chrono::hours(4 * 24 + 16));
  EXPECT_EQ(weekend->end, std::chrono::hours(8));
  EXPECT_EQ(weekend->zone, "Europe/Berlin");
  const auto night = parse_freeze_window("Tue 23:59-Wed 00:00 UTC");
  ASSERT_TRUE(night);
  EXPECT_EQ(night->end - night->begin, std::chrono::minutes(1));
  EXPECT_TRUE(parse_freeze_window("Sun 00:00-Sun 01:00 America/Argentina/Ushuaia"));
  EXPECT_TRUE(parse_freeze_window("Sun 00:00-Sun 01:00 Etc/GMT+3"));
}

TEST(FreezeWindow, OtherTextsAreNone) {
  for (const char* text : {"", "Fri 16:00-Mon 08:00", "Fri 16:00-Mon 08:00 ", "fri 16:00-Mon 08:00 UTC",
                           "Fri 24:00-Mon 08:00 UTC", "Fri 16:60-Mon 08:00 UTC", "Fri 16:00 - Mon 08:00 UTC",
                           "Fri 6:00-Mon 08:00 UTC", "Fri 16:00-Mon 08:00 /etc", "Fri 16:00-Mon 08:00 ../UTC",
                           "Fri 16:00-Mon 08:00 a//b", "Fri 16:00-Mon 08:00 a/", "Fri 16:00-Mon 08:00  UTC"}) {
    EXPECT_FALSE(parse_freeze_window(text)) << text;
  }
}

TEST(HookUrl, HasHostPortAndPath) {
  const auto plain = parse_hook_url("http://127.0.0.1:9999/hook?x=1");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->https);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 9999);
  EXPECT_EQ(plain->path, "/hook?x=1");
  const auto secure = parse_hook_url("https://hooks.example");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->https);
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(secure->path, "/");
  const auto six = parse_hook_url("http://[::1]/x");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 80);
}

TEST(HookUrl, OtherTextsAreNone) {
  for (const char* text : {"", "hooks.example/x", "ftp://a/b", "http://", "http:///x", "http://a:0/", "http://a:99999/",
                           "http://a b/", "http://a/ b", "http://a/#x", "http://u:p@a/", "http://[::1/x", "HTTP://a/",
                           "http://a?x", "http://a:/", "http://unix:/x", "http://systemd:80"}) {
    EXPECT_FALSE(parse_hook_url(text)) << text;
  }
}

}  // namespace
}  // namespace weir::config
