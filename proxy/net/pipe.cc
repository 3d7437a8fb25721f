#include "proxy/net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <tuple>
#include <vector>

namespace weir::net {

namespace {
constexpr int kWanted = 1024 * 1024;  // pipe-max-size, unless an administrator lowered it
constexpr size_t kKept = 16;          // idle ones a thread
}  // namespace

struct FreePipes {
  std::vector<std::pair<int, int>> ends;
  std::vector<size_t> capacities;
  ~FreePipes() {
    for (const auto& [read_end, write_end] : ends) {
      ::close(read_end);
      ::close(write_end);
    }
  }
};

namespace {
thread_local FreePipes free_pipes;
}

bool Pipe::acquire() {
  if (!free_pipes.ends.empty()) {
    std::tie(read_end_, write_end_) = free_pipes.ends.back();
    capacity_ = free_pipes.capacities.back();
    free_pipes.ends.pop_back();
    free_pipes.capacities.pop_back();
    return true;
  }
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return false;
  const int size = ::fcntl(ends[1], F_SETPIPE_SZ, kWanted);
  const int given = size > 0 ? size : ::fcntl(ends[1], F_GETPIPE_SZ);
  read_end_ = ends[0];
  write_end_ = ends[1];
  capacity_ = given > 0 ? static_cast<size_t>(given) : 4096;
  return true;
}

void Pipe::close_an_idle_one() {
  if (free_pipes.ends.empty()) return;
  ::close(free_pipes.ends.front().first);
  ::close(free_pipes.ends.front().second);
  free_pipes.ends.erase(free_pipes.ends.begin());
  free_pipes.capacities.erase(free_pipes.capacities.begin());
}

void Pipe::give_back() {
  if (!open()) return;
  if (held_ == 0 && free_pipes.ends.size() < kKept) {
    free_pipes.ends.emplace_back(read_end_, write_end_);
    free_pipes.capacities.push_back(capacity_);
  } else {
    ::close(read_end_);
    ::close(write_end_);
  }
  read_end_ = write_end_ = -1;
  held_ = 0;
}

}  // namespace weir::net
