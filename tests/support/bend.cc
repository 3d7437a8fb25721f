#include "tests/support/bend.h"

#include <vector>

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

/// Pieces that parsers are known to disagree about.
const std::vector<std::string> kBent{"\n",
                                     "\r",
                                     "\r\n",
                                     "\r\r\n",
                                     "\n\r\n",
                                     " ",
                                     "\t",
                                     "\v",
                                     "\f",
                                     "\0"s,
                                     "\x7f",
                                     "\x80",
                                     ":",
                                     ";",
                                     ",",
                                     "0",
                                     "5",
                                     "+",
                                     "-",
                                     "0x",
                                     "chunked",
                                     "identity",
                                     "Content-Length: 5\r\n",
                                     "Content-Length: 60\r\n",
                                     "Content-Length:\r\n 5\r\n",
                                     "Transfer-Encoding: chunked\r\n",
                                     "Transfer-Encoding: identity\r\n",
                                     "Transfer-Encoding:\r\n chunked\r\n",
                                     "Transfer-Encoding:\tchunked\r\n",
                                     "Transfer-Encoding : chunked\r\n",
                                     "\r\nTransfer-Encoding: chunked",
                                     "Host: b\r\n",
                                     "X: y\r\n",
                                     " X: y\r\n",
                                     "X:\r\n\ty\r\n",
                                     "Connection: Content-Length\r\n",
                                     "Connection: close\r\n",
                                     "Upgrade: h2c\r\n",
                                     "Expect: 100-continue\r\n",
                                     "0\r\n\r\n",
                                     "0\r\nX: y\r\n\r\n",
                                     "5\r\nhello\r\n",
                                     "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
                                     " HTTP/1.1",
                                     "http://b/",
                                     "#",
                                     "%00",
                                     "*"};

}  // namespace

void bend(std::string& message, std::mt19937& dice) {
  size_t head = message.find("\r\n\r\n") + 4, reach = dice() % 4 == 0 ? message.size() : head;
  for (unsigned bends = 1 + dice() % 3; bends > 0; --bends) {
    size_t at = dice() % std::min(reach, message.size());
    switch (dice() % 4) {
      case 0:
        message.erase(at, 1 + dice() % 3);
        break;
      case 1:
        message[at] = kBent[dice() % 20][0];
        break;
      default:
        message.insert(at, kBent[dice() % kBent.size()]);
        break;
    }
  }
}

bool is_forgiven(const std::string& bytes) {
  return bytes.starts_with("\r\n") || bytes.find("\r\n\r\n\r\n") != std::string::npos ||
         bytes.find("HTTP/1.0") != std::string::npos || bytes.find("HTTP/1.2") != std::string::npos ||
         bytes.find("HTTP/1.5") != std::string::npos || bytes.find("http://") != std::string::npos;
}

}  // namespace weir::testing
