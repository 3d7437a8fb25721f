// The file as a tree, each node with its place: what lies between YAML and the binder.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/problem.h"

namespace weir::config {

/// What a plain scalar is by the core schema of YAML 1.2 (§10.3.2); a quoted one is always text.
enum class Scalar { text, null, boolean, integer, real };
Scalar resolve(std::string_view plain);

struct Entry;

struct Node {
  enum class Kind {
    null,
    scalar,
    list,
    map,
    wrong,  // already complained about (an alias, say): nobody need say more
  };
  Kind kind = Kind::null;
  Where where;
  std::string text;  // of a scalar
  Scalar scalar = Scalar::text;
  std::vector<Node> items;     // of a list
  std::vector<Entry> entries;  // of a map, in the order of the file

  bool is(Scalar wanted) const { return kind == Kind::scalar && scalar == wanted; }
  /// The value of an integer, decimal, 0o or 0x; nothing for others and for what does not fit.
  std::optional<int64_t> integer() const;
  /// The value of a real number or an integer; nothing for others and for what is not finite.
  std::optional<double> number() const;
  /// A map's entry of this key; null if there is none.
  const Entry* find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// How a message speaks of it: `"text"`, `12`, `a list`, `nothing`.
  std::string shown() const;
};

struct Entry {
  std::string key;
  Where where;  // of the key
  Node value;
};

/// One step into a tree: a map's key or a list's index.
using Step = std::variant<std::string_view, size_t>;

/// The place of the value down this path, or of the nearest thing above it that is there. A single
/// value stands for a list of one.
const Where& place(const Node& root, std::initializer_list<Step> path);

/// A text as messages show it: in quotes, short, with nothing unprintable.
std::string quoted(std::string_view text);

}  // namespace weir::config
