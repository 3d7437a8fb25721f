#include "proxy/http/head.h"

#include <algorithm>

#include "proxy/http/scan.h"

namespace weir::http {

namespace {

/// How reading a part of a head ended.
enum class Step : uint8_t { done, more, wrong, other_version, too_many };

bool blank(char c) { return c == ' ' || c == '\t'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<size_t>(end - begin)}; }

/// Reads a head from the front to the back; every step leaves `at_` behind what it has read.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : at_(bytes.data()), begin_(at_), end_(at_ + bytes.size()) {}

  size_t size() const { return static_cast<size_t>(at_ - begin_); }

  /// A run up to the blank behind it, as `run_end` finds it: method or target.
  Step word(const char* (*run_end)(const char*, const char*), std::string_view& word) {
    const char* const end = run_end(at_, end_);
    if (end == end_) return Step::more;
    if (*end != ' ' || end == at_) return Step::wrong;
    word = between(at_, end);
    at_ = end + 1;
    return Step::done;
  }

  /// `HTTP/`, a digit, a dot and a digit (RFC 9112 §2.3). weir speaks 1.0 and 1.1, and reads what is
  /// newer of 1 as the newest that it knows (RFC 9110 §2.5).
  Step version(unsigned& minor) {
    constexpr std::string_view kForm = "HTTP/0.0";
    for (size_t i = 0; i < kForm.size(); ++i) {
      if (at_ + i == end_) return Step::more;
      if (kForm[i] == '0' ? !digit(at_[i]) : at_[i] != kForm[i]) return Step::wrong;
    }
    const bool spoken = at_[5] == '1';
    minor = at_[7] == '0' ? 0 : 1;
    at_ += kForm.size();
    return spoken ? Step::done : Step::other_version;
  }

  Step line_end() {
    if (at_ == end_) return Step::more;
    if (*at_ != '\r') return Step::wrong;
    if (at_ + 1 == end_) return Step::more;
    if (at_[1] != '\n') return Step::wrong;
    at_ += 2;
    return Step::done;
  }

  /// A blank and three digits (RFC 9112 §4).
  Step status(unsigned& status) {
    constexpr std::ptrdiff_t kSize = 4;
    for (std::ptrdiff_t i = 0; i < kSize; ++i) {
      if (at_ + i == end_) return Step::more;
      if (i == 0 ? at_[i] != ' ' : !digit(at_[i])) return Step::wrong;
    }
    status = static_cast<unsigned>((at_[1] - '0') * 100 + (at_[2] - '0') * 10 + (at_[3] - '0'));
    at_ += kSize;
    return status < 100 ? Step::wrong : Step::done;
  }

  /// The rest of a status line; its blank may be absent with the reason.
  Step reason(std::string_view& reason) {
    if (at_ == end_) return Step::more;
    reason = {};
    if (*at_ == '\r') return line_end();
    if (*at_ != ' ') return Step::wrong;
    const char* const end = text_end(++at_, end_);
    reason = between(at_, end);
    at_ = end;
    return line_end();
  }

  /// Field lines up to the empty one (RFC 9112 §5).
  template <bool may_fold>
  Step fields(Fields& fields, uint64_t limit) {
    for (;;) {
      if (at_ == end_) return Step::more;
      if (*at_ == '\r') return line_end();
      if (limit > 0 && fields.list.size() >= limit) return Step::too_many;
      const Step step = field<may_fold>(fields);
      if (step != Step::done) return step;
    }
  }

 private:
  template <bool may_fold>
  Step field(Fields& fields) {
    const char* const colon = token_end(at_, end_);
    if (colon == end_) return Step::more;
    if (*colon != ':' || colon == at_) return Step::wrong;
    const std::string_view name = between(at_, colon);
    at_ = colon + 1;
    std::string_view value;
    const Step step = text(value);
    if (step != Step::done) return step;
    if (at_ == end_) return Step::more;  // what the next line begins with says whether this one goes on
    if (!blank(*at_)) {
      fields.add(name, value, field_id(name));
      return Step::done;
    }
    if (!may_fold) return Step::wrong;
    std::string joined(value);
    const Step folded = unfold(joined);
    if (folded == Step::done) fields.add(name, fields.unfolded.emplace_back(std::move(joined)), field_id(name));
    return folded;
  }

