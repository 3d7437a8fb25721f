#include "proxy/net/bytes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace weir::net {
namespace {

TEST(Bytes, EmptyTheyHoldNothing) {
  Bytes bytes;
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.view(), "");
  bytes.append("");
  bytes.append("abc");
  bytes.consume(3);
  EXPECT_TRUE(bytes.empty());
  EXPECT_EQ(bytes.view().data(), nullptr);
}

TEST(Bytes, AreAQueue) {
  std::mt19937 random(3);
  Bytes bytes;
  std::string model;
  for (int i = 0; i < 20'000; ++i) {
    const size_t size = random() % (i % 100 == 0 ? 200'000 : 3'000);
    if (random() % 2 == 0) {
      const std::string piece(size, static_cast<char>('a' + i % 26));
      bytes.append(piece);
      model += piece;
    } else {
      const size_t taken = std::min(size * 2, model.size());
      bytes.consume(taken);
      model.erase(0, taken);
    }
    ASSERT_EQ(bytes.size(), model.size());
    ASSERT_TRUE(bytes.view() == model);
  }
}

TEST(Bytes, RoomIsBehindWhatIsHeldAndKeepsIt) {
  Bytes bytes;
  bytes.append("head");
  for (const size_t wanted : {1u, 1020u, 5'000u, 300'000u}) {
    const auto room = bytes.room(wanted);
    ASSERT_GE(room.size(), wanted);
    EXPECT_EQ(bytes.view(), "head");
    std::memset(room.data(), 'x', wanted);
  }
  bytes.grow(2);
  EXPECT_EQ(bytes.view(), "headxx");
}

TEST(Bytes, TheFrontIsUsedAgainWithoutALargerBlock) {
  Bytes bytes;
  bytes.append(std::string(1000, 'a'));
  bytes.consume(990);
  const char* const block = bytes.view().data() - 990;
  bytes.append(std::string(500, 'b'));
  EXPECT_EQ(bytes.view().data(), block);
  EXPECT_EQ(bytes.view(), std::string(10, 'a') + std::string(500, 'b'));
}

TEST(Bytes, MovedTheyLeaveNothingBehind) {
  Bytes from;
  from.append("abc");
  Bytes to(std::move(from));
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(to.view(), "abc");
  Bytes other;
  other.append("xyz");
  other = std::exchange(to, {});
  EXPECT_TRUE(to.empty());
  EXPECT_EQ(other.view(), "abc");
}

}  // namespace
}  // namespace weir::net
