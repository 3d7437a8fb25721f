#include "config/type.h"

#include <fmt/format.h>

#include "config/nearest.h"

namespace weir::config {

namespace {

std::string_view kind_of(Scalar scalar) {
  switch (scalar) {
    case Scalar::null:
      return "nothing";
    case Scalar::boolean:
      return "a boolean";
    case Scalar::integer:
    case Scalar::real:
      return "a number";
    case Scalar::text:
      break;
  }
  return "text";
}

std::string joined(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

}  // namespace

void Reading::wrong(const Where& where, const std::string& what) const {
  problems.push_back({where, key.empty() ? what : key + ": " + what});
}

void refuse_text(const Node& node, const TextForm& form, bool would_do, const std::string& complaint,
                 const Reading& reading) {
  if (node.kind == Node::Kind::wrong) return;
  if (would_do) {
    reading.wrong(node, fmt::format("{0} is {1} to YAML, and text is wanted; put it in quotes: \"{0}\"", node.text,
                                    kind_of(node.scalar)));
  } else if (!complaint.empty()) {
    reading.wrong(node, complaint);
  } else {
    reading.wrong(node, fmt::format("{} is not {}; write {}", node.shown(), form.noun, form.right));
  }
}

size_t word_index(const Node& node, const std::vector<std::string>& words, const Reading& reading) {
  if (node.kind == Node::Kind::wrong) return words.size();
  for (size_t i = 0; i < words.size(); ++i) {
    if (node.is(Scalar::text) && node.text == words[i]) return i;
  }
  const std::string meant = node.is(Scalar::text) ? nearest(node.text, words) : "";
  reading.wrong(node, fmt::format("{} is not one of {}{}", node.shown(), joined(words),
                                  meant.empty() ? "" : "; did you mean " + meant + "?"));
  return words.size();
}

std::optional<int64_t> read_integer(const Node& node, int64_t least, int64_t most, const Reading& reading) {
  if (node.kind == Node::Kind::wrong) return std::nullopt;
  const auto value = node.integer();
  if (value && *value >= least && *value <= most) return value;
  const bool in_quotes = node.is(Scalar::text) && resolve(node.text) == Scalar::integer;
  if (in_quotes) {
    reading.wrong(node, fmt::format("{} is text; a number is wanted: take the quotes off", node.shown()));
  } else {
    const auto* problem = node.is(Scalar::integer) ? "out of range" : "not a whole number";
    reading.wrong(node, fmt::format("{} is {}; write {} to {}", node.shown(), problem, least, most));
  }
  return std::nullopt;
}

Type<double> number(double least, double most) {
  Type<double> type{make_shape(NumberShape{least, most}), {}, {}};
  type.read = [least, most](const Node& node, double& into, const Reading& reading) {
    if (node.kind == Node::Kind::wrong) return;
    const auto value = node.number();
    if (value && *value >= least && *value <= most) {
      into = *value;
    } else {
      reading.wrong(
          node, fmt::format("{} is not a number from {} to {}; write one, without quotes", node.shown(), least, most));
    }
  };
  type.show = [](const double& value) -> Plain { return value; };
  return type;
}

Type<bool> boolean() {
  Type<bool> type{make_shape(BooleanShape{}), {}, {}};
  type.read = [](const Node& node, bool& into, const Reading& reading) {
    if (node.is(Scalar::boolean)) {
      into = node.text.front() == 't' || node.text.front() == 'T';
    } else if (node.kind != Node::Kind::wrong) {
      reading.wrong(node, fmt::format("{} is neither true nor false; write one of them, without quotes", node.shown()));
    }
  };
  type.show = [](const bool& value) -> Plain { return value; };
  return type;
}

bool check_list(const Node& node, size_t least, const std::string& noun, const Reading& reading) {
  if (node.kind == Node::Kind::wrong) return false;
  if (node.kind != Node::Kind::list) {
    reading.wrong(node, fmt::format("{} is not a list; write a list, each item {}", node.shown(), noun));
    return false;
  }
  if (node.items.size() >= least) return true;
  reading.wrong(node, fmt::format("the list is empty; it needs {}", noun));
  return false;
}

bool check_map(const Node& node, const MapForm& form, const Reading& reading) {
  if (node.kind == Node::Kind::wrong) return false;
  if (node.kind != Node::Kind::map) {
    reading.wrong(node, fmt::format("{} is not a map; write {}", node.shown(), form.right));
    return false;
  }
  if (node.entries.size() < form.least) {
    reading.wrong(node, fmt::format("the map is empty; it needs {}", form.noun));
    return false;
  }
  if (form.most != 0 && node.entries.size() > form.most) {
    reading.wrong(node.entries[form.most].where, form.too_many);
  }
  return true;
}

}  // namespace weir::config
