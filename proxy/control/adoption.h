// Which workers decide by which publication, and who waits for it. Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <vector>

namespace weir::control {

class Adoption {
 public:
  Adoption(boost::asio::io_context& io, size_t workers) : io_(io), adopted_(workers) {}

  /// A publication goes out; they are adopted in the order of their numbers.
  uint64_t published() { return ++published_; }
  void adopted(size_t worker, uint64_t publication);

  /// Calls `done` once every worker decides by the last publication (at once if they do), or after
  /// `patience` with the number of those that do not.
  void wait(std::chrono::milliseconds patience, std::function<void(size_t pending)> done);
  bool by_all() const { return pending(published_) == 0; }

 private:
  struct Waiting {
    Waiting(boost::asio::io_context& io, uint64_t number, std::function<void(size_t)> call)
        : publication(number), done(std::move(call)), timer(io) {}
    uint64_t publication;
    std::function<void(size_t)> done;
    boost::asio::steady_timer timer;
  };
  size_t pending(uint64_t publication) const;
  void finish(uint64_t number);

  boost::asio::io_context& io_;
  std::vector<uint64_t> adopted_;  // by worker
  uint64_t published_ = 0;
  std::map<uint64_t, Waiting> waiting_;  // in the order in which they came
  uint64_t last_waiting_ = 0;
};

}  // namespace weir::control
