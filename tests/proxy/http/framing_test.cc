#include "proxy/http/framing.h"

#include <gtest/gtest.h>

#include "tests/proxy/http/parsed.h"

namespace weir::http {
namespace {

/// Built by hand, so that framing.h is judged and not what the parser refuses before it.
template <class Head>
Head with(std::initializer_list<std::pair<const char*, const char*>> fields) {
  Head head;
  for (const auto& [name, value] : fields) {
    const FieldId id = same_name(name, "content-length")      ? FieldId::content_length
                       : same_name(name, "transfer-encoding") ? FieldId::transfer_encoding
                       : same_name(name, "connection")        ? FieldId::connection
                                                              : FieldId::other;
    head.fields.add(name, value, id);
  }
  return head;
}
constexpr const char* kLength = "Content-Length";
constexpr const char* kCoding = "Transfer-Encoding";

TEST(RequestFraming, FollowsTheTableOfRfc9112) {
  const struct {
    RequestHead head;
    BodyKind kind;
    uint64_t length;
  } kTable[] = {
      {with<RequestHead>({}), BodyKind::none, 0},
      {with<RequestHead>({{kLength, "0"}}), BodyKind::none, 0},
      {with<RequestHead>({{kLength, "5"}}), BodyKind::length, 5},
      {with<RequestHead>({{kLength, "0005"}}), BodyKind::length, 5},
      {with<RequestHead>({{kLength, "9223372036854775807"}}), BodyKind::length, INT64_MAX},
      {with<RequestHead>({{kCoding, "chunked"}}), BodyKind::chunked, 0},
      {with<RequestHead>({{kCoding, "CHUNKED"}}), BodyKind::chunked, 0},
  };
  for (const auto& row : kTable) {
    const Framing framing = request_framing(row.head);
    EXPECT_EQ(framing.fault, Fault::none);
    EXPECT_EQ(framing.kind, row.kind);
    EXPECT_EQ(framing.length, row.length);
  }
}

TEST(RequestFraming, WhatIsAmbiguousIsRefusedAndNotRepaired) {
  for (const char* length : {"", "+5", "-5", "0x5", "5a", "5 5", "5,5", "5, 5", " ", "18446744073709551621",
                             "9223372036854775808", "\xd9\xa5"}) {
    EXPECT_EQ(request_framing(with<RequestHead>({{kLength, length}})).fault, Fault::ambiguous_framing) << length;
  }
  EXPECT_EQ(request_framing(with<RequestHead>({{kLength, "5"}, {kLength, "5"}})).fault, Fault::ambiguous_framing);
  EXPECT_EQ(request_framing(with<RequestHead>({{kLength, "5"}, {kCoding, "chunked"}})).fault, Fault::ambiguous_framing);
  EXPECT_EQ(request_framing(with<RequestHead>({{kCoding, "chunked"}, {kLength, "5"}})).fault, Fault::ambiguous_framing);
  EXPECT_EQ(request_framing(with<RequestHead>({{kCoding, "xchunked"}, {kLength, "5"}})).fault,
            Fault::ambiguous_framing);
  EXPECT_EQ(request_framing(with<RequestHead>({{kCoding, "chunked"}, {kCoding, "chunked"}})).fault,
            Fault::ambiguous_framing);
  RequestHead old = with<RequestHead>({{kCoding, "chunked"}});
  old.minor = 0;
  EXPECT_EQ(request_framing(old).fault, Fault::ambiguous_framing);
}

TEST(RequestFraming, ACodingThatIsNotPlainChunkedIsNeverABodyNorNone) {
  for (const char* coding :
       {"", "gzip", "identity", "gzip, chunked", "chunked, chunked", "chunked, gzip", ",chunked", "chunked,",
        "chunked;a=b", "\"chunked\"", "xchunked", "chunke", "chunked\x0b", "Chunked, GZIP"}) {
    EXPECT_NE(request_framing(with<RequestHead>({{kCoding, coding}})).fault, Fault::none) << coding;
  }
  EXPECT_EQ(request_framing(with<RequestHead>({{kCoding, "gzip"}})).fault, Fault::unknown_transfer_coding);
}

TEST(ResponseFraming, FollowsTheTableOfRfc9112) {
  const struct {
    unsigned status;
    bool to_head;
    ResponseHead head;
    BodyKind kind;
    uint64_t length;
  } kTable[] = {
      {200, false, with<ResponseHead>({}), BodyKind::until_close, 0},
      {200, true, with<ResponseHead>({}), BodyKind::none, 0},
      {204, false, with<ResponseHead>({}), BodyKind::none, 0},
      {304, false, with<ResponseHead>({{kLength, "9"}}), BodyKind::none, 0},
      {304, false, with<ResponseHead>({{kCoding, "chunked"}}), BodyKind::none, 0},
      {204, false, with<ResponseHead>({{kCoding, "chunked"}}), BodyKind::none, 0},
      {200, true, with<ResponseHead>({{kLength, "1234"}}), BodyKind::none, 0},
      {200, true, with<ResponseHead>({{kCoding, "chunked"}}), BodyKind::none, 0},
      {200, false, with<ResponseHead>({{kLength, "0"}}), BodyKind::none, 0},
      {200, false, with<ResponseHead>({{kLength, "5"}}), BodyKind::length, 5},
      {500, false, with<ResponseHead>({{kLength, "5, 5"}}), BodyKind::length, 5},
      {404, false, with<ResponseHead>({{kCoding, "chunked"}}), BodyKind::chunked, 0},
  };
  for (auto row : kTable) {
    row.head.status = row.status;
    const Framing framing = response_framing(row.head, row.to_head);
    EXPECT_EQ(framing.fault, Fault::none) << row.status;
    EXPECT_EQ(framing.kind, row.kind) << row.status;
    EXPECT_EQ(framing.length, row.length) << row.status;
  }
}

TEST(ResponseFraming, WhatIsAmbiguousIsRefused) {
  ResponseHead heads[] = {
      with<ResponseHead>({{kLength, "x"}}),
      with<ResponseHead>({{kLength, ""}}),
      with<ResponseHead>({{kLength, "18446744073709551621"}}),
      with<ResponseHead>({{kCoding, "gzip"}}),
      with<ResponseHead>({{kCoding, "gzip, chunked"}}),
      with<ResponseHead>({{kCoding, "chunked"}, {kLength, "5"}}),
      with<ResponseHead>({{kCoding, "chunked"}, {kCoding, "chunked"}}),
  };
  for (ResponseHead& head : heads) {
    head.status = 200;
    EXPECT_EQ(response_framing(head, false).fault, Fault::response_malformed) << head.fields.list[0].value;
  }
  ResponseHead old = with<ResponseHead>({{kCoding, "chunked"}});
  old.status = 200;
  old.minor = 0;
  EXPECT_EQ(response_framing(old, false).fault, Fault::response_malformed);
}

TEST(ResponseFraming, SeveralLengthsAreOneOnlyIfTheyAreEqual) {
  const auto length_of = [](std::initializer_list<std::pair<const char*, const char*>> fields) {
    ResponseHead head = with<ResponseHead>(fields);
    head.status = 200;
    const Framing framing = response_framing(head, false);
    return framing.fault == Fault::none ? static_cast<int64_t>(framing.length) : -1;
  };
  EXPECT_EQ(length_of({{kLength, "5"}, {kLength, "5"}}), 5);
  EXPECT_EQ(length_of({{kLength, "5, 5"}, {kLength, "5"}}), 5);
  EXPECT_EQ(length_of({{kLength, "5"}, {kLength, "6"}}), -1);
  EXPECT_EQ(length_of({{kLength, "5, 6"}}), -1);
  EXPECT_EQ(length_of({{kLength, "5"}, {kLength, "5, 6"}}), -1);
  for (const char* list : {"5,", ",5", "5,,5", "5 5", "5;5"}) EXPECT_EQ(length_of({{kLength, list}}), -1) << list;
}

TEST(ConnectionOptions, AreReadFromEveryLineAndEveryElement) {
  const auto head =
      with<RequestHead>({{"Connection", " , Keep-Alive ,\tX-Hop"}, {"Other", "close"}, {"Connection", "UPGRADE"}});
  const ConnectionOptions options = connection_options(head.fields);
  EXPECT_TRUE(options.keep_alive && options.upgrade);
  EXPECT_FALSE(options.close);
  EXPECT_TRUE(named_by_connection(head.fields, "x-hop"));
  EXPECT_TRUE(named_by_connection(head.fields, "Upgrade"));
  EXPECT_FALSE(named_by_connection(head.fields, "X-Ho"));
  EXPECT_FALSE(connection_options(with<RequestHead>({{"Connection", "closed"}}).fields).close);
}

}  // namespace
}  // namespace weir::http
