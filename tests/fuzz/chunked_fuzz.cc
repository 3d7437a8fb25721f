// A chunked body: read at once and in pieces it is the same, and what goes on is the same body to another reader.
#include <string>
#include <vector>

#include "proxy/http/chunked.h"
#include "tests/fuzz/invariant.h"

namespace weir::http {
namespace {

using fuzz::hold;
using State = ChunkReader::State;

struct Reading {
  State state = State::more;
  std::string out;
  size_t consumed = 0;
  uint64_t data = 0;
};

/// Reads `bytes` in pieces of the sizes that `cuts` says, each in memory of its own.
Reading read(std::string_view bytes, ChunkReader::Keep keep, std::string_view cuts) {
  ChunkReader reader(keep);
  Reading reading;
  for (size_t at = 0, turn = 0; at < bytes.size() && reading.state == State::more; ++turn) {
    const size_t wish = cuts.empty() ? bytes.size() : 1 + static_cast<unsigned char>(cuts[turn % cuts.size()]) % 17;
    const std::vector<char> piece(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                  bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), at + wish)));
    reading.state = reader.read({piece.data(), piece.size()});
    hold(reader.consumed() <= piece.size(), "no more is consumed than there is");
    hold(reading.state != State::more || reader.consumed() == piece.size(), "all is consumed until the end");
    for (const std::string_view range : reader.ranges()) reading.out.append(range);
    reading.consumed += reader.consumed();
    at += piece.size();
  }
  reading.data = reader.data();
  return reading;
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace weir::http;
  using weir::fuzz::hold;
  if (size < 4) return 0;
  const std::string_view cuts = weir::fuzz::text_of(data, 4), bytes = weir::fuzz::text_of(data + 4, size - 4);
  const Reading whole = read(bytes, ChunkReader::Keep::framing, "");
  const Reading pieces = read(bytes, ChunkReader::Keep::framing, cuts);
  hold(whole.state == pieces.state, "pieces end as the whole does");
  const Reading bare = read(bytes, ChunkReader::Keep::data, cuts);
  hold(bare.state == whole.state, "whether the framing is kept changes nothing");
  if (whole.state == ChunkReader::State::malformed) return 0;
  hold(whole.consumed == pieces.consumed && whole.data == pieces.data, "pieces are as long as the whole");
  hold(whole.out == pieces.out, "pieces go on as the whole does");
  hold(bare.out.size() == bare.data, "without framing the data goes on, and no more");
  if (whole.state != ChunkReader::State::done) return 0;
  const Reading again = read(whole.out, ChunkReader::Keep::data, "");
  hold(again.state == ChunkReader::State::done && again.consumed == whole.out.size(), "what goes on is one whole body");
  hold(again.out == bare.out, "what goes on is the same body");
  hold(read(whole.out, ChunkReader::Keep::framing, "").out == whole.out, "what goes on needs no second filtering");
  return 0;
}
