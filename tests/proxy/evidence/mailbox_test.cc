// How much a crowd of raters may cost.
#include "proxy/evidence/mailbox.h"

#include <gtest/gtest.h>

namespace weir::evidence {
namespace {

using namespace std::chrono_literals;
using Taken = Mailbox::Taken;

/// A mailbox that is emptied as it fills; a user may speak again after half a second.
class MailboxTest : public ::testing::Test {
 protected:
  MailboxTest() { mailbox.configure(500ms); }
  Taken put(uint64_t user, std::chrono::nanoseconds now) {
    Rating rating;
    rating.event.user = user;
    const Taken taken = mailbox.put(std::move(rating), now);
    if (user % Mailbox::kWaiting == 0) mailbox.take();
    return taken;
  }
  Mailbox mailbox{std::make_shared<Bell>()};
};

TEST_F(MailboxTest, ACrowdOfUsersFillsItAndIsForgottenWhenItsTimeIsOver) {
  const std::chrono::nanoseconds begin = 1h;
  for (uint64_t user = 1; user <= Mailbox::kRemembered; ++user) ASSERT_EQ(put(user, begin), Taken::yes) << user;
  EXPECT_EQ(put(0, begin), Taken::full);
  EXPECT_EQ(put(1, begin), Taken::too_often);
  EXPECT_EQ(put(0, begin + 999ms), Taken::full) << "all are looked at once a second, not for each of a flood";
  EXPECT_EQ(put(0, begin + 1s), Taken::yes);
  EXPECT_EQ(put(1, begin + 1s), Taken::yes);
}

TEST_F(MailboxTest, WhatNobodyTakesOutFillsItToo) {
  for (uint64_t user = 1; user <= Mailbox::kWaiting; ++user) {
    Rating rating;
    rating.event.user = user;
    ASSERT_EQ(mailbox.put(std::move(rating), 1h), Taken::yes);
  }
  Rating rating;
  EXPECT_EQ(mailbox.put(std::move(rating), 1h), Taken::full);
  EXPECT_EQ(mailbox.take().size(), Mailbox::kWaiting);
}

}  // namespace
}  // namespace weir::evidence
