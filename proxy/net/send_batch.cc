#include "proxy/net/send_batch.h"

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "proxy/net/stream.h"

namespace weir::net {

namespace {
constexpr size_t kFewest = 2;  // from here on a call for all of them is cheaper than one each
}  // namespace

void SendBatch::Close::operator()(io_uring* ring) const {
  io_uring_queue_exit(ring);
  delete ring;
}

SendBatch::SendBatch() = default;
SendBatch::~SendBatch() = default;

int SendBatch::start() {
  auto ring = std::make_unique<io_uring>();
  // One thread submits, and only its own calls complete anything (Linux 6.1).
  const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (const int refused = io_uring_queue_init(kMost, ring.get(), flags); refused != 0) return -refused;
  ring_.reset(ring.release());
  io_uring_register_ring_fd(ring_.get());  // saves a look-up a call; it works without
  return 0;
}

SendBatch::Send* SendBatch::of(const Stream& stream) {
  const auto found = std::ranges::find(sends_, &stream, &Send::stream);
  return found == sends_.end() ? nullptr : &*found;
}

void SendBatch::replace(const Stream& stream, std::string_view bytes) {
  if (Send* const send = of(stream)) send->bytes = bytes;
}

void SendBatch::forget(const Stream& stream) {
  if (Send* const send = of(stream)) send->stream = nullptr;
}

void SendBatch::submit() {
  std::erase_if(sends_, [](const Send& send) { return send.stream == nullptr; });
  if (ring_ && sends_.size() >= kFewest) submit_together();
  for (const Send& send : sends_) {
    if (send.stream != nullptr) send.stream->send_now(send.bytes);
  }
  sends_.clear();
}

/// A turn may have kept more than the ring holds: they go in as there is room.
void SendBatch::submit_together() {
  size_t prepared = 0, told = 0;
  while (told < sends_.size()) {
    for (; prepared < sends_.size(); ++prepared) {
      io_uring_sqe* const sqe = io_uring_get_sqe(ring_.get());
      if (sqe == nullptr) break;
      const Send& send = sends_[prepared];
      io_uring_prep_send(sqe, send.stream->descriptor(), send.bytes.data(), send.bytes.size(),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
      io_uring_sqe_set_data64(sqe, prepared);
    }
    // They are tried at once, so that there is hardly ever anything to wait for.
    int result = io_uring_submit(ring_.get());
    size_t count = take_outcomes();
    if (count == 0) {
      result = io_uring_submit_and_wait(ring_.get(), 1);
      count = take_outcomes();
    }
    told += count;
    // A ring that takes no more is given up: from now on each stream sends by itself.
    if (result <= 0 && result != -EINTR && count == 0) return ring_.reset();
  }
}

/// Tells the streams; returns how many.
size_t SendBatch::take_outcomes() {
  io_uring_cqe* outcome;
  unsigned head, count = 0;
  io_uring_for_each_cqe(ring_.get(), head, outcome) {
    Send& send = sends_[io_uring_cqe_get_data64(outcome)];
    std::exchange(send.stream, nullptr)->sent(outcome->res, send.bytes.size());
    ++count;
  }
  io_uring_cq_advance(ring_.get(), count);
  return count;
}

}  // namespace weir::net
