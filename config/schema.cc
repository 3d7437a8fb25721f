// The table as a JSON Schema (draft 2020-12).
#include <boost/json.hpp>

#include <set>

#include "config/parse.h"
#include "config/table.h"

namespace weir::config {

namespace {

namespace json = boost::json;

/// `region source` -> `region_source`, as definitions are called.
std::string definition_name(std::string name) {
  for (char& c : name) c = c == ' ' ? '_' : c;
  return name;
}

json::value default_value(const Plain& plain) {
  return std::visit(
      [](const auto& value) -> json::value {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
          return nullptr;
        } else {
          return json::value_from(value);
        }
      },
      plain);
}

/// Writes shapes; objects go into the definitions, once each.
class Writer {
 public:
  json::object definitions;

  json::object of(const Shape& shape) {
    return std::visit([this](const auto& is) { return write(is); }, shape.is);
  }

  json::object body(const ObjectShape& shape) {
    json::object properties;
    json::array required;
    for (const FieldShape& field : shape.fields) {
      if (field.shape == nullptr) continue;
      properties[field.name] = property(field);
      if (field.required) required.push_back(json::value(field.name));
    }
    json::object out{{"description", shape.doc}, {"type", "object"}, {"properties", properties}};
    if (!required.empty()) out["required"] = required;
    if (shape.least > 0) out["minProperties"] = shape.least;
    out["additionalProperties"] = false;
    write_company(shape, out);
    return out;
  }

 private:
  static json::object reference(const std::string& name) { return {{"$ref", "#/$defs/" + definition_name(name)}}; }

  json::object property(const FieldShape& field) {
    json::object out{{"description", field.doc}};
    for (auto& member : of(*field.shape)) out.insert(member);
    if (!std::holds_alternative<std::monostate>(field.shown_default)) {
      out["default"] = default_value(field.shown_default);
    }
    return out;
  }

  static void write_company(const ObjectShape& shape, json::object& out) {
    json::array one_of;
    for (const std::string& name : shape.one_of) one_of.push_back(json::object{{"required", json::array{name}}});
    if (!one_of.empty()) out["oneOf"] = one_of;
    json::object with;
    for (const auto& [name, other] : shape.only_with) with[name] = json::array{other};
    if (!with.empty()) out["dependentRequired"] = with;
    json::object needs;
    for (const auto& [name, other, word] : shape.needs) {
      json::object constant{{other, {{"const", word}}}};
      needs[name] = {{"properties", constant}, {"required", json::array{other}}};
    }
    if (!needs.empty()) out["dependentSchemas"] = needs;
  }

  json::object write(const TextShape& text) {
    json::object out{{"type", "string"}};
    if (!text.pattern.empty()) out["pattern"] = text.pattern;
    return out;
  }
  json::object write(const WordsShape& words) { return {{"enum", json::value_from(words.words)}}; }
  json::object write(const NumbersShape& numbers) { return {{"enum", json::value_from(numbers.numbers)}}; }
  json::object write(const IntegerShape& integer) {
    if (integer.least == integer.most) return {{"const", integer.least}};
    return {{"type", "integer"}, {"minimum", integer.least}, {"maximum", integer.most}};
  }
  json::object write(const NumberShape& number) {
    return {{"type", "number"}, {"minimum", number.least}, {"maximum", number.most}};
  }
  json::object write(const BooleanShape&) { return {{"type", "boolean"}}; }
  json::object write(const ListShape& list) {
    json::object out{{"type", "array"}, {"items", of(*list.item)}};
    if (list.least > 0) out["minItems"] = list.least;
    return out;
  }
  json::object write(const MapShape& map) {
    json::object out{{"type", "object"}, {"propertyNames", of(*map.key)}, {"additionalProperties", of(*map.value)}};
    if (map.least > 0) out["minProperties"] = map.least;
    if (map.most > 0) out["maxProperties"] = map.most;
    return out;
  }
  json::object write(const EitherShape& either) {
    json::array ways;
    for (const ShapePtr& way : either.ways) ways.push_back(of(*way));
    return {{"anyOf", ways}};
  }
  json::object write(const AgainShape& again) { return reference(again.object); }
  json::object write(const ObjectShape& object) {
    if (written_.insert(object.name).second) {
      json::object definition = body(object);
      definitions[definition_name(object.name)] = std::move(definition);
    }
    return reference(object.name);
  }

  std::set<std::string> written_;
};

void print(const json::value& value, const std::string& indent, std::string& out);

template <class Range, class Print>
void print_all(const Range& members, char open, char close, const std::string& indent, std::string& out, Print one) {
  const std::string deeper = indent + "  ";
  bool first = true;
  out += open;
  for (const auto& member : members) {
    out += first ? "\n" : ",\n";
    out += deeper;
    one(member, deeper);
    first = false;
  }
  if (!first) out += "\n" + indent;
  out += close;
}

void print(const json::value& value, const std::string& indent, std::string& out) {
  if (const auto* object = value.if_object()) {
    print_all(*object, '{', '}', indent, out, [&](const auto& member, const std::string& deeper) {
      out += json::serialize(json::value(member.key())) + ": ";
      print(member.value(), deeper, out);
    });
  } else if (const auto* array = value.if_array();
             array != nullptr && !array->empty() && !array->front().is_string() && !array->front().is_number()) {
    print_all(*array, '[', ']', indent, out,
              [&](const json::value& item, const std::string& deeper) { print(item, deeper, out); });
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string schema() {
  const auto& file = std::get<ObjectShape>(file_table().shape->is);
  Writer writer;
  json::object body = writer.body(file);
  json::object out{{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "weir configuration"}};
  for (auto& member : body) out.insert(member);
  out["$defs"] = std::move(writer.definitions);
  std::string text;
  print(out, "", text);
  return text + "\n";
}

}  // namespace weir::config
