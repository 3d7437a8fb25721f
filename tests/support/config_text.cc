#include "tests/support/config_text.h"

#include <fmt/format.h>

namespace weir::testing {
namespace {

std::string quoted(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", text);
  return "[" + list + "]";
}

std::string lines(const std::vector<std::string>& texts, std::string_view indent) {
  std::string all;
  for (const std::string& text : texts) all += fmt::format("{}{}\n", indent, text);
  return all;
}

std::string mapping(std::string_view name, const std::map<std::string, std::string>& entries) {
  if (entries.empty()) return "";
  std::string all = fmt::format("{}:\n", name);
  for (const auto& [key, value] : entries) all += fmt::format("  {}: {}\n", key, value);
  return all;
}

std::string version(std::string_view name, const std::vector<std::string>& endpoints,
                    const std::vector<std::string>& further) {
  if (endpoints.empty()) return "";
  return fmt::format("      {}:\n        endpoints: {}\n{}", name, quoted(endpoints), lines(further, "        "));
}

std::string shop(const ConfigText& config) {
  std::string text = "  - name: shop\n    stable: old\n    versions:\n";
  text += version("old", config.old_endpoints, config.old_version);
  text += version("new", config.new_endpoints, config.new_version);
  if (!config.keys.empty() || !config.salt.empty() || !config.cohort.empty()) {
    text += "    cohort:\n";
    if (!config.keys.empty()) text += fmt::format("      key: {}\n", quoted(config.keys));
    if (!config.salt.empty()) text += fmt::format("      salt: {}\n", config.salt);
    text += lines(config.cohort, "      ");
  }
  if (!config.rules.empty()) text += "    rules:\n" + lines(config.rules, "      - ");
  if (!config.new_endpoints.empty() && !config.share.empty())
    text += fmt::format("    split: {{ new: {} }}\n", config.share);
  return text + lines(config.service, "    ");
}

}  // namespace

std::string ConfigText::text() const {
  std::string text = fmt::format("listeners:\n  - name: edge\n    address: \"{}\"\n{}", edge, lines(listener, "    "));
  text += lines(listeners, "  - ");
  text += fmt::format("admin:\n  address: \"{}\"\n{}", admin, lines(admin_lines, "  "));
  if (workers > 0) text += fmt::format("workers: {}\n", workers);
  text += mapping("limits", limits) + mapping("timeouts", timeouts) + lines(top, "");
  text += "services:\n" + shop(*this) + lines(services, "  - ");
  for (const auto& [piece, other] : replaced)
    for (size_t at = text.find(piece); at != std::string::npos; at = text.find(piece, at + other.size()))
      text.replace(at, piece.size(), other);
  return text;
}

}  // namespace weir::testing
