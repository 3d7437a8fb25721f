#include "proxy/net/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/net/loop.h"

namespace weir::net {
namespace {

Task<int> leaf(int value) { co_return value; }

Task<int> sum(int depth) {
  if (depth == 0) co_return 0;
  const int rest = co_await sum(depth - 1);
  const int own = co_await leaf(depth);
  co_return rest + own;
}

Detached collect(int depth, int& out) { out = co_await sum(depth); }

TEST(Task, NestedTasksHandTheirValuesUp) {
  int out = 0;
  Detached task = collect(50, out);
  EXPECT_EQ(out, 0) << "ran before it was started";
  task.start();
  EXPECT_EQ(out, 50 * 51 / 2);
}

struct Told {
  std::vector<std::string>& story;
  std::string name;
  Told(std::vector<std::string>& to, std::string what) : story(to), name(std::move(what)) {}
  ~Told() { story.push_back(name); }
};

Task<int> waiting(Waiter& waiter, std::vector<std::string>& story) {
  const Told told(story, "inner");
  co_await waiter.event();
  co_return 1;
}

Detached outer(Waiter& waiter, std::vector<std::string>& story) {
  const Told told(story, "outer");
  co_await waiting(waiter, story);
  story.push_back("over");
}

TEST(Task, DestroyedWhileItWaitsEveryFrameIsUnwoundFromTheInside) {
  Loop loop;
  Waiter waiter(loop);
  std::vector<std::string> story;
  Detached task = outer(waiter, story);
  task.start();
  EXPECT_TRUE(story.empty());
  task.destroy();
  EXPECT_EQ(story, (std::vector<std::string>{"inner", "outer"}));
}

TEST(Task, AValueThatIsOnlyMovableComesThrough) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  const auto take = [](auto maker, int& out) -> Detached {
    const std::unique_ptr<int> got = co_await maker();
    out = *got;
  };
  int out = 0;
  take(make, out).start();
  EXPECT_EQ(out, 7);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Task, AFrameThatIsOverIsUsedAgain) {
  void* const first = acquire_frame(200);
  release_frame(first, 200);
  EXPECT_EQ(acquire_frame(193), first) << "of the same step";
  release_frame(first, 193);
  void* const larger = acquire_frame(300);
  EXPECT_NE(larger, first);
  release_frame(larger, 300);
  void* const huge = acquire_frame(100'000);
  release_frame(huge, 100'000);
}
#endif

}  // namespace
}  // namespace weir::net
