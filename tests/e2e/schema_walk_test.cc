// Every key of the schema, changed alone, changes something that can be seen from outside.
#include "tests/e2e/schema_walk.h"
#include "tests/support/places.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <set>

namespace weir::testing {
namespace {

namespace json = boost::json;

/// The paths of all keys below a schema; references that are under way are not followed again.
class Walk {
 public:
  explicit Walk(const json::object& root) : root_(root) { node(root, ""); }
  const std::set<std::string>& paths() const { return paths_; }

 private:
  void node(const json::object& schema, const std::string& path) {
    if (const json::value* to = schema.if_contains("$ref")) follow(std::string(to->as_string()), path);
    for (const char* way : {"anyOf", "oneOf", "allOf"})
      if (const json::value* ways = schema.if_contains(way))
        for (const json::value& one : ways->as_array()) node(one.as_object(), path);
    if (const json::value* items = schema.if_contains("items")) node(items->as_object(), path + "[]");
    if (const json::value* more = schema.if_contains("additionalProperties"); more && more->is_object())
      node(more->as_object(), path + ".*");
    if (const json::value* properties = schema.if_contains("properties")) {
      for (const auto& [name, inner] : properties->as_object()) {
        if (!inner.is_object()) continue;
        std::string key = path.empty() ? std::string(name) : path + "." + std::string(name);
        paths_.insert(key);
        node(inner.as_object(), key);
      }
    }
  }

  void follow(const std::string& reference, const std::string& path) {
    if (!under_way_.insert(reference).second) return;
    node(root_.at("$defs").at(reference.substr(reference.rfind('/') + 1)).as_object(), path);
    under_way_.erase(reference);
  }

  const json::object& root_;
  std::set<std::string> paths_, under_way_;
};

std::vector<Key> all_keys() {
  std::vector<Key> all = file_keys();
  for (Key& key : service_keys()) all.push_back(std::move(key));
  for (Key& key : health_keys()) all.push_back(std::move(key));
  for (Key& key : rollout_keys()) all.push_back(std::move(key));
  for (Key& key : tls_keys()) all.push_back(std::move(key));
  return all;
}

class EveryKey : public ::testing::TestWithParam<Key> {};

TEST_P(EveryKey, ChangesSomethingThatCanBeSeen) {
  auto seen = [&](const ConfigText& config) {
    Stage stage(config);
    return GetParam().look(stage);
  };
  std::string before = seen(GetParam().before), after = seen(GetParam().after);
  EXPECT_NE(before, after) << GetParam().path;
}

/// A path as a name: what CTest and a filter can hold.
std::string plain(std::string path) {
  for (char& c : path) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return path;
}

INSTANTIATE_TEST_SUITE_P(Schema, EveryKey, ::testing::ValuesIn(all_keys()),
                         [](const auto& info) { return plain(info.param.path); });

TEST(EveryKeyOfTheSchema, IsInTheTable) {
  Finished printed = run(weir_program(), {"schema"});
  ASSERT_EQ(printed.code, 0);
  json::value schema = json::parse(printed.output);
  std::set<std::string> paths = Walk(schema.as_object()).paths();
  ASSERT_GT(paths.size(), 60u);
  std::set<std::string> known;
  for (const Key& key : all_keys()) {
    known.insert(key.path);
    EXPECT_TRUE(paths.contains(key.path)) << key.path << " is not in the schema";
  }
  for (const std::string& path : paths) {
    auto is_below = [&](const std::string& other) {
      return other.size() > path.size() && other.starts_with(path) &&
             (other[path.size()] == '.' || other[path.size()] == '[');
    };
    bool houses = std::any_of(known.begin(), known.end(), is_below);
    EXPECT_TRUE(known.contains(path) || houses) << path << " has no line in the table";
  }
}

}  // namespace

Stage::Stage(ConfigText config) : full(listen_on("127.0.0.1:0", 0)) {
  for (int i = 0; i < 4; ++i) queue.push_back(start_connect(local_address(full)));
  write_file(directory / "token", "a-token-that-nobody-knows\n");
  write_file(directory / "secret", "a-secret-for-overrides\n");
  write_file(directory / "another-secret", "another-secret-for-overrides\n");
  write_file(directory / "nz.mmdb", mmdb("NZ", "DE"));
  write_file(directory / "au.mmdb", mmdb("AU", "DE"));
  write_certificates(directory, authority);
  if (config.old_endpoints.empty()) config.old_endpoints = {old_origin.address()};
  if (config.new_endpoints.empty()) config.new_endpoints = {new_origin.address()};
  for (std::string* address : {&config.edge, &config.admin})
    if (address->starts_with("unix:DIR/")) *address = "unix:" + directory.path() + address->substr(8);
  config.replaced.insert(config.replaced.end(), {{"DIR", directory.path()},
                                                 {"THIRD", third.address()},
                                                 {"FOURTH", fourth.address()},
                                                 {"FULL", local_address(full)}});
  weir = weir_with(std::move(config));
}

void PrintTo(const Key& key, std::ostream* out) { *out << plain(key.path); }

Look answer_to(std::string request) {
  return [request = std::move(request)](Stage& stage) {
    Response response = stage.fetch(request);
    return fmt::format("{} {}", response.status, response.body);
  };
}

std::string acts(Client& client) { return client.silent_for(kWaits) ? "waits" : "acts"; }

std::string with_half_a_response(Stage& stage) {
  stage.old_origin.answer([](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    turn.read_all();
    turn.close();
  });
  Client client(stage.weir->edge());
  client.send(get("/"));
  client.receive_head();
  client.receive_bytes(5);
  return acts(client);
}

}  // namespace weir::testing
