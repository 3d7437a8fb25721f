#include "config/object.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/nearest.h"

namespace weir::config {

namespace {

std::vector<std::string> names_of(const ObjectShape& shape) {
  std::vector<std::string> names;
  for (const FieldShape& field : shape.fields) names.push_back(field.name);
  return names;
}

std::string known_keys(const ObjectShape& shape) {
  std::string known;
  for (const FieldShape& field : shape.fields) {
    if (!field.not_yet.empty()) continue;
    known += known.empty() ? field.name : ", " + field.name;
  }
  return known;
}

void refuse_unknown(const ObjectShape& shape, const Entry& entry, const Reading& reading) {
  const std::string meant = nearest(entry.key, names_of(shape));
  const std::string right = meant.empty() ? "known here: " + known_keys(shape) : fmt::format("did you mean {}?", meant);
  reading.problems.push_back({entry.where, fmt::format("unknown key {}; {}", quoted(entry.key), right)});
}

void read_entry(const ObjectRows& rows, const Entry& entry, void* into, const Reading& reading) {
  const auto& fields = rows.shape.fields;
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == entry.key; });
  if (field == fields.end()) return refuse_unknown(rows.shape, entry, reading);
  if (!field->not_yet.empty()) {
    reading.problems.push_back({entry.where, fmt::format("{}: not yet: {}", entry.key, field->not_yet)});
    return;
  }
  rows.readers[static_cast<size_t>(field - fields.begin())](entry.value, into, Reading{reading.problems, entry.key});
}

void check_missing(const ObjectShape& shape, const Node& node, const Reading& reading) {
  for (const FieldShape& field : shape.fields) {
    if (!field.required || node.has(field.name)) continue;
    reading.problems.push_back(
        {node.where, fmt::format("{} is missing from this {}: {}", field.name, shape.name, field.doc)});
  }
}

void check_one_of(const ObjectShape& shape, const Node& node, const Reading& reading) {
  if (shape.one_of.empty()) return;
  std::vector<const Entry*> there;
  for (const std::string& name : shape.one_of) {
    if (const Entry* entry = node.find(name)) there.push_back(entry);
  }
  const std::string choices = fmt::format("{}", fmt::join(shape.one_of, ", "));
  if (there.empty()) {
    reading.problems.push_back({node.where, fmt::format("this {} needs one of {}", shape.name, choices)});
  } else if (there.size() > 1) {
    reading.problems.push_back(
        {there[1]->where, fmt::format("this {} takes only one of {}; keep one", shape.name, choices)});
  }
}

void check_company(const ObjectShape& shape, const Node& node, const Reading& reading) {
  for (const auto& [name, other] : shape.only_with) {
    const Entry* entry = node.find(name);
    if (entry == nullptr || node.has(other)) continue;
    reading.problems.push_back(
        {entry->where, fmt::format("{0} says nothing without {1}; add {1} or take {0} out", name, other)});
  }
  for (const auto& [name, other, word] : shape.needs) {
    const Entry* entry = node.find(name);
    const Entry* companion = node.find(other);
    if (entry == nullptr || (companion != nullptr && companion->value.text == word)) continue;
    reading.problems.push_back(
        {entry->where,
         fmt::format("{0} says nothing unless {1} is {2}; write {1}: {2} or take {0} out", name, other, word)});
  }
}

}  // namespace

void read_object(const ObjectRows& rows, const Node& node, void* into, const Reading& reading) {
  if (node.kind == Node::Kind::wrong) return;
  if (node.kind != Node::Kind::map) {
    reading.wrong(node, fmt::format("{} is not a map; write a map of {}", node.shown(), known_keys(rows.shape)));
    return;
  }
  if (node.entries.size() < rows.shape.least) {
    reading.wrong(node, "the map is empty; it takes " + known_keys(rows.shape));
    return;
  }
  for (const Entry& entry : node.entries) read_entry(rows, entry, into, reading);
  check_missing(rows.shape, node, reading);
  check_one_of(rows.shape, node, reading);
  check_company(rows.shape, node, reading);
}

}  // namespace weir::config
