// Where operators' wishes are taken: judged by the splits, kept by the store, published, and answered once
// every worker decides by them. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "proxy/control/feedbacks.h"
#include "proxy/control/publisher.h"
#include "proxy/control/rollouts.h"
#include "proxy/control/traffic.h"

namespace weir::control {

struct DeskParts {
  boost::asio::io_context& io;
  Publisher& publisher;
  Store& store;
  Feed& feed;
  Traffic& traffic;
  Rollouts& rollouts;
  Feedbacks& feedbacks;
  std::function<void(Publisher::Reloaded)> reload;
  std::function<void()> drain;
  std::function<bool()> draining;
  std::function<bool()> retired;  // another process has the state
  std::function<void(Operator::Upgraded)> upgrade;
  std::function<void()> wake_sessions;  // so that they look whether a tunnel is to end, or their candidate was closed
};

class Desk final : public Operator {
 public:
  explicit Desk(DeskParts parts) : parts_(std::move(parts)), catch_up_(parts_.io) {}

  std::optional<SplitInForce> split(const std::string& service) const override;
  std::vector<SplitInForce> splits() const override;
  std::vector<Change> history(const HistoryQuery& query) const override;

  void set_split(SplitWish wish, Done done) override;
  void rollback(RollbackWish wish, Done done) override;
  void reopen(std::string service, std::string reason, Author author, Done done) override;
  void revert(std::string service, uint64_t revision, std::string reason, Author author, Done done) override;

  std::optional<std::string> rollout(const std::string& service) const override {
    return parts_.rollouts.shown(service);
  }
  RolloutOutcome tell_rollout(const RolloutWish& wish) override;
  std::optional<std::string> feedback(const std::string& service, const std::string& version,
                                      size_t limit) const override {
    return parts_.feedbacks.shown(service, version, limit);
  }

  void reload(std::function<void(config::Problems)> done) override;
  void drain() override;
  void upgrade(Upgraded done) override { parts_.upgrade(std::move(done)); }

  uint64_t subscribe(Listen listen) override { return parts_.feed.subscribe(std::move(listen)); }
  void unsubscribe(uint64_t number) override { parts_.feed.unsubscribe(number); }

  /// Nothing is waited for any more.
  void stop();

 private:
  const config::Service* find(const std::string& service) const;
  Effect effect(const config::Service& service, const Shares& after, bool closes) const;
  Outcome outcome(const config::Service& service, const Judgement& judged) const;
  void change(const config::Service& service, Judgement judged, bool dry_run, Done done);
  void answer_when_adopted(const config::Service& service, Outcome outcome, Done done);
  void end_tunnels_after(const config::Service& service, std::chrono::seconds time);
  void end_tunnels(const std::string& service, const std::string& version);
  void catch_up_soon();

  static constexpr std::chrono::seconds kCatchUp{2};

  DeskParts parts_;
  boost::asio::steady_timer catch_up_;
  std::list<boost::asio::steady_timer> tunnel_timers_;
  bool catching_up_ = false;
};

}  // namespace weir::control
