// Who waits for a place is served in turn, and nobody is forgotten.
#include "proxy/upstream/queue.h"

#include <gtest/gtest.h>

#include "tests/proxy/net/turning.h"

namespace weir::upstream {
namespace {

/// Three who wait, in this order.
struct Line {
  Line() {
    queue->configure(3);
    EXPECT_TRUE(first.join() && second.join() && third.join());
  }
  std::shared_ptr<Queue> queue = std::make_shared<Queue>();
  net::Loop loop;
  net::Waiter waiter{loop};
  Ticket first{*queue, loop, waiter}, second{*queue, loop, waiter}, third{*queue, loop, waiter};
};

TEST(Queue, IsCrowdedUntilWhoWasCalledHasItsPlace) {
  Line line;
  line.queue->place_freed();
  line.queue->place_freed();
  line.queue->place_freed();
  EXPECT_EQ(line.queue->waiting(), 0u);
  EXPECT_TRUE(line.queue->crowded()) << "the calls have not even arrived: nobody passes ahead";
  net::turn(line.loop);
  for (Ticket* ticket : {&line.first, &line.second, &line.third}) {
    ASSERT_TRUE(ticket->called());
    EXPECT_TRUE(line.queue->crowded());
    ticket->used();
  }
  EXPECT_FALSE(line.queue->crowded());
  EXPECT_EQ(line.queue->called(), 0u);
}

TEST(Queue, WhoLooksInVainKeepsItsTurn) {
  Line line;
  line.queue->call_all();
  net::turn(line.loop);
  ASSERT_TRUE(line.third.join() && line.first.join() && line.second.join());
  for (Ticket* next : {&line.first, &line.second, &line.third}) {
    line.queue->place_freed();
    net::turn(line.loop);
    EXPECT_TRUE(next->called());
  }
}

TEST(Queue, ACallToOneThatIsGoneGoesToTheNext) {
  Line line;
  {
    auto late = std::make_unique<Ticket>(*line.queue, line.loop, line.waiter);
    EXPECT_FALSE(late->join()) << "three may wait";
    line.queue->place_freed();
    net::turn(line.loop);
    ASSERT_TRUE(line.first.called());
    line.first.used();
    EXPECT_TRUE(late->join());
    line.queue->place_freed();
    line.queue->place_freed();
    line.queue->place_freed();  // the last is for `late`, which goes before it hears of it
  }
  Ticket last(*line.queue, line.loop, line.waiter);
  EXPECT_TRUE(last.join());
  net::turn(line.loop);
  EXPECT_TRUE(last.called());
}

}  // namespace
}  // namespace weir::upstream
