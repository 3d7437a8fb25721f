// Rollouts under way: their timer, what the workers tell them, what is kept of them, and what they publish.
// What is judged is routing's (routing/rollout/controller.h). Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "proxy/control/journal.h"
#include "proxy/control/publisher.h"
#include "proxy/evidence/tally.h"
#include "routing/rollout/freeze.h"

namespace weir::control {

class RolloutHooks;

struct RolloutsParts {
  boost::asio::io_context& io;
  Publisher& publisher;
  Store& store;
  Feed& feed;
  metrics::Registry& registry;
  std::function<void()> wake_sessions;  // so that they look whether their candidate was closed
};

/// A step of a rollout, as its history tells it.
struct RolloutEntry {
  std::chrono::system_clock::time_point at;
  routing::rollout::Transition transition;
  std::string author;
};

/// One service's rollout.
struct Run {
  routing::rollout::Plan plan;
  routing::rollout::State state;
  std::chrono::nanoseconds slow{};  // the stable version's p99 as this stage began, and 50 ms; 0: not known yet
  std::deque<RolloutEntry> history;
  std::map<std::string, uint64_t> transitions;
  uint64_t revision = 0;  // of the split, as the rollout left it
  std::vector<routing::rollout::Freeze> freezes;
  std::vector<config::RolloutHook> hooks;

  std::shared_ptr<evidence::Tally> tally;
  std::vector<std::shared_ptr<evidence::Tally>> before;  // of earlier shares, while requests count into them
  std::array<routing::rollout::Count, 2> counted;        // of the tally, by the judge
  uint64_t diverted = 0;                                 // likewise
  metrics::Histogram judged_after;                       // from the counting of a bad event to the look that judged it
  bool unsaved = false;
};

class Rollouts {
 public:
  explicit Rollouts(RolloutsParts parts);
  ~Rollouts();

  /// Once a configuration is in force: goes on with what was kept in `state`, or without it with what the weir before
  /// left in `records`.
  config::Problems begin(const std::optional<config::State>& state, std::vector<std::string> records = {});
  void stop();
  /// Pauses; what is kept is another process' from here on. The records, as `begin` takes them.
  std::vector<std::string> hand_over();
  /// After that, where the other process has failed: all is as before, and kept again as soon as it has let go of the
  /// directory.
  void go_on();

  std::optional<std::string> shown(const std::string& service) const;
  RolloutOutcome tell(const RolloutWish& wish);
  /// A user said that the version it is on is a bad one.
  void note_rating(const std::string& service, const evidence::BadEvent& event);
  /// A stage without a way back was reached: a rollback must be forced.
  bool past_no_return(const std::string& service) const;
  /// What the metrics page tells of them.
  void fill(metrics::Facts& facts) const;

 private:
  using Step = routing::rollout::Step;

  void pause();
  void open_again();
  void read(const std::vector<std::string>& records);
  void resume(Run& run);
  void adopt_plans();
  void look_later();
  void look_at_all();
  void listen();
  void look(Run& run, std::chrono::milliseconds passed, bool at_users);
  /// Gives when each was counted.
  std::vector<std::chrono::nanoseconds> take_events(Run& run);
  void notice_others(Run& run);
  void follow(Run& run, const Step& step, const std::string& author);
  void publish(Run& run, const Step& step, const std::string& why, const std::string& author);
  void renew_tally(Run& run);
  void find_slow_mark(Run& run);
  std::chrono::nanoseconds slow_mark(const routing::rollout::Plan& plan) const;
  void tell_step(Run& run, const routing::rollout::Transition& transition, const std::string& author);
  void save();
  std::vector<std::string> records() const;
  const config::Service* find(const std::string& service) const;

  static constexpr std::chrono::milliseconds kBetweenLooks{200};
  static constexpr int kLooksBetweenUsers = 5;
  static constexpr int kLooksBetweenSaves = 25;
  static constexpr const char* kItself = "weir";  // the author of steps that nobody asked for

  RolloutsParts parts_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<evidence::Bell> bell_;
  boost::asio::posix::stream_descriptor bell_rope_;
  std::unique_ptr<RolloutHooks> hooks_;
  std::unique_ptr<Journal> journal_;  // null: nothing outlives the process
  std::string handed_over_;           // the directory of the journal that was; empty: none
  std::map<std::string, Run> runs_;
  std::string plans_of_;  // hash of the configuration that the plans are of
  std::chrono::steady_clock::time_point looked_;
  int looks_ = 0;
  bool paused_ = false;
};

}  // namespace weir::control
