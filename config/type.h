// The words in which the table is written. A Type<T> both describes a value (its shape) and reads it:
// the schema and the binder come out of the same sentence.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/node.h"
#include "config/shape.h"

namespace weir::config {

/// How far reading has come: the key it is at, and what was found wrong.
struct Reading {
  Problems& problems;
  std::string key;

  void wrong(const Where& where, const std::string& what) const;
  void wrong(const Node& node, const std::string& what) const { wrong(node.where, what); }
};

template <class T>
struct Type {
  ShapePtr shape;
  std::function<void(const Node&, T&, const Reading&)> read;  // leaves T alone where it complains
  std::function<Plain(const T&)> show;                        // for defaults; may be empty
};

/// A text read: a value, or a complaint of its own (else the form's words are used).
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string complaint;

  Parsed(std::optional<T> read) : value(std::move(read)) {}
  Parsed(T read) : value(std::move(read)) {}
  Parsed(std::nullopt_t) {}
  static Parsed wrong(std::string why) {
    Parsed parsed{std::nullopt};
    parsed.complaint = std::move(why);
    return parsed;
  }
};

/// What a text is called, what would be right, and the pattern that the schema holds it to.
struct TextForm {
  std::string noun;   // `a share`
  std::string right;  // `0% to 100%, …`
  std::string pattern;
};

/// Complains of a node that is no text of this form; `would_do`: quotes are all that it lacks.
void refuse_text(const Node& node, const TextForm& form, bool would_do, const std::string& complaint,
                 const Reading& reading);

template <class T, class Parse>
Type<T> text(TextForm form, Parse parse, std::function<Plain(const T&)> show = {}) {
  Type<T> type{make_shape(TextShape{form.pattern}), {}, std::move(show)};
  type.read = [form = std::move(form), parse](const Node& node, T& into, const Reading& reading) {
    if (node.kind != Node::Kind::scalar) return refuse_text(node, form, false, "", reading);
    Parsed<T> parsed = parse(std::string_view(node.text));
    const bool would_do = parsed.value.has_value();
    if (!would_do || node.scalar != Scalar::text) {
      return refuse_text(node, form, would_do, parsed.complaint, reading);
    }
    into = std::move(*parsed.value);
  };
  return type;
}

/// One word of a few, each standing for a value.
size_t word_index(const Node& node, const std::vector<std::string>& words, const Reading& reading);

template <class T>
Type<T> words(std::vector<std::pair<std::string, T>> choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) names.push_back(name);
  Type<T> type{make_shape(WordsShape{names}), {}, {}};
  type.read = [names, choices](const Node& node, T& into, const Reading& reading) {
    const size_t index = word_index(node, names, reading);
    if (index < choices.size()) into = choices[index].second;
  };
  type.show = [choices](const T& value) -> Plain {
    for (const auto& [name, choice] : choices) {
      if (choice == value) return name;
    }
    return {};
  };
  return type;
}

/// A whole number between two others, both allowed.
std::optional<int64_t> read_integer(const Node& node, int64_t least, int64_t most, const Reading& reading);

template <class T>
Type<T> integer(int64_t least, int64_t most) {
  Type<T> type{make_shape(IntegerShape{least, most}), {}, {}};
  type.read = [least, most](const Node& node, T& into, const Reading& reading) {
    if (const auto value = read_integer(node, least, most, reading)) into = static_cast<T>(*value);
  };
  type.show = [](const T& value) -> Plain { return static_cast<int64_t>(value); };
  return type;
}

/// A number between two others, both allowed: `0.001`, `2`.
Type<double> number(double least, double most);

Type<bool> boolean();

/// `first` reads the nodes that `takes` says, `otherwise` all others.
template <class T>
Type<T> either(std::function<bool(const Node&)> takes, Type<T> first, Type<T> otherwise) {
  Type<T> type{make_shape(EitherShape{{first.shape, otherwise.shape}}), {}, otherwise.show};
  type.read = [takes = std::move(takes), first, otherwise](const Node& node, T& into, const Reading& reading) {
    (takes(node) ? first : otherwise).read(node, into, reading);
  };
  return type;
}

/// A record is kept even where it was wrong in part, so that the third of the file stays the third and
/// a name that others ask for is there.
template <class T>
inline constexpr bool kIsRecord = requires(T value) {
  value.where;
};

/// Is it a list, of at least so many? Complains if not; `noun` is what its items are.
bool check_list(const Node& node, size_t least, const std::string& noun, const Reading& reading);

/// A list of at least `least` items; `noun` names one of them in messages.
template <class T>
Type<std::vector<T>> list_of(Type<T> item, size_t least, const std::string& noun) {
  Type<std::vector<T>> type{make_shape(ListShape{item.shape, least}), {}, {}};
  type.read = [item, least, noun](const Node& node, std::vector<T>& into, const Reading& reading) {
    if (!check_list(node, least, noun, reading)) return;
    into.clear();
    for (const Node& one : node.items) {
      const size_t before = reading.problems.size();
      T value{};
      item.read(one, value, reading);
      if (reading.problems.size() == before || kIsRecord<T>) into.push_back(std::move(value));
    }
  };
  return type;
}

/// A list, or its only item without the brackets.
template <class T>
Type<std::vector<T>> one_or_list(Type<T> item, const std::string& noun) {
  Type<std::vector<T>> single{item.shape, {}, {}};
  single.read = [item](const Node& node, std::vector<T>& into, const Reading& reading) {
    const size_t before = reading.problems.size();
    T value{};
    item.read(node, value, reading);
    if (reading.problems.size() == before) into = {std::move(value)};
  };
  const auto is_single = [](const Node& node) { return node.kind == Node::Kind::scalar; };
  return either<std::vector<T>>(is_single, single, list_of(std::move(item), 1, noun));
}

/// What a map may hold: how many entries, and what is said when it is otherwise.
struct MapForm {
  std::string noun;   // what an entry is
  std::string right;  // `NAME: …`
  size_t least = 1;
  size_t most = 0;       // 0: any number
  std::string too_many;  // what to say of one more
};
bool check_map(const Node& node, const MapForm& form, const Reading& reading);

/// A map from names to values; `add` puts one into C.
template <class C, class V, class Add>
Type<C> map_of(MapForm form, Type<std::string> key, Type<V> value, Add add) {
  Type<C> type{make_shape(MapShape{key.shape, value.shape, form.least, form.most}), {}, {}};
  type.read = [form, key, value, add](const Node& node, C& into, const Reading& reading) {
    if (!check_map(node, form, reading)) return;
    for (const Entry& entry : node.entries) {
      Node name;
      name.kind = Node::Kind::scalar;
      name.where = entry.where;
      name.text = entry.key;
      std::string read_name;
      key.read(name, read_name, reading);
      const size_t before = reading.problems.size();
      V read_value{};
      value.read(entry.value, read_value, Reading{reading.problems, entry.key});
      const bool right = reading.problems.size() == before;
      if (right || kIsRecord<V>) add(into, entry.key, std::move(read_value), entry.where);
    }
  };
  return type;
}

}  // namespace weir::config
