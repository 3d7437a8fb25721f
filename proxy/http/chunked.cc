#include "proxy/http/chunked.h"

#include <algorithm>

#include "proxy/http/fields.h"
#include "proxy/http/scan.h"

namespace weir::http {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// RFC 9110 §6.5.1: framing, routing, authentication and the like may not come behind a body.
bool allowed_in_trailer(std::string_view name) {
  static constexpr std::string_view kRefused[] = {"host",
                                                  "content-length",
                                                  "transfer-encoding",
                                                  "content-encoding",
                                                  "content-type",
                                                  "content-range",
                                                  "trailer",
                                                  "te",
                                                  "connection",
                                                  "keep-alive",
                                                  "proxy-connection",
                                                  "upgrade",
                                                  "expect",
                                                  "max-forwards",
                                                  "cache-control",
                                                  "authorization",
                                                  "proxy-authorization",
                                                  "cookie",
                                                  "set-cookie",
                                                  "forwarded",
                                                  "client-cert",
                                                  "client-cert-chain",
                                                  "date",
                                                  "location",
                                                  "vary"};
  constexpr std::string_view kForwarded = "x-forwarded-";
  const bool ours = is_weirs_own(name) || same_variable(name.substr(0, kForwarded.size()), kForwarded) ||
                    same_variable(name, "x-real-ip") || same_variable(name, "x-request-id");
  return !ours &&
         std::ranges::none_of(kRefused, [&](std::string_view refused) { return same_variable(refused, name); });
}

/// Copies the lines of `trailer` that may go on; false when one of them is no field line.
bool filter_trailer(std::string_view trailer, std::span<const std::string> refused, std::string& out) {
  while (!trailer.empty()) {
    const size_t end = trailer.find("\r\n");
    const std::string_view line = trailer.substr(0, end);
    trailer.remove_prefix(end + 2);
    const size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon)) || !is_field_text(line.substr(colon + 1))) return false;
    const auto same = [&](const std::string& name) { return same_variable(name, line.substr(0, colon)); };
    if (allowed_in_trailer(line.substr(0, colon)) && std::ranges::none_of(refused, same))
      out.append(line).append("\r\n");
  }
  return true;
}

}  // namespace

void ChunkReader::pass(const char* from, size_t size, bool is_data) {
  if (size == 0 || (keep_ == Keep::data && !is_data)) return;
  if (!ranges_.empty() && ranges_.back().data() + ranges_.back().size() == from) {
    ranges_.back() = {ranges_.back().data(), ranges_.back().size() + size};
  } else {
    ranges_.emplace_back(from, size);
  }
}

bool ChunkReader::begin_data() {
  digits_ = 0;
  step_ = remaining_ > 0 ? Step::data : Step::trailer_first;
  return true;
}

/// One byte of a chunk's size line.
bool ChunkReader::read_line_byte(char c, const char* at) {
  switch (step_) {
    case Step::size_first:
    case Step::size: {
      const int digit = hex_value(c);
      if (digit >= 0) {
        if (++digits_ > 15) return false;  // beyond 60 bits nothing is meant
        remaining_ = remaining_ * 16 + static_cast<uint64_t>(digit);
        step_ = Step::size;
        pass(at, 1, false);
        return true;
      }
      if (step_ == Step::size_first) return false;
      [[fallthrough]];
    }
    case Step::size_blank:  // RFC 9112 §7.1.1: bad whitespace before an extension; some send it before the line's end
      if (c == ';' || c == ' ' || c == '\t') {
        step_ = c == ';' ? Step::extension : Step::size_blank;
        return ++extensions_ <= kMaxExtensions;
      }
      [[fallthrough]];
    case Step::extension:
      if (c == '\r') {
        step_ = Step::size_lf;
        pass(at, 1, false);
        return true;
      }
      if (step_ != Step::extension || (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
      return ++extensions_ <= kMaxExtensions;
    case Step::size_lf:
      if (c != '\n') return false;
      pass(at, 1, false);
      return begin_data();
    case Step::data_cr:
      if (c != '\r') return false;
      pass(at, 1, false);
      step_ = Step::data_lf;
      return true;
    case Step::data_lf:
      if (c != '\n') return false;
      pass(at, 1, false);
      step_ = Step::size_first;
      return true;
    default:
      return false;
  }
}

/// Gathers the trailer section until its empty line; returns where the next byte stands.
const char* ChunkReader::read_trailer(const char* at, const char* end) {
  if (step_ == Step::trailer_first) trailer_.clear();
  step_ = Step::trailer;
  const size_t had = trailer_.size();
  const size_t room = kMaxTrailers - had;
  trailer_.append(at, std::min(room, static_cast<size_t>(end - at)));
  const bool none = trailer_.starts_with("\r\n");
  const size_t found = none ? 0 : trailer_.find("\r\n\r\n", had > 3 ? had - 3 : 0);
  if (found == std::string::npos) {
    if (trailer_.size() == kMaxTrailers) fail();
    return end;
  }
  const size_t size = none ? 2 : found + 4;
  trailer_.resize(none ? 0 : found + 2);
  trailer_out_.clear();
  if (!filter_trailer(trailer_, refused_trailers_, trailer_out_)) {
    fail();
    return end;
  }
  trailer_out_.append("\r\n");
  pass(trailer_out_.data(), trailer_out_.size(), false);
  step_ = Step::done;
  return at + (size - had);
}

ChunkReader::State ChunkReader::read(std::string_view bytes) {
  ranges_.clear();
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end && step_ != Step::done && step_ != Step::malformed) {
    if (step_ == Step::data) {
      const size_t size = static_cast<size_t>(std::min<uint64_t>(remaining_, static_cast<uint64_t>(end - at)));
      pass(at, size, true);
      at += size;
      data_ += size;
      remaining_ -= size;
      if (remaining_ == 0) step_ = Step::data_cr;
    } else if (step_ == Step::trailer_first || step_ == Step::trailer) {
      at = read_trailer(at, end);
    } else if (read_line_byte(*at, at)) {
      ++at;
    } else {
      fail();
    }
  }
  consumed_ = static_cast<size_t>(at - bytes.data());
  if (step_ == Step::malformed) return State::malformed;
  return step_ == Step::done ? State::done : State::more;
}

}  // namespace weir::http