  /// The text of a line without the blanks around it, and the line's end.
  Step text(std::string_view& text) {
    while (at_ != end_ && blank(*at_)) ++at_;
    const char* const begin = at_;
    const char* end = text_end(at_, end_);
    at_ = end;
    while (end != begin && blank(end[-1])) --end;
    text = between(begin, end);
    return line_end();
  }

  /// RFC 9112 §5.2: each fold becomes one blank.
  Step unfold(std::string& joined) {
    while (blank(*at_)) {
      std::string_view more;
      const Step step = text(more);
      if (step != Step::done) return step;
      if (at_ == end_) return Step::more;
      if (!joined.empty() && !more.empty()) joined += ' ';
      joined += more;
    }
    return Step::done;
  }

  const char* at_;
  const char* const begin_;
  const char* const end_;
};

ParseResult refused(Fault fault) { return {Parsed::refused, 0, fault}; }

/// What an unfinished head already tells.
ParseResult judge_partial_request(std::string_view bytes, const HeadLimits& limits) {
  const size_t blank = bytes.find(' ');
  if (limits.target > 0 && blank != std::string_view::npos) {
    const std::string_view rest = bytes.substr(blank + 1);
    const size_t size = std::min(rest.find_first_of(" \r"), rest.size());
    if (size > limits.target) return refused(Fault::target_too_long);
  }
  if (limits.bytes > 0 && bytes.size() >= limits.bytes) return refused(Fault::head_too_large);
  return {};
}

}  // namespace

ParseResult parse_request(std::string_view bytes, const HeadLimits& limits, RequestHead& head) {
  head.fields.clear();
  head.method = {};
  size_t skipped = 0;  // RFC 9112 §2.2: ignore at least one empty line before the request line
  while (skipped < 8 && bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
  const std::string_view rest = bytes.substr(skipped);
  if (rest.empty() || rest == "\r") return {};

  Reader reader(rest);
  Step step = reader.word(token_end, head.method);
  if (step == Step::done) step = reader.word(target_end, head.target);
  if (step == Step::done && limits.target > 0 && head.target.size() > limits.target) {
    return refused(Fault::target_too_long);
  }
  if (step == Step::done) step = reader.version(head.minor);
  if (step == Step::done) step = reader.line_end();
  if (step == Step::other_version) return refused(Fault::bad_version);
  if (step == Step::done) step = reader.fields<false>(head.fields, limits.fields);

  if (step == Step::more) return judge_partial_request(rest, limits);
  if (step == Step::too_many) return refused(Fault::head_too_large);
  if (step == Step::wrong) return refused(Fault::malformed_request);
  if (limits.bytes > 0 && reader.size() > limits.bytes) return refused(Fault::head_too_large);
  return {Parsed::complete, skipped + reader.size(), Fault::none};
}

ParseResult parse_response(std::string_view bytes, const HeadLimits& limits, ResponseHead& head) {
  head.fields.clear();
  Reader reader(bytes);
  Step step = reader.version(head.minor);
  if (step == Step::done) step = reader.status(head.status);
  if (step == Step::done) step = reader.reason(head.reason);
  if (step == Step::done) step = reader.fields<true>(head.fields, limits.fields);

  const size_t size = step == Step::more ? bytes.size() + 1 : reader.size();  // one byte more at the least
  if (step == Step::wrong || step == Step::other_version) return refused(Fault::response_malformed);
  if (step == Step::too_many || (limits.bytes > 0 && size > limits.bytes)) {
    return refused(Fault::response_head_too_large);
  }
  if (step == Step::more) return {};
  return {Parsed::complete, size, Fault::none};
}

}  // namespace weir::http
