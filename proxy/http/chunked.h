// The chunked coding, decoded strictly and in place (RFC 9112 §7.1).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/fault.h"

namespace weir::http {

/// Reads a chunked body piece by piece and says which ranges of the input go on: with the framing
/// kept (to a peer that reads chunks too), or the data alone. Chunk extensions go no further, nor
/// do trailer fields that could change a message's framing or routing (RFC 9110 §6.5.1).
class ChunkReader {
 public:
  enum class Keep { framing, data };
  enum class State { more, done, malformed };

  /// `refused_trailers`: names that this sender may not use, beside those that nobody may; must last.
  explicit ChunkReader(Keep keep = Keep::framing, std::span<const std::string> refused_trailers = {})
      : refused_trailers_(refused_trailers), keep_(keep) {}

  /// Consumes from `bytes` up to the end of the body; `consumed()` tells how many. The ranges that
  /// go on are in `ranges()`: views into `bytes` and, for trailers, into this object.
  State read(std::string_view bytes);

  size_t consumed() const { return consumed_; }
  const std::vector<std::string_view>& ranges() const { return ranges_; }
  /// Bytes of data seen so far, without framing.
  uint64_t data() const { return data_; }
  bool done() const { return step_ == Step::done; }

 private:
  enum class Step : uint8_t {
    size_first,
    size,
    size_blank,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer,
    done,
    malformed
  };
  bool read_line_byte(char c, const char* at);
  const char* read_trailer(const char* at, const char* end);
  bool begin_data();
  void pass(const char* from, size_t size, bool is_data);
  void fail() { step_ = Step::malformed; }

  static constexpr uint64_t kMaxExtensions = 16 * 1024;  // bytes of extensions in one body
  static constexpr size_t kMaxTrailers = 16 * 1024;

  std::span<const std::string> refused_trailers_;
  Keep keep_;
  Step step_ = Step::size_first;
  uint8_t digits_ = 0;
  uint64_t remaining_ = 0;
  uint64_t data_ = 0;
  uint64_t extensions_ = 0;
  size_t consumed_ = 0;
  std::vector<std::string_view> ranges_;
  std::string trailer_;      // gathered until it is whole
  std::string trailer_out_;  // what of it goes on
};

}  // namespace weir::http
