#include "proxy/log/line.h"

#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

namespace weir::log {

namespace {

constexpr std::string_view kHexSmall = "0123456789abcdef";
constexpr std::string_view kHexLarge = "0123456789ABCDEF";

/// Bytes that stand for themselves in both formats.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7f; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}();

/// Appends to a string through a pointer: room for the longest form is made beforehand.
class Writer {
 public:
  Writer(std::string& out, size_t bound) : out_(out) {
    const size_t before = out.size();
    out.resize(before + bound);
    at_ = out.data() + before;
  }
  ~Writer() { out_.resize(static_cast<size_t>(at_ - out_.data())); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& put(std::string_view text) {
    std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  Writer& put(char c) {
    *at_++ = c;
    return *this;
  }
  Writer& number(uint64_t value) {
    at_ = std::to_chars(at_, at_ + 20, value).ptr;
    return *this;
  }
  Writer& digits(uint64_t value, size_t count) {
    for (size_t i = count; i-- > 0; value /= 10) at_[i] = static_cast<char>('0' + value % 10);
    at_ += count;
    return *this;
  }
  /// Seconds with six decimals.
  Writer& seconds(std::chrono::nanoseconds time) {
    const auto micros = static_cast<uint64_t>(std::max<int64_t>(0, (time.count() + 500) / 1000));
    return number(micros / 1'000'000).put('.').digits(micros % 1'000'000, 6);
  }
  /// A string of RFC 8259 §7, with its quotes.
  Writer& json(std::string_view text) {
    put('"');
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (kPlain[byte]) {
        put(c);
      } else if (c == '"' || c == '\\') {
        put('\\').put(c);
      } else {
        put("\\u00").put(kHexSmall[byte >> 4]).put(kHexSmall[byte & 15]);
      }
    }
    return put('"');
  }
  /// As nginx escapes its log: what could end the field or the line is \xHH.
  Writer& escaped(std::string_view text) {
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (kPlain[byte]) {
        put(c);
      } else {
        put("\\x").put(kHexLarge[byte >> 4]).put(kHexLarge[byte & 15]);
      }
    }
    return *this;
  }
  Writer& quoted(std::string_view text) { return put('"').escaped(text.empty() ? "-" : text).put('"'); }

 private:
  std::string& out_;
  char* at_;
};

/// The whole seconds of a time as both formats show them; computed once a second and thread.
struct Second {
  int64_t second = -1;
  char iso[20];     // 2026-11-23T09:08:07 and a null
  char common[21];  // 23/Nov/2026:09:08:07 and a null

  static const Second& of(std::chrono::nanoseconds time) {
    thread_local Second last;
    const int64_t second = std::chrono::floor<std::chrono::seconds>(time).count();
    if (last.second == second) return last;
    last.second = second;
    std::tm parts{};
    gmtime_r(&second, &parts);
    std::strftime(last.iso, sizeof last.iso, "%Y-%m-%dT%H:%M:%S", &parts);
    std::strftime(last.common, sizeof last.common, "%d/%b/%Y:%H:%M:%S", &parts);
    return last;
  }
};

size_t bound_of(const Line& line) {
  constexpr size_t kLongestEscape = 6;
  constexpr size_t kRest = 1024;  // names, numbers and marks
  const size_t texts = line.request_id.size() + line.client.size() + line.method.size() + line.host.size() +
                       line.path.size() + line.referer.size() + line.agent.size() + line.service.size() +
                       line.version.size() + line.decided_by.size() + line.rule.size() + line.endpoint.size() +
                       line.error.size();
  return texts * kLongestEscape + kRest;
}

}  // namespace

void write_json(std::string& out, const Line& line) {
  const auto millis = static_cast<uint64_t>(std::chrono::floor<std::chrono::milliseconds>(line.time).count() % 1000);
  Writer to(out, bound_of(line));
  to.put(R"({"time":")").put(Second::of(line.time).iso).put('.').digits(millis, 3).put("Z\"");
  to.put(R"(,"request_id":)").json(line.request_id);
  to.put(R"(,"client":)").json(line.client);
  to.put(R"(,"method":)").json(line.method);
  to.put(R"(,"host":)").json(line.host);
  to.put(R"(,"path":)").json(line.path);
  to.put(R"(,"protocol":"HTTP/1.)").number(line.minor).put('"');
  to.put(R"(,"status":)").number(line.status);
  to.put(R"(,"bytes_in":)").number(line.bytes_in);
  to.put(R"(,"bytes_out":)").number(line.bytes_out);
  to.put(R"(,"service":)").json(line.service);
  to.put(R"(,"version":)").json(line.version);
  to.put(R"(,"revision":)").number(line.revision);
  to.put(R"(,"decided_by":)").json(line.decided_by);
  to.put(R"(,"rule":)").json(line.rule);
  to.put(R"(,"bucket":)");
  line.bucket ? to.number(*line.bucket) : to.put("null");
  to.put(R"(,"endpoint":)").json(line.endpoint);
  to.put(R"(,"error":)").json(line.error);
  to.put(R"(,"tries":)").number(line.tries);
  to.put(R"(,"duration":)").seconds(line.duration);
  to.put(R"(,"upstream_duration":)").seconds(line.upstream_duration).put("}\n");
}

void write_combined(std::string& out, const Line& line) {
  constexpr unsigned kClientClosed = 499;
  Writer to(out, bound_of(line));
  to.put(line.client).put(" - - [").put(Second::of(line.time).common).put(" +0000] \"");
  to.escaped(line.method).put(' ').escaped(line.path).put(" HTTP/1.").number(line.minor).put("\" ");
  to.number(line.status == 0 ? kClientClosed : line.status).put(' ').number(line.bytes_out).put(' ');
  to.quoted(line.referer).put(' ').quoted(line.agent).put('\n');
}

}  // namespace weir::log
