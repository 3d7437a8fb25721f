#include "proxy/handover.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "proxy/unit/estate.h"
#include "proxy/unit/notice.h"

namespace weir::proxy {

void Handover::begin(control::Operator::Upgraded done) {
  if (const std::string wrong = refusal(); !wrong.empty()) return done({.wrong = wrong});
  done_ = std::move(done);
  parts_.reload([this](const config::Problems& problems) {
    if (!problems.empty()) return end({.wrong = problems.front().text()});
    if (const std::string wrong = parts_.unready(); !wrong.empty()) return end({.wrong = wrong});
    start();
  });
}

std::string Handover::refusal() const {
  if (parts_.command.empty()) return "it was not started by `weir run`";
  if (done_) return "another upgrade is under way";
  if (std::string wrong = parts_.unready(); !wrong.empty()) return wrong;
  if (::getpid() == 1) return "it is the first process of its container, which would end with it";
  if (!parts_.store.catch_up()) return "the state cannot be written: " + parts_.store.error();
  return {};
}

void Handover::start() {
  spdlog::info("handing over to a new process of {}", parts_.command.front());
  unit::Estate estate;
  if (const std::string wrong = leave(estate); !wrong.empty()) return end({.wrong = wrong});
  stamp_ = stamp();
  successor_ = std::make_unique<unit::Successor>(parts_.io);
  successor_->start(parts_.command, estate, [this](const std::string& wrong) { ready(wrong); });
  if (estate.splits >= 0) ::close(estate.splits);
}

/// What no directory keeps goes on in memory.
std::string Handover::leave(unit::Estate& estate) {
  estate.listeners = parts_.publisher.legacy();
  estate.passed = parts_.passed.all();
  estate.admin = parts_.admin();
  estate.state_lock = parts_.store.lock_descriptor();
  if (parts_.store.remembers()) return {};
  estate.splits = unit::make_memory();
  estate.rollouts = rollouts_memory_ = unit::make_memory();
  if (estate.splits >= 0 && estate.rollouts >= 0 && unit::write_memory(estate.splits, parts_.store.dump())) return {};
  return std::string("no memory for what is to be handed over: ") + std::strerror(errno);
}

std::pair<std::string, uint64_t> Handover::stamp() const {
  return {parts_.publisher.current()->config().hash, parts_.store.steps()};
}

/// The new process would serve, or never will.
void Handover::ready(std::string wrong) {
  if (wrong.empty() && stamp() != stamp_) wrong = "splits or the file were changed meanwhile; ask again";
  if (wrong.empty()) wrong = parts_.unready();
  if (!wrong.empty()) return give_up(wrong);
  parts_.yield(true);
  const auto records = parts_.rollouts.hand_over();
  if (rollouts_memory_ >= 0 && !unit::write_memory(rollouts_memory_, records)) {
    spdlog::error("the rollouts are not handed over: {}", std::strerror(errno));
  }
  successor_->go([this](const std::string& why) { serving(why); });
}

/// Or it has failed with the state in its hands, which is this process' again then.
void Handover::serving(const std::string& wrong) {
  if (!wrong.empty()) {
    parts_.rollouts.go_on();
    parts_.yield(false);
    return give_up(wrong);
  }
  const pid_t process = successor_->id();
  unit::tell_main_process(process);
  successor_->confirm();
  spdlog::info("process {} has taken over", process);
  parts_.retire();
  end({.begun = true, .process = process});
}

void Handover::give_up(const std::string& wrong) {
  successor_.reset();
  end({.wrong = wrong, .begun = true});
}

void Handover::end(control::Upgrade upgrade) {
  if (rollouts_memory_ >= 0) ::close(std::exchange(rollouts_memory_, -1));
  std::exchange(done_, {})(std::move(upgrade));
}

}  // namespace weir::proxy
