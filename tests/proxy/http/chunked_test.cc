#include "proxy/http/chunked.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace weir::http {
namespace {

using State = ChunkReader::State;
using Keep = ChunkReader::Keep;
using namespace std::string_literals;

struct Read {
  State state = State::more;
  std::string out;
  size_t consumed = 0;
  uint64_t data = 0;
  bool operator==(const Read&) const = default;
};

/// Reads `body` in pieces that end at `cuts` (ascending).
Read read(const std::string& body, const std::vector<size_t>& cuts, Keep keep) {
  ChunkReader reader(keep);
  Read result;
  size_t from = 0;
  for (size_t i = 0; i <= cuts.size() && result.state == State::more; ++i) {
    const size_t to = i < cuts.size() ? cuts[i] : body.size();
    const std::vector<char> piece(body.begin() + static_cast<std::ptrdiff_t>(from),
                                  body.begin() + static_cast<std::ptrdiff_t>(to));
    result.state = reader.read({piece.data(), piece.size()});
    for (const std::string_view range : reader.ranges()) result.out += range;
    result.consumed += reader.consumed();
    from = to;
  }
  result.data = reader.data();
  return result;
}

Read whole(const std::string& body, Keep keep = Keep::framing) { return read(body, {}, keep); }

TEST(ChunkReader, PassesTheFramingOrTheDataAlone) {
  const std::string body = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
  const Read framed = whole(body + "GET /next");
  EXPECT_EQ(framed.state, State::done);
  EXPECT_EQ(framed.out, body);
  EXPECT_EQ(framed.consumed, body.size());
  EXPECT_EQ(framed.data, 11u);
  EXPECT_EQ(whole(body, Keep::data).out, "hello world");
}

TEST(ChunkReader, ExtensionsAndBlanksGoNoFurther) {
  EXPECT_EQ(whole("5;a=\"x;y\"\r\nhello\r\n0;last\r\n\r\n").out, "5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(whole("5 \t \r\nhello\r\n00 ; a\r\n\r\n").out, "5\r\nhello\r\n00\r\n\r\n");
}

TEST(ChunkReader, TrailersThatCouldChangeTheMessageGoNoFurther) {
  const Read read = whole(
      "0\r\nX-Checksum: abc\r\nHost: evil\r\nCONTENT-LENGTH: 5\r\nTransfer-Encoding: chunked\r\nX-Weir-Version: new\r\n"
      "x-forwarded-for: 1.2.3.4\r\nClient-Cert: :aGk=:\r\nClient_Cert: :aGk=:\r\nX_Weir-Version: "
      "new\r\nX_Forwarded_For: 1.2.3.4\r\nCookie: uid=1\r\nServer-Timing: a\r\n\r\n");
  EXPECT_EQ(read.state, State::done);
  EXPECT_EQ(read.out, "0\r\nX-Checksum: abc\r\nServer-Timing: a\r\n\r\n");
}

const std::vector<std::string> kWrong = {
    "\r\n",
    "x\r\n",
    " 5\r\nhello\r\n",
    "0x5\r\nhello\r\n",
    "+5\r\nhello\r\n",
    "-1\r\n",
    ";a\r\n",
    "5\nhello\r\n",
    "5\r\r\nhello",
    "5 5\r\nhello\r\n",
    "5;a\x01\r\nhello\r\n",
    "5;a\nb\r\nhello\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "10000000000000005\r\nhello\r\n",
    "0000000000000005\r\nhello\r\n",
    "0\r\nno colon\r\n\r\n",
    "0\r\nX : a\r\n\r\n",
    "0\r\n: a\r\n\r\n",
    "0\r\nX: a\r\n folded\r\n\r\n",
    "0\r\nX: a\0b\r\n\r\n"s,
    "0\r\nX: a\nY: b\r\n\r\n",
    "0\r\n\rX: a\r\n\r\n",
};

TEST(ChunkReader, WhatIsWrongIsMalformedAtAnyCut) {
  for (const std::string& body : kWrong) {
    for (size_t cut = 0; cut <= body.size(); ++cut) {
      ASSERT_EQ(read(body, {cut}, Keep::framing).state, State::malformed) << body << " cut at " << cut;
    }
  }
}

TEST(ChunkReader, StaysMalformedAndStaysDone) {
  ChunkReader wrong;
  wrong.read("x");
  EXPECT_EQ(wrong.read("5\r\nhello\r\n0\r\n\r\n"), State::malformed);
  EXPECT_EQ(wrong.consumed(), 0u);
  ChunkReader done;
  done.read("0\r\n\r\n");
  EXPECT_EQ(done.read("5\r\n"), State::done);
  EXPECT_EQ(done.consumed(), 0u);
}

TEST(ChunkReader, TheLargestChunkIsOfSixtyBits) {
  ChunkReader reader;
  EXPECT_EQ(reader.read("fffffffffffffff\r\nabc"), State::more);
  EXPECT_EQ(reader.data(), 3u);
}

TEST(ChunkReader, ExtensionsAndTrailersWithoutEndAreGivenUp) {
  const std::string much(20'000, 'a');
  EXPECT_EQ(whole("5;" + much).state, State::malformed);
  EXPECT_EQ(whole("0\r\nX: " + much).state, State::malformed);
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "1;abcd\r\nx\r\n";  // each small, together not
  EXPECT_EQ(whole(many).state, State::malformed);
  EXPECT_EQ(whole("0\r\nX: " + much.substr(0, 10'000) + "\r\n\r\n").state, State::done);
}

TEST(ChunkReader, HowABodyIsCutIntoPiecesChangesNothing) {
  std::mt19937 random(11);
  const auto below = [&](size_t most) { return static_cast<size_t>(random() % most); };
  for (int round = 0; round < 3'000; ++round) {
    std::string body, data;
    for (size_t chunks = below(5); chunks-- > 0;) {
      std::string piece;
      for (size_t size = 1 + below(below(8) == 0 ? 500 : 20); size-- > 0;) piece += "ab\r\n0;"[below(6)];
      char size_text[20];
      std::snprintf(size_text, sizeof size_text, below(2) ? "%zx" : "%04zX", piece.size());
      body += size_text + std::string(std::vector<std::string>{"", ";ext=1", " ", "; q=\"a;b\""}[below(4)]) + "\r\n" +
              piece + "\r\n";
      data += piece;
    }
    body += "0\r\n";
    for (size_t trailers = below(3); trailers-- > 0;)
      body += std::vector<std::string>{"X-A: 1\r\n", "Host: a\r\n", "Y:\r\n"}[below(3)];
    body += "\r\n";
    const bool damaged = below(4) == 0;
    if (damaged) body[below(body.size())] = "\n\rx;0 "[below(6)];
    body += "next";
    for (const Keep keep : {Keep::framing, Keep::data}) {
      const Read expected = whole(body, keep);
      if (!damaged) {
        ASSERT_EQ(expected.state, State::done) << body;
        ASSERT_EQ(expected.consumed, body.size() - 4);
      }
      if (!damaged && keep == Keep::data) {
        ASSERT_EQ(expected.out, data);
      }
      std::vector<size_t> cuts;
      for (size_t at = below(4); at < body.size(); at += 1 + below(round % 3 == 0 ? 2 : 40)) cuts.push_back(at);
      const Read cut = read(body, cuts, keep);
      ASSERT_EQ(cut.state, expected.state) << body;
      if (expected.state == State::malformed) continue;
      ASSERT_EQ(cut.out, expected.out) << body;
      ASSERT_EQ(cut.data, expected.data) << body;
      ASSERT_EQ(cut.consumed, expected.consumed) << body;
    }
  }
}

TEST(ChunkReader, WhatItPassesReadsAsTheSameBody) {
  const std::string body = "3;x\r\nabc\r\n0a \r\n0123456789\r\n0\r\nX-A: 1\r\nTE: x\r\n\r\n";
  const Read once = whole(body);
  const Read twice = whole(once.out);
  EXPECT_EQ(twice.out, once.out);
  EXPECT_EQ(twice.data, once.data);
  EXPECT_EQ(twice.state, State::done);
}

}  // namespace
}  // namespace weir::http
