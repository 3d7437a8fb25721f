// One response, read as its bytes come in and held to what was asked for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::load {

class Reply {
 public:
  enum class State { more, whole, wrong };

  /// A body of `size` bytes is expected.
  void begin(size_t size);
  /// `bytes` is all that came since. Wrong: see `why`.
  State take(std::string_view bytes);

  /// The version that the body begins with: 'o' of old or 'n' of new; known once whole.
  char version() const { return version_; }
  const std::string& why() const { return why_; }
  bool begun() const { return !in_head_ || !held_.empty(); }

 private:
  State wrong(std::string_view what, std::string_view bytes);
  State take_head(std::string_view bytes);

  size_t size_ = 0;
  size_t left_ = 0;  // of the body
  bool in_head_ = true;
  char version_ = 0;
  std::string held_;  // head and the body's first bytes, until they are whole
  std::string why_;
};

}  // namespace weir::load
