#include "proxy/crew.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "proxy/net/time_slice.h"

namespace weir::proxy {

/// One worker with its listeners; after `start` they belong to its thread.
struct Crew::Member {
  Member(size_t index, metrics::Registry& registry, log::AccessLog& access_log) : worker(index, registry, access_log) {
    worker.on_tick([this] { tick(); });
  }

  void publish(std::shared_ptr<const Publication> publication, const std::vector<FreshListener>& fresh,
               Doorstep& doorstep) {
    worker.adopt(publication);
    for (const FreshListener& listener : fresh) {
      const ListenSocket socket{listener.descriptors[worker.index()], listener.shared};
      listeners.emplace(listener.site->id, std::make_unique<Listener>(worker, doorstep, listener.site, socket));
    }
    for (auto& [id, listener] : listeners) {
      const auto site = std::ranges::find(publication->listeners, id, [](const auto& known) { return known->id; });
      if (site != publication->listeners.end()) {
        listener->update(*site);
      } else {
        listener->close();
      }
    }
  }

  void adopt(const Accepted& accepted) {
    const auto found = listeners.find(accepted.listener);
    if (found == listeners.end()) {
      ::close(accepted.fd);
    } else {
      found->second->adopt(accepted.fd, accepted.peer);
    }
    accepted.counted_in->shard(worker.index()).arriving.fetch_sub(1, std::memory_order_relaxed);
  }

  void drain() {
    worker.begin_draining();
    for (auto& [id, listener] : listeners) listener->end_idle();
  }

  void retire() {
    worker.begin_draining();
    for (auto& [id, listener] : listeners) listener->stop_accepting();
  }

  void close_listeners() {
    for (auto& [id, listener] : listeners) {
      listener->close();
      listener->wake_sessions();
    }
  }

  void tick() {
    for (auto at = listeners.begin(); at != listeners.end();) {
      at->second->tick();
      at = at->second->closed() && at->second->unused() ? listeners.erase(at) : std::next(at);
    }
  }

  Worker worker;
  std::map<uint64_t, std::unique_ptr<Listener>> listeners;
  std::thread thread;
};

Crew::Crew(size_t workers, metrics::Registry& registry, log::AccessLog& access_log) {
  for (size_t i = 0; i < workers; ++i) members_.push_back(std::make_unique<Member>(i, registry, access_log));
  doorstep_.hand_over = [this](size_t worker, Accepted accepted) {
    Member& member = *members_[worker];
    member.worker.loop().post([&member, accepted] { member.adopt(accepted); });
  };
}

Crew::~Crew() { stop(); }

void Crew::publish(std::shared_ptr<const Publication> publication, std::vector<FreshListener> fresh,
                   std::function<void(size_t worker)> adopted) {
  auto sockets = std::make_shared<const std::vector<FreshListener>>(std::move(fresh));
  auto call = std::make_shared<const std::function<void(size_t)>>(std::move(adopted));
  for (const auto& member : members_) {
    member->worker.loop().post([this, &member = *member, publication, sockets, call] {
      member.publish(publication, *sockets, doorstep_);
      (*call)(member.worker.index());
    });
  }
}

void Crew::ask_each(std::function<void(size_t worker)> answered) {
  for (const auto& member : members_) {
    member->worker.loop().post([answered, worker = member->worker.index()] { answered(worker); });
  }
}

void Crew::wake_sessions() {
  for (const auto& member : members_) {
    member->worker.loop().post([&member = *member] {
      for (auto& [id, listener] : member.listeners) listener->wake_sessions();
    });
  }
}

void Crew::start() {
  net::SendBatch sends;
  if (const int refused = sends.start(); refused != 0) {
    spdlog::info("each send is a call of its own: the kernel gives no io_uring ({})", std::strerror(refused));
  }
  net::ask_for_slices(net::kOthersSlice);
  for (const auto& member : members_) {
    member->thread = std::thread([&member = *member] {
      net::ask_for_slices(net::kWorkersSlice);
      member.worker.loop().run();
    });
    pthread_setname_np(member->thread.native_handle(), ("weir-" + std::to_string(member->worker.index())).c_str());
  }
}

void Crew::drain() {
  for (const auto& member : members_) {
    member->worker.loop().post([&member = *member] { member.drain(); });
  }
}

void Crew::retire(std::function<void()> done) {
  for (const auto& member : members_) {
    member->worker.loop().post([&member = *member] { member.retire(); });
  }
  when_settled(std::move(done));
}

void Crew::close_listeners(std::function<void()> done) {
  for (const auto& member : members_) {
    member->worker.loop().post([&member = *member] { member.close_listeners(); });
  }
  when_settled(std::move(done));
}

/// Twice: what one worker accepted last may be on its way to another.
void Crew::when_settled(std::function<void()> done) {
  when_all_turned([this, done = std::move(done)] { when_all_turned(done); });
}

void Crew::when_all_turned(std::function<void()> done) {
  ask_each([left = std::make_shared<std::atomic<size_t>>(members_.size()), done = std::move(done)](size_t) {
    if (left->fetch_sub(1) == 1) done();
  });
}

void Crew::stop() {
  for (const auto& member : members_) {
    if (!member->thread.joinable()) continue;
    member->worker.loop().post([&member = *member] {
      member.listeners.clear();
      member.worker.finish();
    });
    member->worker.loop().stop();
  }
  for (const auto& member : members_) {
    if (member->thread.joinable()) member->thread.join();
  }
}

}  // namespace weir::proxy
