#include "proxy/net/task.h"

#include <array>
#include <new>

namespace weir::net {

namespace {

// A sanitizer sees more when every frame is an allocation of its own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif

constexpr size_t kStep = 16;      // as malloc's
constexpr size_t kClasses = 256;  // frames up to 4 KiB

struct FreeFrame {
  FreeFrame* next;
};

struct FreeFrames {
  std::array<FreeFrame*, kClasses> first{};
  ~FreeFrames() {
    for (FreeFrame* frame : first) {
      while (frame) ::operator delete(std::exchange(frame, frame->next));
    }
  }
};
thread_local FreeFrames free_frames;

}  // namespace

void* acquire_frame(size_t size) {
  const size_t index = (size - 1) / kStep;
  if (!kReuse || index >= kClasses) return ::operator new(size);
  FreeFrame*& first = free_frames.first[index];
  if (first) return std::exchange(first, first->next);
  return ::operator new((index + 1) * kStep);
}

void release_frame(void* frame, size_t size) noexcept {
  const size_t index = (size - 1) / kStep;
  if (!kReuse || index >= kClasses) return ::operator delete(frame);
  FreeFrame*& first = free_frames.first[index];
  first = new (frame) FreeFrame{first};
}

}  // namespace weir::net
