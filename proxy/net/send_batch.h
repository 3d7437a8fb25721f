// The sends of one turn, handed to the kernel in one call (io_uring(7)): what a turn writes on many connections
// leaves without a system call each, and the kernel's way down to the wire is walked while it is warm.
//
// Each send is tried once, without waiting, and its outcome is known when `submit` returns; nothing is under way
// after that. Loop's thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

struct io_uring;

namespace weir::net {

class Stream;

class SendBatch {
 public:
  SendBatch();
  ~SendBatch();
  SendBatch(const SendBatch&) = delete;
  SendBatch& operator=(const SendBatch&) = delete;

  /// Asks the kernel for a ring, on the thread that will submit; 0, or errno where it gives none (io_uring is
  /// switched off, too old, or forbidden): `open` stays false then, and streams send by themselves.
  int start();
  bool open() const { return ring_ != nullptr; }

  bool empty() const { return sends_.empty(); }
  /// It has to be submitted before more is added.
  bool full() const { return sends_.size() >= kMost; }
  /// `bytes` stay where they are until `submit` or `forget`. One send a stream.
  void add(Stream& stream, std::string_view bytes) { sends_.push_back({&stream, bytes}); }
  /// The stream's bytes have grown, and may have moved.
  void replace(const Stream& stream, std::string_view bytes);
  /// The stream ends before its bytes left.
  void forget(const Stream& stream);
  /// Sends all, and tells each stream what became of its own.
  void submit();

 private:
  struct Send {
    Stream* stream;  // null: forgotten
    std::string_view bytes;
  };
  struct Close {
    void operator()(io_uring* ring) const;
  };

  Send* of(const Stream& stream);
  void submit_together();
  size_t take_outcomes();

  static constexpr size_t kMost = 64;  // then they leave, so that the first does not wait for a long turn's end

  std::unique_ptr<io_uring, Close> ring_;
  std::vector<Send> sends_;
};

}  // namespace weir::net
