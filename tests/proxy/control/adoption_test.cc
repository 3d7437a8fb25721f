// An answer waits for every worker, and not for ever.
#include "proxy/control/adoption.h"

#include <gtest/gtest.h>

#include <optional>

namespace weir::control {
namespace {

using namespace std::chrono_literals;

struct Waiter {
  std::optional<size_t> pending;
  std::function<void(size_t)> call() {
    return [this](size_t left) { pending = left; };
  }
};

TEST(Adoption, NobodyIsWaitedForBeforeAnythingIsPublished) {
  boost::asio::io_context io;
  Adoption adoption(io, 2);
  Waiter waiter;
  adoption.wait(1s, waiter.call());
  EXPECT_EQ(waiter.pending, 0u);
}

TEST(Adoption, TheLastWorkerEndsTheWaiting) {
  boost::asio::io_context io;
  Adoption adoption(io, 2);
  Waiter waiter;
  const uint64_t number = adoption.published();
  adoption.wait(1h, waiter.call());
  adoption.adopted(0, number);
  EXPECT_EQ(waiter.pending, std::nullopt);
  adoption.adopted(1, number);
  EXPECT_EQ(waiter.pending, 0u);
}

TEST(Adoption, ALaterPublicationCountsForAnEarlierOne) {
  boost::asio::io_context io;
  Adoption adoption(io, 1);
  Waiter first, second;
  adoption.published();
  adoption.wait(1h, first.call());
  const uint64_t later = adoption.published();
  adoption.wait(1h, second.call());
  adoption.adopted(0, later - 1);
  EXPECT_EQ(first.pending, 0u);
  EXPECT_EQ(second.pending, std::nullopt);
  adoption.adopted(0, later);
  EXPECT_EQ(second.pending, 0u);
}

TEST(Adoption, AfterAWhileItIsToldHowManyAreMissing) {
  boost::asio::io_context io;
  Adoption adoption(io, 3);
  Waiter waiter;
  const uint64_t number = adoption.published();
  adoption.adopted(1, number);
  adoption.wait(10ms, waiter.call());
  io.run();
  EXPECT_EQ(waiter.pending, 2u);
}

TEST(Adoption, WhoIsToldMayWaitAgain) {
  boost::asio::io_context io;
  Adoption adoption(io, 1);
  Waiter second;
  const uint64_t number = adoption.published();
  adoption.wait(1h, [&](size_t) {
    adoption.published();
    adoption.wait(1h, second.call());
  });
  adoption.adopted(0, number);
  EXPECT_EQ(second.pending, std::nullopt);
  adoption.adopted(0, number + 1);
  EXPECT_EQ(second.pending, 0u);
}

}  // namespace
}  // namespace weir::control
