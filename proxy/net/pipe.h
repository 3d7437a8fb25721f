// A pipe through which bytes go from one socket to another without being copied to this process
// (splice(2)). Lent by the thread, which keeps a few.
#pragma once

#include <cstddef>
#include <utility>

namespace weir::net {

/// Empty (`!open()`) until `acquire` succeeds; loop's thread.
class Pipe {
 public:
  Pipe() = default;
  Pipe(Pipe&& other) noexcept
      : read_end_(std::exchange(other.read_end_, -1)),
        write_end_(std::exchange(other.write_end_, -1)),
        capacity_(other.capacity_),
        held_(std::exchange(other.held_, 0)) {}
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe() { give_back(); }

  /// False where the kernel gives none (descriptors, pipe-user-pages-soft): copy instead.
  bool acquire();
  /// To the thread if it is empty; else closed, with what it holds.
  void give_back();

  /// Once a tick: one of the thread's idle pipes is closed, so that none stays when nobody needs them.
  static void close_an_idle_one();

  bool open() const { return read_end_ >= 0; }
  size_t held() const { return held_; }
  size_t room() const { return capacity_ - held_; }

 private:
  friend class Stream;
  friend struct FreePipes;

  int read_end_ = -1;
  int write_end_ = -1;
  size_t capacity_ = 0;
  size_t held_ = 0;  // EAGAIN is ambiguous: pipe full, or socket empty; this tells which
};

}  // namespace weir::net
