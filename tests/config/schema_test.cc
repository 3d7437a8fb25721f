// The schema and the binder come out of one table: here it is seen that they do.
#include <gmock/gmock.h>

#include <boost/json.hpp>

#include "config/parse.h"
#include "config/table.h"
#include "config/yaml.h"
#include "tests/config/schema_check.h"
#include "tests/support/places.h"

namespace weir::config {
namespace {

namespace json = boost::json;

std::string example_text() { return read_text(weir::testing::source_directory() + "/config/example.yaml"); }

TEST(Schema, IsOfTheDraftAndClosed) {
  const json::object schema_object = json::parse(schema()).as_object();
  EXPECT_EQ(schema_object.at("$schema"), "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema_object.at("additionalProperties"), false);
  for (const auto& definition : schema_object.at("$defs").as_object()) {
    EXPECT_EQ(definition.value().at("additionalProperties"), false) << definition.key();
    EXPECT_FALSE(definition.value().at("description").as_string().empty()) << definition.key();
    for (const auto& property : definition.value().at("properties").as_object()) {
      EXPECT_FALSE(property.value().at("description").as_string().empty()) << property.key();
    }
  }
}

TEST(Schema, EveryReferenceHasItsDefinition) {
  const std::string text = schema();
  const json::object definitions = json::parse(text).at("$defs").as_object();
  const std::string mark = "\"#/$defs/";
  size_t found = 0;
  for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
    const size_t begin = at + mark.size();
    const std::string name = text.substr(begin, text.find('"', begin) - begin);
    EXPECT_TRUE(definitions.contains(name)) << name;
    ++found;
  }
  EXPECT_GT(found, definitions.size() / 2);
}

/// A group of settings with every default of the schema written out.
std::string defaults_of(const std::string& definition) {
  std::string text = definition + ":\n";
  const json::value whole = json::parse(schema());
  for (const auto& property : whole.at("$defs").at(definition).at("properties").as_object()) {
    const json::value& value = property.value().at("default");
    text += "  " + std::string(property.key()) + ": " +
            (value.is_string() ? std::string(value.as_string()) : json::serialize(value)) + "\n";
  }
  return text;
}

TEST(Schema, TheDefaultsItShowsAreTheOnesInForce) {
  const std::string text =
      "listeners: [{ address: 127.0.0.1:8080 }]\n"
      "services: [{ name: shop, versions: { main: { endpoints: [127.0.0.1:9001] } } }]\n" +
      defaults_of("limits") + defaults_of("timeouts");
  const auto loaded = parse(text, "FILE");
  ASSERT_TRUE(loaded) << loaded.problems().front().text();
  const Limits limits = loaded->config.limits, no_limits{};
  EXPECT_EQ(limits.request_head, no_limits.request_head);
  EXPECT_EQ(limits.request_headers, no_limits.request_headers);
  EXPECT_EQ(limits.request_target, no_limits.request_target);
  EXPECT_EQ(limits.request_body, no_limits.request_body);
  EXPECT_EQ(limits.response_head, no_limits.response_head);
  EXPECT_EQ(limits.connections, no_limits.connections);
  const Timeouts timeouts = loaded->config.timeouts, no_timeouts{};
  EXPECT_EQ(timeouts.request_head, no_timeouts.request_head);
  EXPECT_EQ(timeouts.request_body, no_timeouts.request_body);
  EXPECT_EQ(timeouts.client_idle, no_timeouts.client_idle);
  EXPECT_EQ(timeouts.connect, no_timeouts.connect);
  EXPECT_EQ(timeouts.response_head, no_timeouts.response_head);
  EXPECT_EQ(timeouts.response_body, no_timeouts.response_body);
  EXPECT_EQ(timeouts.upstream_idle, no_timeouts.upstream_idle);
  EXPECT_EQ(timeouts.tunnel_idle, no_timeouts.tunnel_idle);
  EXPECT_EQ(timeouts.drain, no_timeouts.drain);
  EXPECT_EQ(timeouts.drain_grace, no_timeouts.drain_grace);
}

TEST(Schema, ThePathsAreThoseOfTheFile) {
  const auto paths = schema_paths();
  EXPECT_EQ(paths.size(), 191u) << "a key came or went: does the example know, and the contract?";
  for (const char* path :
       {"listeners", "listeners[].address", "admin.hosts", "regions[].field", "services[].match[].path_prefix",
        "services[].cohort.mint.max_age", "services[].versions.*.timeouts.connect",
        "services[].rules[].when.header.*.regex", "services[].rules[].when.not", "services[].split"}) {
    EXPECT_THAT(paths, ::testing::Contains(path));
  }
}

/// Is the key of this path somewhere in the tree?
bool holds(const Node& node, std::string_view path) {
  if (path.empty()) return true;
  if (path.starts_with("[]")) {
    return std::any_of(node.items.begin(), node.items.end(),
                       [&](const Node& item) { return holds(item, path.substr(2)); });
  }
  if (path.front() == '.') path.remove_prefix(1);
  const size_t end = std::min(path.find_first_of(".["), path.size());
  return std::any_of(node.entries.begin(), node.entries.end(), [&](const Entry& entry) {
    return (path.substr(0, end) == "*" || path.substr(0, end) == entry.key) && holds(entry.value, path.substr(end));
  });
}

TEST(Example, HoldsEveryKey) {
  // These need files that are not everywhere: they are there as comments.
  const std::vector<std::string> commented{"admin.token_file", "regions[].mmdb", "regions[].field", "override",
                                           "override.secret_file"};
  const std::string text = example_text();
  Problems problems;
  const Tree tree = read_yaml(text, "example.yaml", problems);
  for (const std::string& path : schema_paths()) {
    const bool is_test = path.find(".header.*.") != path.npos || path.find(".cookie.*.") != path.npos ||
                         path.find(".query.*.") != path.npos;
    if (is_test) continue;
    const bool needs_files = path.find("].tls") != path.npos || path.find("admin.tls") != path.npos ||
                             path.find("].hsts") != path.npos || path.find(".*.tls") != path.npos ||
                             path.find(".client_cert") != path.npos;
    if (!needs_files && std::find(commented.begin(), commented.end(), path) == commented.end()) {
      EXPECT_TRUE(holds(tree.root, path)) << path;
    } else {
      EXPECT_NE(text.find(path.substr(path.find_last_of(".") + 1) + ":"), text.npos) << path;
    }
  }
  for (const char* test : {"{ regex: ", "{ prefix: ", "{ present: "}) EXPECT_NE(text.find(test), text.npos) << test;
}

TEST(Example, PassesTheSchema) {
  EXPECT_THAT(schema_verdicts({weir::testing::source_directory() + "/config/example.yaml"}),
              ::testing::ElementsAre("right"));
}

}  // namespace
}  // namespace weir::config
