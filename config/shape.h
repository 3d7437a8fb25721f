// What a value of the file looks like, as data: the side of the table that the JSON Schema is made of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace weir::config {

struct Shape;
using ShapePtr = std::shared_ptr<const Shape>;

/// A default as the schema shows it; monostate: none.
using Plain = std::variant<std::monostate, bool, int64_t, double, std::string, std::vector<std::string>>;

/// Text that a pattern (ECMA 262) holds; an empty pattern holds all.
struct TextShape {
  std::string pattern;
};

struct WordsShape {
  std::vector<std::string> words;
};

/// One of these numbers.
struct NumbersShape {
  std::vector<double> numbers;
};

struct IntegerShape {
  int64_t least = 0, most = 0;
};

/// A number, whole or not, between two others.
struct NumberShape {
  double least = 0, most = 0;
};

struct BooleanShape {};

struct ListShape {
  ShapePtr item;
  size_t least = 0;
};

/// A map whose keys the operator chooses.
struct MapShape {
  ShapePtr key, value;
  size_t least = 0, most = 0;  // entries; most 0: any number
};

/// Any of several ways to write the same.
struct EitherShape {
  std::vector<ShapePtr> ways;
};

/// The object of this name again, which is being described already.
struct AgainShape {
  std::string object;
};

struct FieldShape {
  std::string name, doc;
  ShapePtr shape;  // null for a key that is refused as not there yet
  Plain shown_default;
  bool required = false;
  std::string not_yet;  // why, and what to do meanwhile
};

/// A map with keys that weir knows.
struct ObjectShape {
  struct Needs {
    std::string field, other, word;  // `field` makes sense only where `other` is `word`
  };
  std::string name, doc;
  std::vector<FieldShape> fields;
  std::vector<std::string> one_of;                             // exactly one of these
  std::vector<std::pair<std::string, std::string>> only_with;  // the first only where the second is
  std::vector<Needs> needs;
  size_t least = 0;  // keys
};

struct Shape {
  std::variant<TextShape, WordsShape, NumbersShape, IntegerShape, NumberShape, BooleanShape, ListShape, MapShape,
               EitherShape, AgainShape, ObjectShape>
      is;
};

template <class S>
ShapePtr make_shape(S shape) {
  return std::make_shared<const Shape>(Shape{std::move(shape)});
}

}  // namespace weir::config
