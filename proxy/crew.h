// The workers and their threads: each has a loop, a world and its listeners.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "proxy/listener.h"
#include "proxy/worker.h"

namespace weir::proxy {

class Crew {
 public:
  Crew(size_t workers, metrics::Registry& registry, log::AccessLog& access_log);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// A listener that the workers do not have yet: one descriptor each.
  struct FreshListener {
    std::shared_ptr<const ListenerSite> site;
    std::vector<int> descriptors;
    bool shared = false;
  };

  /// Hands a publication to every worker; `adopted` is called on each one's thread once it decides by it,
  /// in the order of publications. Any thread, but one at a time.
  void publish(std::shared_ptr<const Publication> publication, std::vector<FreshListener> fresh,
               std::function<void(size_t worker)> adopted);
  /// Calls `answered` on each worker's thread, between two of its turns.
  void ask_each(std::function<void(size_t worker)> answered);
  /// Every session looks whether something has changed for it.
  void wake_sessions();

  void start();
  /// Idle connections end, busy ones when they are done; who still connects gets one request answered.
  void drain();
  /// No worker accepts any more, another process does: requests under way and to come are answered with
  /// `Connection: close`, idle connections stay until `close_listeners`. `done`: as below.
  void retire(std::function<void()> done);
  /// Every worker listens no more, and idle connections end. `done` is called, on one of their threads, once all that
  /// waited to be accepted is counted among `connections`.
  void close_listeners(std::function<void()> done);
  uint64_t connections() const { return doorstep_.connections.load(std::memory_order_relaxed); }
  /// Ends whatever is under way, and the threads.
  void stop();

 private:
  struct Member;
  void when_settled(std::function<void()> done);
  void when_all_turned(std::function<void()> done);

  Doorstep doorstep_;
  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace weir::proxy
