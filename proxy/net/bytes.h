// Bytes that have to wait: a queue in a block that its thread reuses. Empty, it holds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace weir::net {

/// Grows as needed; loop's thread (blocks come from that thread's free lists).
class Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}
  Bytes& operator=(Bytes&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    return *this;
  }
  ~Bytes() { clear(); }

  bool empty() const { return begin_ == end_; }
  size_t size() const { return end_ - begin_; }
  std::string_view view() const { return {data_ + begin_, size()}; }
  void append(std::string_view bytes);
  /// Room for at least `size` bytes behind the end; `grow` makes what was written there part of it.
  std::span<char> room(size_t size);
  void grow(size_t size) { end_ += static_cast<uint32_t>(size); }
  /// Drops bytes at the front; gives the block back when nothing is left.
  void consume(size_t size);
  /// Gives the block back.
  void clear();

 private:
  void make_room(size_t size);

  char* data_ = nullptr;
  uint32_t capacity_ = 0;
  uint32_t begin_ = 0;
  uint32_t end_ = 0;
};

}  // namespace weir::net
