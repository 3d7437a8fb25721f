// A configuration: loaded or refused with a reason in the file, and twice the same.
#include <algorithm>
#include <string>

#include "config/parse.h"
#include "tests/fuzz/invariant.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using weir::fuzz::hold;
  const std::string text(weir::fuzz::text_of(data, size));
  auto loaded = weir::config::parse(text, "weir.yaml");
  const auto again = weir::config::parse(text, "weir.yaml");
  hold(static_cast<bool>(loaded) == static_cast<bool>(again), "the same text is judged the same");
  const auto lines = std::count(text.begin(), text.end(), '\n') + std::count(text.begin(), text.end(), '\r') + 2;
  if (!loaded) {
    hold(!loaded.problems().empty(), "what is refused is refused with a reason");
    hold(loaded.problems().size() == again.problems().size(), "the same text has the same problems");
    for (const auto& problem : loaded.problems()) {
      hold(problem.where.line >= 0 && problem.where.line <= lines, "a problem is within the file");
      hold(!problem.what.empty(), "a problem says what it is");
    }
    return 0;
  }
  const auto& config = loaded->config;
  hold(!config.listeners.empty() && !config.services.empty(), "a configuration serves something");
  hold(config.hash == again->config.hash, "the same text has the same hash");
  for (const auto& service : config.services) {
    hold(service.version_index(service.stable).has_value(), "the stable version is one of the versions");
    for (const auto& version : service.versions) hold(!version.endpoints.empty(), "a version has an endpoint");
  }
  return 0;
}
