// One response, read as its bytes come in and held to what was asked for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::load {

class Reply {
 public:
  enum class State { more, whole, refused, wrong };

  /// A body of `size` bytes is expected; or, if it may be refused, a 503 with Retry-After and Proxy-Status.
  void begin(size_t size, bool may_be_refused = false);
  /// `bytes` is all that came since. Wrong: see `why`.
  State take(std::string_view bytes);

  /// The version that the body begins with: 'o' of old or 'n' of new; known once whole, and not refused.
  char version() const { return version_; }
  const std::string& why() const { return why_; }
  bool begun() const { return !in_head_ || !held_.empty(); }

 private:
  State wrong(std::string_view what, std::string_view bytes);
  State take_head(std::string_view bytes);
  State take_refusal(std::string_view head, size_t body);

  size_t size_ = 0;
  size_t left_ = 0;  // of the body
  bool in_head_ = true;
  bool may_be_refused_ = false, refused_ = false;
  char version_ = 0;
  std::string held_;  // head and the body's first bytes, until they are whole
  std::string why_;
};

}  // namespace weir::load
