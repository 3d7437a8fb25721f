#include "proxy/admin/precondition.h"

#include <algorithm>
#include <charconv>

namespace weir::admin {
namespace {

struct Tag {
  std::string_view opaque;
  bool weak = false;
};

void skip_blanks(std::string_view& text) { text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size())); }

/// `entity-tag`, taken from the front; nothing if there is none.
std::optional<Tag> take_tag(std::string_view& text) {
  Tag tag;
  if (text.starts_with("W/")) {
    tag.weak = true;
    text.remove_prefix(2);
  }
  if (!text.starts_with('"')) return std::nullopt;
  const size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return tag;
}

/// The tags of one line; nothing if it is no list of tags. Empty elements are allowed (RFC 9110 §5.6.1.2).
std::optional<std::vector<Tag>> tags_of(std::string_view text) {
  std::vector<Tag> tags;
  while (true) {
    skip_blanks(text);
    if (!text.empty() && text.front() != ',') {
      const auto tag = take_tag(text);
      if (!tag) return std::nullopt;
      tags.push_back(*tag);
      skip_blanks(text);
    }
    if (text.empty()) return tags;
    if (text.front() != ',') return std::nullopt;
    text.remove_prefix(1);
  }
}

uint64_t revision_of(const Tag& tag) {
  uint64_t revision = 0;
  const char* const last = tag.opaque.data() + tag.opaque.size();
  const auto [end, error] = std::from_chars(tag.opaque.data(), last, revision);
  const bool ours = !tag.weak && error == std::errc{} && end == last && !tag.opaque.starts_with('0');
  return ours ? revision : 0;
}

bool is_any(std::string_view line) {
  skip_blanks(line);
  return line.substr(0, line.find_last_not_of(" \t") + 1) == "*";
}

}  // namespace

Precondition read_if_match(const std::vector<std::string>& lines, uint64_t current) {
  Precondition condition{.given = !lines.empty()};
  if (lines.size() == 1 && is_any(lines.front())) return condition;
  std::vector<uint64_t> revisions;
  for (const std::string& line : lines) {
    const auto tags = tags_of(line);
    condition.malformed = condition.malformed || !tags;
    if (!tags) continue;
    for (const Tag& tag : *tags) revisions.push_back(revision_of(tag));
  }
  if (!condition.given) return condition;
  if (revisions.empty()) condition.malformed = true;
  const bool met = std::find(revisions.begin(), revisions.end(), current) != revisions.end();
  condition.revision = met ? current : revisions.empty() ? 0 : revisions.front();
  return condition;
}

}  // namespace weir::admin
