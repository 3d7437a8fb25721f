// weir's reading of heads held against Beast's: where both read a head, they read the same.
#include <gtest/gtest.h>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <random>
#include <string>
#include <vector>

#include "proxy/http/framing.h"
#include "proxy/http/head.h"

namespace weir::http {
namespace {

namespace beast = boost::beast::http;

struct Reading {
  enum { whole, partial, refused } state = refused;
  std::vector<std::string> words;  // the first line's, then names and values
  size_t size = 0;
};

template <bool is_request>
class Oracle final : public beast::basic_parser<is_request> {
 public:
  explicit Oracle(std::string_view bytes) {
    this->header_limit(1 << 30);
    this->skip(true);
    boost::beast::error_code ec;
    reading.size = this->put({bytes.data(), bytes.size()}, ec);
    reading.state = this->is_header_done()          ? Reading::whole
                    : ec == beast::error::need_more ? Reading::partial
                                                    : Reading::refused;
  }
  Reading reading;

 private:
  using Text = boost::beast::string_view;
  using Error = boost::beast::error_code;
  void note(Text text) { reading.words.emplace_back(text.data(), text.size()); }
  void on_request_impl(beast::verb, Text method, Text target, int version, Error&) override {
    note(method), note(target), note(std::to_string(version % 10));
  }
  void on_response_impl(int code, Text reason, int version, Error&) override {
    note(std::to_string(code)), note(reason), note(std::to_string(version % 10));
  }
  void on_field_impl(beast::field, Text name, Text value, Error&) override { note(name), note(value); }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(boost::optional<uint64_t> const&, Error&) override {}
  std::size_t on_body_impl(Text body, Error&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, Text, Error&) override {}
  std::size_t on_chunk_body_impl(uint64_t, Text body, Error&) override { return body.size(); }
  void on_finish_impl(Error&) override {}
};

Reading reading_of(const ParseResult& parsed, std::vector<std::string> words, const Fields& fields) {
  Reading reading;
  reading.state = parsed.state == Parsed::complete  ? Reading::whole
                  : parsed.state == Parsed::partial ? Reading::partial
                                                    : Reading::refused;
  reading.size = parsed.size;
  reading.words = std::move(words);
  for (const auto& field : fields.list) {
    reading.words.emplace_back(field.name);
    reading.words.emplace_back(field.value);
  }
  return reading;
}

Reading ours(std::string_view bytes, RequestHead& head) {
  const auto parsed = parse_request(bytes, {}, head);
  return reading_of(parsed, {std::string(head.method), std::string(head.target), std::to_string(head.minor)},
                    head.fields);
}

Reading ours(std::string_view bytes, ResponseHead& head) {
  const auto parsed = parse_response(bytes, {}, head);
  return reading_of(parsed, {std::to_string(head.status), std::string(head.reason), std::to_string(head.minor)},
                    head.fields);
}

/// Changes, doubles, drops or moves some bytes; the pieces it puts in are those that heads are broken with.
std::string mutated(std::string text, std::mt19937& dice) {
  static const std::string kPieces[] = {"\r\n",
                                        "\n",
                                        "\r",
                                        " ",
                                        "\t",
                                        ":",
                                        "\r\n ",
                                        "\r\n\t",
                                        ",",
                                        "\x7f",
                                        "\x01",
                                        "\xe4",
                                        std::string(1, '\0'),
                                        "HTTP/1.1",
                                        "X: y\r\n",
                                        "Content-Length: 5\r\n",
                                        "(",
                                        "0"};
  const unsigned changes = 1 + dice() % 3;
  for (unsigned i = 0; i < changes; ++i) {
    const size_t at = dice() % text.size();
    switch (dice() % 4) {
      case 0:
        text[at] = static_cast<char>(dice());
        break;
      case 1:
        text.erase(at, 1 + dice() % 4);
        break;
      case 2:
        text.insert(at, text.substr(dice() % text.size(), dice() % 8));
        break;
      default:
        text.insert(at, kPieces[dice() % std::size(kPieces)]);
    }
    if (text.empty()) text = "x";
  }
  return text;
}

const std::string kRequests[] = {
    "GET /cart?id=42 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: curl/7.88 (x; y)\r\nEmpty:\r\nX-Pad: \t a b "
    "\t\r\n\r\n",
    "POST / HTTP/1.0\r\nhost: a\r\nContent-Length: 3\r\nCookie: a=\"b\"; c=d\r\n\r\nabc",
    "OPTIONS * HTTP/1.1\r\nHost:a\r\n\r\n",
};
const std::string kResponses[] = {
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 2\r\nETag: \"x\"\r\n\r\nok",
    "HTTP/1.0 404 \r\nServer: a\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
};

/// Three leniencies of ours that Beast does not have: empty lines before a request, no blank before an absent reason,
/// and minor versions above 1.
std::string for_beast(std::string text, bool is_request) {
  if (is_request) {
    for (unsigned lines = 0; lines < 4 && text.starts_with("\r\n"); ++lines) text.erase(0, 2);
  } else if (text.size() > 12 && text.starts_with("HTTP/1.") && text[12] == '\r') {
    text.insert(12, " ");
  }
  const size_t minor = is_request ? text.find("\r\n") - 1 : 7;
  const bool known = minor >= text.size() || (is_request && (minor < 8 || text.compare(minor - 8, 8, " HTTP/1.") != 0));
  if (!known && text[minor] > '1' && text[minor] <= '9') text[minor] = '1';
  return text;
}

bool frames(const Fields& fields) {
  return fields.has(FieldId::content_length) || fields.has(FieldId::transfer_encoding) ||
         fields.has(FieldId::connection) || fields.has(FieldId::proxy_connection) || fields.has(FieldId::upgrade);
}

template <bool is_request, class Head, size_t size>
void hold_against_beast(const std::string (&heads)[size], bool (*may_refuse_alone)(const std::string&)) {
  std::mt19937 dice(20261123);
  unsigned whole = 0, refused = 0;
  for (unsigned turn = 0; turn < 60000; ++turn) {
    const std::string text = mutated(heads[turn % size], dice);
    const std::string plain = for_beast(text, is_request);
    Head head;
    const Reading us = ours(text, head);
    const Reading beast = Oracle<is_request>(plain).reading;
    whole += us.state == Reading::whole;
    refused += us.state == Reading::refused;
    if (us.state == Reading::whole && beast.state == Reading::whole) {
      ASSERT_EQ(us.words, beast.words) << testing::PrintToString(text);
      ASSERT_EQ(us.size + plain.size(), beast.size + text.size()) << testing::PrintToString(text);
    } else if (us.state == Reading::whole) {
      // Beast judges some of the framing while it reads; we leave all of it to framing.h.
      ASSERT_TRUE(frames(head.fields)) << "weir alone reads " << testing::PrintToString(text);
    } else if (beast.state == Reading::whole) {
      ASSERT_TRUE(may_refuse_alone(text)) << "Beast alone reads " << testing::PrintToString(text);
    }
  }
  EXPECT_GT(whole, 2000u);
  EXPECT_GT(refused, 2000u);
}

/// Beast unfolds the lines of a request; RFC 9112 §5.2 lets us refuse them.
bool has_fold(const std::string& text) { return text.find("\r\n ") != text.npos || text.find("\r\n\t") != text.npos; }

TEST(Heads, OfRequestsAreReadAsBeastReadsThemOrRefused) { hold_against_beast<true, RequestHead>(kRequests, has_fold); }

TEST(Heads, OfResponsesAreReadAsBeastReadsThemOrRefused) {
  hold_against_beast<false, ResponseHead>(kResponses, [](const std::string& text) {
    return text.size() > 9 && text[9] == '0';  // a status below 100
  });
}

}  // namespace
}  // namespace weir::http
