#include "proxy/net/bytes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <new>

namespace weir::net {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kReuse = false;
#else
constexpr bool kReuse = true;
#endif

constexpr size_t kSmallest = 1024;
constexpr size_t kClasses = 8;                   // 1 KiB … 128 KiB
constexpr size_t kKeptBytes = 16 * 1024 * 1024;  // of free blocks a thread

struct FreeBlock {
  FreeBlock* next;
};

struct FreeBlocks {
  std::array<FreeBlock*, kClasses> first{};
  size_t kept = 0;
  ~FreeBlocks() {
    for (FreeBlock* block : first) {
      while (block) ::operator delete(std::exchange(block, block->next));
    }
  }
};
thread_local FreeBlocks free_blocks;

size_t class_of(size_t capacity) { return static_cast<size_t>(std::countr_zero(capacity / kSmallest)); }

char* acquire_block(size_t capacity) {
  const size_t index = class_of(capacity);
  if (kReuse && index < kClasses && free_blocks.first[index]) {
    free_blocks.kept -= capacity;
    FreeBlock*& first = free_blocks.first[index];
    return reinterpret_cast<char*>(std::exchange(first, first->next));
  }
  return static_cast<char*>(::operator new(capacity));
}

void release_block(char* block, size_t capacity) {
  const size_t index = class_of(capacity);
  if (!kReuse || index >= kClasses || free_blocks.kept + capacity > kKeptBytes) return ::operator delete(block);
  free_blocks.kept += capacity;
  FreeBlock*& first = free_blocks.first[index];
  first = new (block) FreeBlock{first};
}

}  // namespace

void Bytes::append(std::string_view bytes) {
  if (bytes.empty()) return;
  std::memcpy(room(bytes.size()).data(), bytes.data(), bytes.size());
  grow(bytes.size());
}

std::span<char> Bytes::room(size_t size) {
  if (capacity_ - end_ < size) make_room(size);
  return {data_ + end_, capacity_ - end_};
}

void Bytes::make_room(size_t size) {
  const size_t held = this->size();
  const size_t capacity = std::bit_ceil(std::max(held + size, kSmallest));
  if (capacity <= capacity_) {
    std::memmove(data_, data_ + begin_, held);
  } else {
    char* const larger = acquire_block(capacity);
    if (held > 0) std::memcpy(larger, data_ + begin_, held);
    if (data_) release_block(data_, capacity_);
    data_ = larger;
    capacity_ = static_cast<uint32_t>(capacity);
  }
  begin_ = 0;
  end_ = static_cast<uint32_t>(held);
}

void Bytes::consume(size_t size) {
  begin_ += static_cast<uint32_t>(size);
  if (begin_ == end_) clear();
}

void Bytes::clear() {
  if (data_) release_block(data_, capacity_);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

}  // namespace weir::net
