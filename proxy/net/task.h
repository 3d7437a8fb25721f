// A lean coroutine: lazily started, awaited once, on one thread; frames come from a free list.
// (g++ 12 destroys aggregate temporaries and capturing lambdas in an awaiting expression twice:
// name it, then await it.)
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <utility>

namespace weir::net {

/// Frames of this thread's coroutines, kept by size once used: no allocation per request.
void* acquire_frame(size_t size);
void release_frame(void* frame, size_t size) noexcept;

namespace detail {
struct PooledFrame {
  static void* operator new(size_t size) { return acquire_frame(size); }
  static void operator delete(void* frame, size_t size) noexcept { release_frame(frame, size); }
};
}  // namespace detail

/// The result of a coroutine that its caller awaits.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::PooledFrame {
    T value{};
    std::coroutine_handle<> caller;

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct BackToCaller {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(Handle self) noexcept { return self.promise().caller; }
        void await_resume() noexcept {}
      };
      return BackToCaller{};
    }
    void return_value(T result) { value = std::move(result); }
    [[noreturn]] void unhandled_exception() { std::terminate(); }  // the data path throws nothing
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const { return false; }
  Handle await_suspend(std::coroutine_handle<> caller) {
    handle_.promise().caller = caller;
    return handle_;
  }
  T await_resume() { return std::move(handle_.promise().value); }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

/// A coroutine that nobody awaits: it is started by its owner and destroys its frame at its end.
/// The owner may `destroy` it earlier, while it is suspended.
class Detached {
 public:
  struct promise_type : detail::PooledFrame {
    Detached get_return_object() { return Detached(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    [[noreturn]] void unhandled_exception() { std::terminate(); }
  };

  Detached() = default;
  void start() { handle_.resume(); }
  void destroy() { handle_.destroy(); }

 private:
  explicit Detached(std::coroutine_handle<> handle) : handle_(handle) {}
  std::coroutine_handle<> handle_;
};

}  // namespace weir::net
