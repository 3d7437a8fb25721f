// Every key of the table as a path.
#include "config/parse.h"
#include "config/table.h"

namespace weir::config {

namespace {

void collect(const Shape& shape, const std::string& path, std::vector<std::string>& paths);

void collect(const ObjectShape& object, const std::string& path, std::vector<std::string>& paths) {
  for (const FieldShape& field : object.fields) {
    if (field.shape == nullptr) continue;
    const std::string inner = path.empty() ? field.name : path + "." + field.name;
    paths.push_back(inner);
    collect(*field.shape, inner, paths);
  }
}

void collect(const Shape& shape, const std::string& path, std::vector<std::string>& paths) {
  if (const auto* object = std::get_if<ObjectShape>(&shape.is)) {
    collect(*object, path, paths);
  } else if (const auto* list = std::get_if<ListShape>(&shape.is)) {
    collect(*list->item, path + "[]", paths);
  } else if (const auto* map = std::get_if<MapShape>(&shape.is)) {
    collect(*map->value, path + ".*", paths);
  } else if (const auto* either = std::get_if<EitherShape>(&shape.is)) {
    for (const ShapePtr& way : either->ways) collect(*way, path, paths);
  }
}

}  // namespace

std::vector<std::string> schema_paths() {
  std::vector<std::string> paths;
  collect(*file_table().shape, "", paths);
  return paths;
}

}  // namespace weir::config
