// Binder and schema agree on every small change of a file that is right: each value replaced by odd ones,
// each key dropped, a foreign key added. What the binder alone sees (validate is not asked) must be what a
// validator of the schema sees.
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "config/table.h"
#include "config/yaml.h"
#include "tests/config/schema_check.h"

namespace weir::config {
namespace {

namespace json = boost::json;

json::value to_json(const Node& node) {
  switch (node.kind) {
    case Node::Kind::scalar:
      if (node.is(Scalar::integer)) return *node.integer();
      if (node.is(Scalar::real)) return *node.number();
      if (node.is(Scalar::boolean)) return node.text == "true";
      return json::value(node.text);
    case Node::Kind::list: {
      json::array list;
      for (const Node& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case Node::Kind::map: {
      json::object map;
      for (const Entry& entry : node.entries) map[entry.key] = to_json(entry.value);
      return map;
    }
    default:
      return nullptr;
  }
}

const std::vector<json::value>& odd_values() {
  static const std::vector<json::value> values = [] {
    std::vector<json::value> odd{nullptr, true, -1, 0, 1, 4096, 1.5, json::array{}, json::object{}};
    for (const char* text : {"",
                             " ",
                             "x",
                             "X-A",
                             "/",
                             "/a b",
                             "a/b",
                             "0",
                             "10%",
                             "100.5%",
                             "00.5%",
                             "5s",
                             "05s",
                             "0s",
                             "5ms",
                             "64KiB",
                             "0B",
                             "64kb",
                             "127.0.0.1:80",
                             "127.0.0.1:0",
                             "127.0.0.1",
                             "[::1]:443",
                             "::1/64",
                             "10.0.0.0/8",
                             "10.0.0.0/08",
                             "a.b:99",
                             "a.1:99",
                             "*.a.b",
                             "*",
                             "unix",
                             "unix:/x",
                             "unix:x",
                             "systemd:80",
                             "client_ip",
                             "cookie:",
                             "cookie:a",
                             "query:a=b",
                             "GET",
                             "none",
                             "json",
                             "auto",
                             "mint",
                             "a,b",
                             "\xc3\xbc"}) {
      odd.emplace_back(text);
    }
    odd.push_back(json::array{"x"});
    odd.push_back(json::array{nullptr});
    odd.push_back(json::object{{"x", "y"}});
    return odd;
  }();
  return values;
}

/// Every document that is `root` but for one change at or under `here`, which is a part of it.
void change_each(const json::value& root, json::value& here, std::vector<std::string>& documents) {
  const auto note = [&] { documents.push_back(json::serialize(root)); };
  const json::value original = here;
  for (const json::value& odd : odd_values()) {
    here = odd;
    note();
  }
  here = original;
  if (auto* list = here.if_array()) {
    for (json::value& item : *list) change_each(root, item, documents);
  } else if (auto* map = here.if_object()) {
    (*map)["foreign"] = "x";
    note();
    map->erase("foreign");
    for (const auto& member : original.as_object()) {
      map->erase(member.key());
      note();
      (*map)[member.key()] = member.value();
    }
    for (auto& member : *map) change_each(root, member.value(), documents);
  }
}

/// The first thing that the binder says of it; empty if it is content.
std::string binder_says(const std::string& document) {
  Problems problems;
  const Tree tree = read_yaml(document, "", problems);
  Config config;
  file_table().read(tree.root, config, Reading{problems, ""});
  return problems.empty() ? "" : problems.front().text();
}

constexpr const char* kSeed = R"(
listeners:
  - name: edge
    address: 0.0.0.0:8080
    trusted_proxies: [10.0.0.0/8]
    trusted_headers: [X-Staff]
    proxy_protocol: none
    ready_path: /-/ready
admin: { address: 127.0.0.1:9901, token_file: /t, hosts: [a.b] }
workers: auto
regions: [{ header: X-R }, { mmdb: /a.mmdb, field: [country] }]
access_log: { path: "-", format: json }
limits: { request_head: 64KiB, request_headers: 200 }
timeouts: { connect: 2s, drain: 30s }
services:
  - name: shop
    match: [{ host: "*.shop.example", path_prefix: / }]
    cohort: { key: [cookie:uid], salt: s, without_key: mint, mint: { cookie: id, max_age: 90d }, allow_reshuffle: false }
    stable: old
    versions:
      old: { endpoints: [127.0.0.1:9001], balance: round_robin, max_connections: 9, timeouts: { connect: 1s } }
    rules:
      - name: r
        when:
          header: { A: { regex: x } }
          cookie: { B: { prefix: x } }
          query: { C: { present: true }, D: x }
          method: [GET]
          path_prefix: /p
          path_regex: q
          client_ip: ["::1/64"]
          region: NZ
          not: { method: PUT }
        send: old
      - { when: { client_ip: 192.0.2.1 }, split: { old: 100% } }
    split: { old: 100% }
    reveal: none
    rollout:
      candidate: new
      stages: [1%, { share: 25%, hold: 30m, approve: true, proof: required, no_return: false }]
      hold: 10m
      min_users: 200
      judge: { metrics: [errors], fail: 0.001, pass: 0.05, margin: 1.5, tolerance: 0.5%, per_network: 9, limits: { error_ratio: 5%, p99: 2s } }
      if_failing: rollback
      if_undecided: hold
      soak: 24h
      warmup: 30s
      guards: { max_step: 25% }
)";

TEST(Agreement, BinderAndSchemaSayTheSameOfEverySmallChange) {
  Problems problems;
  json::value root = to_json(read_yaml(kSeed, "seed", problems).root);
  ASSERT_EQ(binder_says(json::serialize(root)), "");
  std::vector<std::string> documents;
  change_each(root, root, documents);
  std::string lines;
  for (const std::string& document : documents) lines += document + "\n";
  const ScratchFolder folder;
  const auto verdicts = schema_verdicts({folder.write("documents.jsonl", lines)});
  ASSERT_EQ(verdicts.size(), documents.size());
  size_t right = 0;
  for (size_t i = 0; i < documents.size(); ++i) {
    const std::string told = binder_says(documents[i]);
    EXPECT_EQ(told.empty(), verdicts[i] == "right") << "binder: " << told << "\nschema: " << verdicts[i] << "\n"
                                                    << documents[i];
    right += told.empty() ? 1 : 0;
  }
  EXPECT_GT(right, 100u) << "too few changes were harmless";
  EXPECT_GT(documents.size() - right, 1000u) << "too few changes did harm";
}

}  // namespace
}  // namespace weir::config
