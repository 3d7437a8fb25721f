#include "bench/load/reply.h"

#include <string.h>

#include <algorithm>

#include "bench/load/head.h"

namespace weir::load {

namespace {
constexpr size_t kVersionBytes = 4;  // "old\n", "new\n"
}

void Reply::begin(size_t size, bool may_be_refused) {
  size_ = size;
  may_be_refused_ = may_be_refused;
  refused_ = false;
  in_head_ = true;
  version_ = 0;
  held_.clear();
}

Reply::State Reply::take(std::string_view bytes) {
  if (in_head_) {
    if (held_.empty()) return take_head(bytes);
    held_.append(bytes);
    const std::string held = std::move(held_);
    held_.clear();
    return take_head(held);
  }
  if (bytes.size() > left_) return wrong("bytes behind the response", bytes);
  left_ -= bytes.size();
  if (left_ > 0) return State::more;
  return refused_ ? State::refused : State::whole;
}

Reply::State Reply::take_head(std::string_view bytes) {
  const auto* end = static_cast<const char*>(memmem(bytes.data(), bytes.size(), "\r\n\r\n", 4));
  const size_t head_size = end == nullptr ? 0 : static_cast<size_t>(end - bytes.data()) + 4;
  if (head_size > 0 && (bytes.size() < 12 || bytes.substr(9, 3) != "200")) {
    if (may_be_refused_ && bytes.substr(9, 3) == "503")
      return take_refusal(bytes.substr(0, head_size), bytes.size() - head_size);
    return wrong("status is not 200", bytes);
  }
  if (head_size == 0 || bytes.size() < head_size + kVersionBytes) {
    held_.assign(bytes);
    return State::more;
  }
  const long long length = digits(header(bytes.substr(0, head_size), "Content-Length"));
  if (length != static_cast<long long>(size_)) return wrong("Content-Length is not what was asked for", bytes);
  const std::string_view body = bytes.substr(head_size);
  if (!body.starts_with("old\n") && !body.starts_with("new\n")) return wrong("the body names no version", bytes);
  version_ = body.front();
  if (body.size() > size_) return wrong("bytes behind the response", bytes);
  in_head_ = false;
  left_ = size_ - body.size();
  return left_ == 0 ? State::whole : State::more;
}

/// `body`: how many bytes of it are there already.
Reply::State Reply::take_refusal(std::string_view head, size_t body) {
  const long long length = digits(header(head, "Content-Length"));
  if (header(head, "Retry-After").empty()) return wrong("a refusal without Retry-After", head);
  if (header(head, "Proxy-Status").empty()) return wrong("a refusal without Proxy-Status", head);
  if (length < static_cast<long long>(body)) return wrong("a refusal of another length than its body", head);
  in_head_ = false;
  refused_ = true;
  left_ = static_cast<size_t>(length) - body;
  return left_ == 0 ? State::refused : State::more;
}

Reply::State Reply::wrong(std::string_view what, std::string_view bytes) {
  why_ = std::string(what) + ": " + std::string(bytes.substr(0, std::min<size_t>(bytes.size(), 300)));
  return State::wrong;
}

}  // namespace weir::load
