// The keys of a service, and where a change of each is seen.
#include <fmt/format.h>

#include "tests/e2e/schema_walk.h"

namespace weir::testing {
namespace {

// In bucket 66771 of the salt checkout-2026-11; user-1 is in 370301 there and in 939486 of the salt search.
const std::string kEarly = get("/", "shop.example", "Cookie: uid=7f3a9c2e\r\n");
const std::string kUser1 = get("/", "shop.example", "Cookie: uid=user-1\r\n");
const std::string kNavigating = get("/", "shop.example", "Accept: text/html\r\n");
const std::string kSalt = "checkout-2026-11";

Look response_field(const std::string& request, const std::string& field) {
  return [=](Stage& stage) { return stage.fetch(request).fields.get(field); };
}

/// The values of a label on the series that this request left.
Look label_of(const std::string& metric, const std::string& label) {
  return [=](Stage& stage) {
    stage.fetch(kEarly);
    std::string seen;
    for (const auto& [series, value] : stage.weir->metrics().values)
      if (series.name == metric && value > 0) seen += series.labels.at(label) + " ";
    return seen;
  };
}

/// The name of the minted cookie, or its lifetime.
Look minted(bool lifetime) {
  return [=](Stage& stage) {
    std::string cookie = stage.fetch(kNavigating).fields.get("Set-Cookie");
    return lifetime ? cookie.substr(std::min(cookie.size(), cookie.find("Max-Age")))
                    : cookie.substr(0, cookie.find('='));
  };
}

std::string reload_with_another_salt(Stage& stage) {
  ConfigText config = stage.weir->config();
  config.salt = "another";
  double before = stage.weir->metrics().sum("weir_config_reloads_total");
  write_file(stage.weir->file(), config.text());
  wait_until([&] { return stage.weir->metrics().sum("weir_config_reloads_total") > before; });
  return std::to_string(stage.weir->metrics().sum("weir_config_last_reload_successful"));
}

/// The order in which two endpoints answer twenty requests.
std::string turns(Stage& stage) {
  Client client(stage.weir->edge());
  std::string order;
  for (int i = 0; i < 20; ++i) {
    client.send(get("/"));
    order += client.receive().body == "third" ? 'b' : 'a';
  }
  bool in_turn = true;
  for (size_t i = 1; i < order.size(); ++i) in_turn = in_turn && order[i] != order[i - 1];
  return in_turn ? "in turn" : "by chance";
}

std::string while_one_is_held(Stage& stage) {
  stage.old_origin.on("/hold", never());
  Client holding(stage.weir->edge());
  holding.send(get("/hold"));
  stage.old_origin.wait_for_requests(1);
  return answer_to(get("/"))(stage);
}

std::string waits_for_origin(Stage& stage) {
  Client client(stage.weir->edge());
  client.send(get("/"));
  return acts(client);
}

std::string with_silence(Stage& stage) {
  stage.old_origin.answer(never());
  return waits_for_origin(stage);
}

std::string keeps_its_connection(Stage& stage) {
  stage.fetch(get("/"));
  return wait_until([&] { return stage.old_origin.open_connections() == 0; }, kWaits) ? "acts" : "waits";
}

ConfigText service(const std::string& line) { return {.service = {line}}; }
ConfigText cohort(const std::string& line, const std::string& share) {
  return {.share = share, .keys = {"cookie:uid"}, .cohort = {"without_key: mint", line}};
}
ConfigText old_version(const std::string& line) { return {.old_version = {line}}; }

std::vector<Key> cohort_keys() {
  return {
      {"services[].cohort.key",
       {.share = "10%", .salt = kSalt, .keys = {"cookie:uid"}},
       {.share = "10%", .salt = kSalt, .keys = {"header:X-User-Id"}},
       answer_to(kEarly)},
      {"services[].cohort.salt",
       {.share = "50%", .salt = kSalt},
       {.share = "50%", .salt = "search"},
       answer_to(kUser1)},
      {"services[].cohort.without_key",
       {.share = "100%"},
       {.share = "100%", .cohort = {"without_key: client_ip"}},
       answer_to(get("/"))},
      {"services[].cohort.mint.cookie", cohort("mint: { cookie: weir_id }", "10%"),
       cohort("mint: { cookie: other }", "10%"), minted(false)},
      {"services[].cohort.mint.max_age", cohort("mint: { max_age: 90d }", "10%"),
       cohort("mint: { max_age: 1d }", "10%"), minted(true)},
      {"services[].cohort.allow_reshuffle",
       {.share = "10%"},
       {.share = "10%", .cohort = {"allow_reshuffle: true"}},
       reload_with_another_salt},
  };
}

std::vector<Key> version_keys() {
  auto timeout = [](const std::string& name, Look look, std::vector<std::string> endpoints = {}) {
    ConfigText before{.old_endpoints = endpoints}, after{.old_endpoints = endpoints};
    before.old_version = {fmt::format("timeouts: {{ {}: 100ms }}", name)};
    after.old_version = {fmt::format("timeouts: {{ {}: 1h }}", name)};
    return Key{"services[].versions.*.timeouts." + name, before, after, std::move(look)};
  };
  return {
      {"services[].versions.*.endpoints", {}, {.old_endpoints = {"THIRD"}}, answer_to(get("/"))},
      {"services[].versions.*.balance",
       {.old_endpoints = {"THIRD", "FOURTH"}, .old_version = {"balance: round_robin"}},
       {.old_endpoints = {"THIRD", "FOURTH"}, .old_version = {"balance: least_requests"}},
       turns},
      {"services[].versions.*.max_connections", old_version("max_connections: 1"), old_version("max_connections: 2"),
       while_one_is_held},
      timeout("connect", waits_for_origin, {"FULL"}),
      timeout("response_head", with_silence),
      timeout("response_body", with_half_a_response),
      timeout("upstream_idle", keeps_its_connection),
  };
}

/// A rule that sends whoever meets this condition to the candidate.
ConfigText rule(const std::string& conditions) {
  return {.listener = {"trusted_proxies: [127.0.0.1]"},
          .rules = {"{ name: r, when: { " + conditions + " }, send: new }"},
          .top = {"regions: [{ header: CF-IPCountry }]"}};
}

/// What a GET with the value `abc` everywhere is answered.
const Look kAnswer = answer_to(get("/a/b?x=abc", "shop.example", "X: abc\r\nCookie: x=abc\r\nCF-IPCountry: NZ\r\n"));

std::vector<Key> condition_keys() {
  const std::string when = "services[].rules[].when.";
  std::vector<Key> all;
  for (const std::string kind : {"header", "cookie", "query"}) {
    auto test = [&](const std::string& value) { return rule(fmt::format("{}: {{ x: {} }}", kind, value)); };
    all.push_back({when + kind, test("\"abc\""), test("\"abd\""), kAnswer});
    all.push_back({when + kind + ".*.regex", test("{ regex: \"b\" }"), test("{ regex: \"z\" }"), kAnswer});
    all.push_back({when + kind + ".*.prefix", test("{ prefix: \"ab\" }"), test("{ prefix: \"b\" }"), kAnswer});
    all.push_back({when + kind + ".*.present", test("{ present: true }"), test("{ present: false }"), kAnswer});
  }
  all.push_back({when + "method", rule("method: [GET, PUT]"), rule("method: [POST, PUT]"), kAnswer});
  all.push_back({when + "path_prefix", rule("path_prefix: /a"), rule("path_prefix: /b"), kAnswer});
  all.push_back({when + "path_regex", rule("path_regex: \"^/a/b$\""), rule("path_regex: \"^/b\""), kAnswer});
  all.push_back({when + "client_ip", rule("client_ip: [127.0.0.0/24]"), rule("client_ip: [127.0.1.0/24]"), kAnswer});
  all.push_back({when + "region", rule("region: [NZ, AU]"), rule("region: [DE]"), kAnswer});
  all.push_back({when + "not", rule("not: { method: POST }"), rule("not: { method: GET }"), kAnswer});
  return all;
}

std::vector<Key> service_level_keys() {
  auto rules = [](const std::string& text) { return ConfigText{.keys = {"cookie:uid"}, .rules = {text}}; };
  return {
      {"services[].name",
       {},
       {.replaced = {{"name: shop", "name: store"}}},
       label_of("weir_requests_total", "service")},
      {"services[].match[].host", service("match: [{ host: shop.example }]"),
       service("match: [{ host: \"*.example.org\" }]"), answer_to(get("/"))},
      {"services[].match[].path_prefix", service("match: [{ path_prefix: / }]"),
       service("match: [{ path_prefix: /only }]"), answer_to(get("/"))},
      {"services[].stable", {}, {.replaced = {{"stable: old", "stable: new"}}}, answer_to(get("/"))},
      {"services[].rules[].name", rules("{ name: one, when: { method: GET }, send: new }"),
       rules("{ name: two, when: { method: GET }, send: new }"), label_of("weir_rule_hits_total", "rule")},
      {"services[].rules[].send", rules("{ when: { method: GET }, send: new }"),
       rules("{ when: { method: GET }, send: old }"), answer_to(kEarly)},
      {"services[].rules[].split", rules("{ when: { method: GET }, split: { new: 100% } }"),
       rules("{ when: { method: GET }, split: { new: 0% } }"), answer_to(kEarly)},
      {"services[].split", {.share = "100%"}, {.share = "0%"}, answer_to(kEarly)},
      {"services[].reveal", service("reveal: none"), service("reveal: all"), response_field(kEarly, "X-Weir-Version")},
  };
}

}  // namespace

std::vector<Key> service_keys() {
  std::vector<Key> all;
  for (auto keys : {service_level_keys(), cohort_keys(), version_keys(), condition_keys()})
    all.insert(all.end(), keys.begin(), keys.end());
  return all;
}

}  // namespace weir::testing
