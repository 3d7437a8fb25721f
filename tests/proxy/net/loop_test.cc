#include "proxy/net/loop.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "proxy/net/task.h"
#include "tests/proxy/net/turning.h"

namespace weir::net {
namespace {

TEST(Loop, TasksOfEveryThreadRunEachOnceAndInTheirOrder) {
  constexpr int kThreads = 4, kTasks = 5'000;
  Loop loop;
  std::vector<std::vector<int>> ran(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kTasks; ++i) loop.post([&, t, i] { ran[static_cast<size_t>(t)].push_back(i); });
    });
  }
  EXPECT_TRUE(turn_until(loop, [&] {
    size_t all = 0;
    for (const auto& of_thread : ran) all += of_thread.size();
    return all == size_t{kThreads} * kTasks;
  }));
  for (auto& thread : threads) thread.join();
  for (const auto& of_thread : ran) {
    for (int i = 0; i < kTasks; ++i) ASSERT_EQ(of_thread[static_cast<size_t>(i)], i);
  }
}

TEST(Loop, ATaskThatPostsIsServedInALaterTurn) {
  Loop loop;
  int rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds < 100) return loop.post(again);
    loop.stop();
  };
  loop.post(again);
  loop.run();
  EXPECT_EQ(rounds, 100);
}

TEST(Loop, TheTickComesBesideWhateverElseRuns) {
  Loop loop;
  int ticks = 0;
  loop.on_tick([&] { ++ticks; });
  const Nanos begin = monotonic();
  EXPECT_TRUE(turn_until(loop, [&] { return ticks == 3; }));
  EXPECT_GE(monotonic() - begin, 2 * kTick);
}

Detached yielding(Waiter& waiter, const bool& enough, int& turns) {
  while (!enough) {
    ++turns;
    waiter.wake();
    co_await waiter.event();
  }
}

TEST(Waiter, WhoAlwaysYieldsKeepsNobodyFromTheirTurn) {
  Loop loop;
  Waiter greedy(loop), modest(loop);
  bool enough = false;
  int greedy_turns = 0, modest_turns = 0, ticks = 0;
  loop.on_tick([&] { ++ticks; });
  yielding(greedy, enough, greedy_turns).start();
  yielding(modest, enough, modest_turns).start();
  EXPECT_TRUE(turn_until(loop, [&] { return ticks == 2; }));  // mail and ticks get in, too
  EXPECT_GT(modest_turns, 1);
  EXPECT_NEAR(greedy_turns, modest_turns, 1);
  enough = true;
  turn(loop);
}

Detached counting(Waiter& waiter, int& events) {
  for (;;) {
    co_await waiter.event();
    ++events;
  }
}

TEST(Waiter, WakesOfOneTurnAreOneEvent) {
  Loop loop;
  Waiter waiter(loop);
  int events = 0;
  Detached task = counting(waiter, events);
  task.start();
  for (int i = 0; i < 5; ++i) waiter.wake();
  turn(loop);
  EXPECT_EQ(events, 1);
  waiter.wake();
  turn(loop);
  EXPECT_EQ(events, 2);
  task.destroy();
}

TEST(Waiter, AWakeBeforeAnybodyWaitsIsKept) {
  Loop loop;
  Waiter waiter(loop);
  waiter.wake();
  turn(loop);
  int events = 0;
  Detached task = counting(waiter, events);
  task.start();
  EXPECT_EQ(events, 1);
  task.destroy();
}

struct Sleeper {
  explicit Sleeper(Loop& loop) : waiter(loop) {}
  Waiter waiter;
  Detached task;
};

Detached ending(std::vector<std::unique_ptr<Sleeper>>& all, size_t self, size_t victim, int& ran) {
  co_await all[self]->waiter.event();
  ++ran;
  if (all[victim]) {
    all[victim]->task.destroy();
    all[victim].reset();
  }
}

TEST(Waiter, MayEndWhileItIsWoken) {
  Loop loop;
  std::vector<std::unique_ptr<Sleeper>> all;
  int ran = 0;
  for (size_t i = 0; i < 10; ++i) all.push_back(std::make_unique<Sleeper>(loop));
  for (size_t i = 0; i < 10; ++i) {
    all[i]->task = ending(all, i, i ^ 1, ran);  // each ends its neighbour
    all[i]->task.start();
  }
  for (const auto& sleeper : all) sleeper->waiter.wake();
  turn(loop);
  EXPECT_EQ(ran, 5);
  {
    Waiter brief(loop);
    brief.wake();
  }
  turn(loop);
}

}  // namespace
}  // namespace weir::net
