#include "proxy/http/fields.h"

#include <cstring>
#include <type_traits>

namespace weir::http {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

template <class Word>
Word load(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Whether a token of `size` bytes is `known`, which is of small letters, digits and dashes: of all the bytes in
/// tokens, only a capital becomes one of these with bit 5 set. Compares words, the last one over its neighbour.
template <class Word, size_t size>
bool same_words(const char* name, const char* known) {
  constexpr Word kFold = static_cast<Word>(0x2020202020202020);
  Word difference = 0;
  for (size_t i = 0; i + sizeof(Word) <= size; i += sizeof(Word)) {
    difference |= (load<Word>(name + i) | kFold) ^ load<Word>(known + i);
  }
  constexpr size_t kLast = size - sizeof(Word);
  return (difference | ((load<Word>(name + kLast) | kFold) ^ load<Word>(known + kLast))) == 0;
}

/// `name` is a token at least as long as `known`.
template <size_t with_null>
FieldId if_named(std::string_view name, const char (&known)[with_null], FieldId id) {
  constexpr size_t kSize = with_null - 1;
  using Word = std::conditional_t<kSize >= 8, uint64_t, std::conditional_t<kSize >= 4, uint32_t, uint16_t>>;
  return same_words<Word, kSize>(name.data(), known) ? id : FieldId::other;
}

/// The same for what only weir may say: a name that an endpoint may take for it is none that a client may send.
template <size_t with_null>
FieldId if_said(std::string_view name, const char (&known)[with_null], FieldId id) {
  if (if_named(name, known, id) == id) return id;
  return same_variable(name, {known, with_null - 1}) ? FieldId::x_weir : FieldId::other;
}

/// Names that begin with x, of which there are many that weir does not treat.
FieldId x_field_id(std::string_view name) {
  if (name.size() > 7 && lower(name[2]) == 'w' && is_weirs_own(name)) return FieldId::x_weir;
  switch (name.size()) {
    case 9:
      return if_said(name, "x-real-ip", FieldId::x_real_ip);
    case 12:
      return if_said(name, "x-request-id", FieldId::x_request_id);
    case 15:
      return if_said(name, "x-forwarded-for", FieldId::x_forwarded_for);
    case 16:
      return if_said(name, "x-forwarded-host", FieldId::x_forwarded_host);
    case 17:
      return if_said(name, "x-forwarded-proto", FieldId::x_forwarded_proto);
    default:
      return FieldId::other;
  }
}

}  // namespace

void Fields::clear() {
  list.clear();
  ids.clear();
  if (!unfolded.empty()) unfolded.clear();
  present = 0;
}

std::string_view Fields::value(FieldId id) const {
  if (!has(id)) return {};
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == id) return list[i].value;
  }
  return {};
}

void Fields::remove(size_t index) {
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
  ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(index));
}

/// At most one comparison a name, or two: length and first letter leave one candidate.
FieldId field_id(std::string_view name) {
  if (name.empty()) return FieldId::other;
  const char first = lower(name.front());
  if (first == 'x') return x_field_id(name);
  switch (name.size()) {
    case 2:
      return if_named(name, "te", FieldId::te);
    case 4:
      if (first == 'h') return if_named(name, "host", FieldId::host);
      return if_named(name, "date", FieldId::date);
    case 6:
      return if_named(name, "expect", FieldId::expect);
    case 7:
      if (first == 'u') return if_named(name, "upgrade", FieldId::upgrade);
      return if_named(name, "trailer", FieldId::trailer);
    case 9:
      return if_named(name, "forwarded", FieldId::forwarded);
    case 10:
      if (first == 'k') return if_named(name, "keep-alive", FieldId::keep_alive);
      return if_named(name, "connection", FieldId::connection);
    case 11:
      return if_said(name, "client-cert", FieldId::client_cert);
    case 13:
      return if_named(name, "cache-control", FieldId::cache_control);
    case 12:
      return if_named(name, "max-forwards", FieldId::max_forwards);
    case 14:
      if (first == 'h') return if_named(name, "http2-settings", FieldId::http2_settings);
      return if_named(name, "content-length", FieldId::content_length);
    case 16:
      return if_named(name, "proxy-connection", FieldId::proxy_connection);
    case 17:
      if (first == 'c') return if_said(name, "client-cert-chain", FieldId::client_cert);
      return if_named(name, "transfer-encoding", FieldId::transfer_encoding);
    case 25:
      return if_named(name, "strict-transport-security", FieldId::strict_transport_security);
    default:
      return FieldId::other;
  }
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool same_variable(std::string_view a, std::string_view b) {
  const auto folded = [](char c) { return c == '_' ? '-' : lower(c); };
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (folded(a[i]) != folded(b[i])) return false;
  }
  return true;
}

}  // namespace weir::http
