// A map with known keys: a row of the table a key.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/type.h"

namespace weir::config {

/// Reads one field into the object at the pointer.
using FieldReader = std::function<void(const Node&, void*, const Reading&)>;

struct ObjectRows {
  ObjectShape shape;
  std::vector<FieldReader> readers;  // beside shape.fields; empty for a key that is not there yet
};
void read_object(const ObjectRows& rows, const Node& node, void* into, const Reading& reading);

/// Collects the rows of an object of type T, in the order in which the schema shows them.
template <class T>
class Object {
 public:
  /// `name` is that of the schema's definition and of the messages (`a NAME`).
  Object(std::string name, std::string doc) {
    rows_.shape.name = std::move(name);
    rows_.shape.doc = std::move(doc);
  }

  template <class M, class V>
  Object& required(std::string name, M T::*member, Type<V> type, std::string doc) {
    return add({std::move(name), std::move(doc), type.shape, {}, true, ""}, reader_of(member, type));
  }
  template <class M, class V>
  Object& optional(std::string name, M T::*member, Type<V> type, std::string doc) {
    return add({std::move(name), std::move(doc), type.shape, {}, false, ""}, reader_of(member, type));
  }
  /// An optional key whose default is what a fresh T holds.
  template <class V>
  Object& defaulted(std::string name, V T::*member, Type<V> type, std::string doc) {
    return add({std::move(name), std::move(doc), type.shape, type.show(T{}.*member), false, ""},
               reader_of(member, type));
  }
  /// An optional key that goes into T by a function.
  template <class V, class Set>
  Object& optional_by(std::string name, Set set, Type<V> type, std::string doc) {
    FieldReader reader = [set, type](const Node& node, void* into, const Reading& reading) {
      V value{};
      type.read(node, value, reading);
      set(*static_cast<T*>(into), std::move(value));
    };
    return add({std::move(name), std::move(doc), type.shape, {}, false, ""}, std::move(reader));
  }
  /// A key of the contract that this version does not know yet: refused, never ignored.
  Object& not_yet(std::string name, std::string why) {
    return add({std::move(name), "", nullptr, {}, false, std::move(why)}, {});
  }

  Object& exactly_one_of(std::vector<std::string> names) {
    rows_.shape.one_of = std::move(names);
    return *this;
  }
  Object& only_with(std::string name, std::string other) {
    rows_.shape.only_with.emplace_back(std::move(name), std::move(other));
    return *this;
  }
  Object& needs(std::string name, std::string other, std::string word) {
    rows_.shape.needs.push_back({std::move(name), std::move(other), std::move(word)});
    return *this;
  }
  /// At least one key.
  Object& not_empty() {
    rows_.shape.least = 1;
    return *this;
  }

  Type<T> type() const {
    Type<T> type{make_shape(rows_.shape), {}, {}};
    auto rows = std::make_shared<const ObjectRows>(rows_);
    type.read = [rows](const Node& node, T& into, const Reading& reading) {
      if constexpr (requires { into.where; }) into.where = node.where;
      read_object(*rows, node, &into, reading);
    };
    return type;
  }

 private:
  Object& add(FieldShape field, FieldReader reader) {
    rows_.shape.fields.push_back(std::move(field));
    rows_.readers.push_back(std::move(reader));
    return *this;
  }

  template <class V>
  static FieldReader reader_of(V T::*member, const Type<V>& type) {
    return [member, type](const Node& node, void* into, const Reading& reading) {
      type.read(node, static_cast<T*>(into)->*member, reading);
    };
  }
  template <class V>
  static FieldReader reader_of(std::optional<V> T::*member, const Type<V>& type) {
    return [member, type](const Node& node, void* into, const Reading& reading) {
      const size_t before = reading.problems.size();
      V value{};
      type.read(node, value, reading);
      const bool right = reading.problems.size() == before;
      if (right || node.kind == Node::Kind::map) static_cast<T*>(into)->*member = std::move(value);
    };
  }

  ObjectRows rows_;
};

}  // namespace weir::config
