// Bodies: lengths, transfer codings and chunks that have more than one reading are refused.
#include <fmt/format.h>

#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

struct Case {
  const char* name;
  std::string bytes;
  int status = 400;  // 0: any refusal
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

std::string with(std::string_view lines, std::string_view body = "hello") {
  return fmt::format("POST / HTTP/1.1\r\nHost: shop.example\r\n{}\r\n{}", lines, body);
}
std::string length(std::string_view value) { return with(fmt::format("Content-Length: {}\r\n", value)); }
std::string coding(std::string_view value) {
  return with(fmt::format("Transfer-Encoding: {}\r\n", value), "5\r\nhello\r\n0\r\n\r\n");
}
std::string chunked(std::string_view body) { return with("Transfer-Encoding: chunked\r\n", body); }

const std::string kHidden = "GET /hidden HTTP/1.1\r\nHost: shop.example\r\n\r\n";
const std::string kChunks = "5\r\nhello\r\n0\r\n\r\n";

class RefusedBody : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedBody, IsAnsweredAndNothingCompleteReachesTheOrigin) {
  Edge edge;
  expect_refused(edge, GetParam().bytes, GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    LengthAndChunked, RefusedBody,
    ::testing::Values(
        Case{"LengthFirst", with("Content-Length: 60\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + kHidden)},
        Case{"ChunkedFirst", with("Transfer-Encoding: chunked\r\nContent-Length: 60\r\n", "0\r\n\r\n" + kHidden)},
        Case{"ShortLengthLongChunk", with("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                                          fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", kHidden.size(), kHidden))},
        Case{"LengthZero", with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", kChunks)},
        Case{"OtherFieldsBetween",
             with("Content-Length: 5\r\nX-A: 1\r\nX-B: 2\r\nTransfer-Encoding: chunked\r\n", kChunks)},
        Case{"InOtherCase", with("CONTENT-LENGTH: 5\r\ntransfer-encoding: Chunked\r\n", kChunks)},
        Case{"OfAGet",
             "GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" +
                 kChunks},
        Case{"InHttp10", "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunks}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Length, RefusedBody,
    ::testing::Values(
        Case{"Plus", length("+5")}, Case{"Minus", length("-5")}, Case{"Hex", length("0x5")},
        Case{"LetterBehind", length("5a")}, Case{"LetterBefore", length("a5")}, Case{"Empty", length("")},
        Case{"Blank", length("   ")}, Case{"TwoBySpace", length("5 5")}, Case{"EqualByComma", length("5,5")},
        Case{"EqualByCommaAndSpace", length("5, 5")}, Case{"DifferentByComma", length("5, 6")},
        Case{"CommaBehind", length("5,")}, Case{"CommaBefore", length(",5")}, Case{"Semicolon", length("5;6")},
        Case{"Fraction", length("5.0")}, Case{"Exponent", length("5e0")}, Case{"Underscore", length("1_0")},
        Case{"Quoted", length("\"5\"")}, Case{"ArabicDigit", length("٥")}, Case{"Nul", length("5\0"s)},
        Case{"VerticalTab", length("\v5")}, Case{"Beyond64Bits", length("18446744073709551621") + kHidden, 0},
        Case{"FarBeyond64Bits", length("100000000000000000000000000005") + kHidden, 0},
        Case{"TwoDifferentLines", with("Content-Length: 5\r\nContent-Length: 47\r\n") + kHidden},
        Case{"TwoDifferentLinesLongFirst", with("Content-Length: 47\r\nContent-Length: 5\r\n") + kHidden},
        Case{"TwoEqualLines", with("Content-Length: 5\r\nContent-Length: 5\r\n")},
        Case{"EqualInValueNotInText", with("Content-Length: 5\r\nContent-Length: 05\r\n")},
        Case{"ThreeLines", with("Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 5\r\n")},
        Case{"SpaceBeforeColon", with("Content-Length : 5\r\n")}, Case{"Folded", with("Content-Length:\r\n 5\r\n")},
        Case{"OfAGetIsABadNumber", "GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5x\r\n\r\nhello"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Coding, RefusedBody,
    ::testing::Values(
        Case{"Unknown", coding("xchunked"), 0}, Case{"UnknownCow", coding("cow"), 501},
        Case{"UnknownWithALength", with("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n"), 0},
        Case{"Identity", coding("identity"), 0},
        Case{"IdentityWithALength", with("Transfer-Encoding: identity\r\nContent-Length: 5\r\n"), 0},
        Case{"ChunkedThenIdentity", coding("chunked, identity"), 0},
        Case{"IdentityThenChunked", coding("identity, chunked"), 0},
        Case{"ChunkedTwice", coding("chunked, chunked"), 0}, Case{"GzipThenChunked", coding("gzip, chunked"), 0},
        Case{"Gzip", coding("gzip"), 0}, Case{"ChunkedThenGzip", coding("chunked, gzip"), 0},
        Case{"WithParameter", coding("chunked;foo=bar"), 0}, Case{"CommaBefore", coding(",chunked"), 0},
        Case{"CommaBehind", coding("chunked,"), 0}, Case{"Quoted", coding("\"chunked\""), 0},
        Case{"InSingleQuotes", coding("'chunked'"), 0}, Case{"Empty", coding(""), 0}, Case{"Comma", coding(","), 0},
        Case{"Short", coding("chunk"), 0}, Case{"TwoWords", coding("chunked foo"), 0},
        Case{"VerticalTab", coding("\vchunked"), 0}, Case{"FormFeed", coding("chunked\f"), 0},
        Case{"Nul", coding("chun\0ked"s), 0}, Case{"HighByte", coding("chunked\xa0"), 0},
        Case{"FullWidth", coding("ｃｈｕｎｋｅｄ"), 0},
        Case{"TwoLines", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", kChunks), 0},
        Case{"TwoLinesIdentityFirst", with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", kChunks),
             0},
        Case{"TwoLinesIdentityLast", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", kChunks), 0},
        Case{"TwoLinesUnknownLast", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", kChunks), 0},
        Case{"SpaceBeforeColon", with("Transfer-Encoding : chunked\r\n", kChunks)},
        Case{"Folded", with("Transfer-Encoding:\r\n chunked\r\n", kChunks)},
        Case{"FoldedIdentity", with("Transfer-Encoding: chunked\r\n , identity\r\n", kChunks)},
        Case{"BehindABareLf", with("X-A: 1\nTransfer-Encoding: chunked\r\n", kChunks)},
        Case{"InHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunks}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Chunk, RefusedBody,
    ::testing::Values(
        Case{"SizeBeyond64Bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n" + kHidden)},
        Case{"SizeFarBeyond64Bits", chunked("ffffffffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
        Case{"NegativeSize", chunked("-5\r\nhello\r\n0\r\n\r\n")},
        Case{"PlusSize", chunked("+5\r\nhello\r\n0\r\n\r\n")}, Case{"HexPrefix", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
        Case{"NoSize", chunked("\r\nhello\r\n0\r\n\r\n")},
        Case{"OnlyAnExtension", chunked(";a=b\r\nhello\r\n0\r\n\r\n")},
        Case{"Letters", chunked("zz\r\nhello\r\n0\r\n\r\n")}, Case{"LetterBehind", chunked("5g\r\nhello\r\n0\r\n\r\n")},
        Case{"TwoSizes", chunked("5 5\r\nhello\r\n0\r\n\r\n")}, Case{"Comma", chunked("5,5\r\nhello\r\n0\r\n\r\n")},
        Case{"BlankBefore", chunked(" 5\r\nhello\r\n0\r\n\r\n")}, Case{"Nul", chunked("5\0\r\nhello\r\n0\r\n\r\n"s)},
        Case{"BareLfBehindSize", chunked("5\nhello\r\n0\r\n\r\n")},
        Case{"BareCrBehindSize", chunked("5\rhello\r\n0\r\n\r\n")},
        Case{"BareLfInAnExtension", chunked("5;a=\nb\r\nhello\r\n0\r\n\r\n")},
        Case{"BareCrInAnExtension", chunked("5;a=\rb\r\nhello\r\n0\r\n\r\n")},
        Case{"NulInAnExtension", chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"s)},
        Case{"NoCrlfBehindData", chunked("5\r\nhello0\r\n\r\n")},
        Case{"BareLfBehindData", chunked("5\r\nhello\n0\r\n\r\n")},
        Case{"BareCrBehindData", chunked("5\r\nhello\r0\r\n\r\n")},
        Case{"MoreDataThanSaid", chunked("5\r\nhello world\r\n0\r\n\r\n")},
        Case{"JunkBehindData", chunked("5\r\nhelloXX0\r\n\r\n")},
        Case{"BareLfBehindLastChunk", chunked("5\r\nhello\r\n0\n\r\n")},
        Case{"BareLfAtTheEnd", chunked("5\r\nhello\r\n0\r\n\n")},
        Case{"JunkBehindLastChunk", chunked("5\r\nhello\r\n0\r\nXX\r\n\r\n")},
        Case{"AChunkBehindTheLast", chunked("5\r\nhello\r\n0\r\n5\r\nhello\r\n0\r\n\r\n")},
        Case{"TrailerWithoutColon", chunked("5\r\nhello\r\n0\r\nX-A\r\n\r\n")},
        Case{"TrailerWithSpaceBeforeColon", chunked("5\r\nhello\r\n0\r\nX-A : 1\r\n\r\n")},
        Case{"TrailerFolded", chunked("5\r\nhello\r\n0\r\nX-A: 1\r\n 2\r\n\r\n")},
        Case{"TrailerFoldedBehindNothing", chunked("5\r\nhello\r\n0\r\nX-A:\r\n 2\r\n\r\n")},
        Case{"TrailerWithNul", chunked("5\r\nhello\r\n0\r\nX-A: \0\r\n\r\n"s)},
        Case{"TrailerWithBareLf", chunked("5\r\nhello\r\n0\r\nX-A: 1\nX-B: 2\r\n\r\n")}),
    name_of);

class ForwardedBody : public ::testing::TestWithParam<Case> {};

TEST_P(ForwardedBody, IsOneRequestWithTheBodyHello) {
  Edge edge;
  Request request = expect_forwarded(edge, GetParam().bytes);
  EXPECT_EQ(request.body, "hello");
}

INSTANTIATE_TEST_SUITE_P(
    Right, ForwardedBody,
    ::testing::Values(
        Case{"Length", length("5")}, Case{"LengthWithBlanks", length(" \t5 \t")},
        Case{"LengthWithoutBlank", with("Content-Length:5\r\n")}, Case{"LengthWithZeros", length("0005")},
        Case{"LengthOfAGet", "GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello"},
        Case{"LengthOfHttp10", "POST / HTTP/1.0\r\nHost: shop.example\r\nContent-Length: 5\r\n\r\nhello"},
        Case{"Chunked", coding("chunked")}, Case{"ChunkedInCapitals", coding("CHUNKED")},
        Case{"ChunkedBehindATab", coding("\tchunked")}, Case{"ChunkedWithBlanksBehind", coding("chunked \t")},
        Case{"ChunkedWithoutBlank", with("Transfer-Encoding:chunked\r\n", kChunks)},
        Case{"ChunkedOfAGet", "GET / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n" + kChunks},
        Case{"ChunkedWithAnUnderscoredTwin", with("Transfer_Encoding: identity\r\nContent-Length: 5\r\n")},
        Case{"SeveralChunks", chunked("1\r\nh\r\n2\r\nel\r\n2\r\nlo\r\n0\r\n\r\n")},
        Case{"Extension", chunked("5;a=b\r\nhello\r\n0\r\n\r\n")},
        Case{"QuotedExtension", chunked("5;a=\"x;y\"\r\nhello\r\n0\r\n\r\n")},
        Case{"ExtensionWithoutValue", chunked("5;a\r\nhello\r\n0;b\r\n\r\n")},
        Case{"SizeWithZeros", chunked("0005\r\nhello\r\n000\r\n\r\n")},
        Case{"SizeInEitherCase", chunked("5\r\nhello\r\n0\r\n\r\n")},
        Case{"Trailers", chunked("5\r\nhello\r\n0\r\nX-A: 1\r\n\r\n")}),
    name_of);

TEST(Chunk, SizesAreReadInEitherCase) {
  Edge edge;
  Request request = expect_forwarded(edge, chunked("a\r\n0123456789\r\nB\r\n0123456789x\r\n0\r\n\r\n"));
  EXPECT_EQ(request.body, "01234567890123456789x");
}

TEST(Chunk, ABlankBehindASizeHasOneReading) {
  Edge edge;
  expect_safe(edge, chunked("5 \r\nhello\r\n0\r\n\r\n"), "hello");
}

TEST(Chunk, AQuotedLineEndInAnExtensionIsNotAChunk) {
  Edge edge;
  expect_safe(edge, chunked("5;a=\"x\r\nhello\r\n0\r\n\r\n"), "hello");
}

TEST(Chunk, EndlessExtensionsAreNotReadForEver) {
  Edge edge;
  Client client = edge.client();
  client.send(chunked("5;"));
  std::string piece(64 * 1024, 'a');
  bool taken = true;
  for (int i = 0; i < 64 && taken; ++i) taken = client.send(piece);
  Response response = client.receive("POST");
  EXPECT_TRUE(response.status == 0 || (response.status >= 400 && response.status < 500)) << response;
  EXPECT_EQ(edge.origin.complete_requests(), 0u);
}

TEST(Chunk, ATrailerCannotBecomeAHeaderOrChangeItsFraming) {
  Edge edge;
  Request request = expect_forwarded(
      edge, chunked("5\r\nhello\r\n0\r\nHost: evil.example\r\nX-User-Id: other\r\nContent-Length: 50\r\n"
                    "Transfer-Encoding: x\r\nX-Sum: 1\r\n\r\n"));
  EXPECT_EQ(request.fields.get("Host"), "shop.example");
  EXPECT_FALSE(request.fields.has("X-User-Id"));
  for (const char* name : {"Host", "Content-Length", "Transfer-Encoding"})
    EXPECT_FALSE(request.trailers.has(name)) << name;
}

TEST(Chunk, ByteByByteIsTheSameBody) {
  Edge edge;
  Client client = edge.client();
  client.send_byte_by_byte(chunked("5;a=\"b\"\r\nhello\r\n0\r\nX-A: 1\r\n\r\n"));
  EXPECT_EQ(client.receive("POST").status, 200);
  EXPECT_EQ(edge.origin.only_request().body, "hello");
}

TEST(Body, AClientThatEndsBeforeItsBodyDoesNotCompleteIt) {
  for (const std::string& bytes : {with("Content-Length: 50\r\n"), chunked("5\r\nhello\r\n"),
                                   chunked("5\r\nhello\r\n0\r\n"), chunked("32\r\nhello")}) {
    SCOPED_TRACE(bytes);
    Edge edge;
    Client client = edge.client();
    client.send(bytes);
    client.finish();
    client.receive_all();
    EXPECT_TRUE(wait_until([&] { return edge.origin.open_connections() == 0; }));
    EXPECT_EQ(edge.origin.complete_requests(), 0u);
  }
}

}  // namespace
}  // namespace weir::testing
