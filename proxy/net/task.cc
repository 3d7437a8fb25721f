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

constexpr size_t kStep = 16;      // as malloc's, which keeps 8 bytes of each for itself
constexpr size_t kClasses = 256;  // frames up to 4 KiB

size_t class_of(size_t size) { return (size + 7) / kStep; }
size_t size_of(size_t index) { return index * kStep + 8; }

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
  const size_t index = class_of(size);
  if (!kReuse || index >= kClasses) return ::operator new(size);
  FreeFrame*& first = free_frames.first[index];
  if (first) return std::exchange(first, first->next);
  return ::operator new(size_of(index));
}

void release_frame(void* frame, size_t size) noexcept {
  const size_t index = class_of(size);
  if (!kReuse || index >= kClasses) return ::operator delete(frame);
  FreeFrame*& first = free_frames.first[index];
  first = new (frame) FreeFrame{first};
}

}  // namespace weir::net
