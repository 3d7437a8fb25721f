// The keys at the top of the file, and where a change of each is seen.
#include <fmt/format.h>
#include <signal.h>

#include <filesystem>

#include "tests/e2e/schema_walk.h"

namespace weir::testing {
namespace {

const std::vector<std::string> kTrusting{"trusted_proxies: [127.0.0.1]"};
// `weir sign new --service shop` with the secret of Stage's file `secret`, until the year 2100.
const std::string kForced =
    "X-Weir-Override: shop:new:4102444800:"
    "f4962ed090d4a472dbe1e4149c3743582ebec75d38809ab403b4b98e0bf0e834\r\n";
const std::string kLongTarget = "/" + std::string(2000, 'a');

/// What the origin sees of a field in a GET with these lines.
Look origin_sees(const std::string& field, const std::string& lines) {
  return [=](Stage& stage) {
    stage.fetch(get("/", "shop.example", lines));
    std::vector<Request> requests = stage.old_origin.requests();
    return requests.empty() ? "nothing" : requests.back().fields.get(field);
  };
}

std::string which_listener(Stage& stage) {
  stage.fetch(get("/"));
  for (const auto& [series, value] : stage.weir->metrics().values)
    if (series.name == "weir_connections_total" && value > 0) return series.labels.at("listener");
  return "none";
}

std::string where_it_answers(Stage& stage) {
  return stage.fetch(get("/")).status == 200 ? stage.weir->edge() : "nowhere";
}

std::string threads(Stage& stage) {
  size_t count = 0;
  std::string tasks = fmt::format("/proc/{}/task", stage.weir->program().id());
  for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator(tasks)) ++count;
  return std::to_string(count);
}

std::string log_written(Stage& stage) {
  stage.fetch(get("/"));
  auto text = [&] { return read_file(stage.directory / "a.log") + "|" + read_file(stage.directory / "b.log"); };
  wait_until([&] { return text().size() > 1; });
  return text().substr(0, 2);
}

std::string where_it_is_kept(Stage& stage) {
  for (const char* name : {"a", "b"})
    if (!read_file(stage.directory / name + "/journal").empty()) return name;
  return "nowhere";
}

std::string second_client(Stage& stage) {
  Client first(stage.weir->edge()), second(stage.weir->edge());
  first.send(get("/"));
  first.receive();
  second.send(get("/"));
  return std::to_string(second.receive().status);
}

std::string large_response_head(Stage& stage) {
  stage.old_origin.answer(ok("large", "X-A: " + std::string(8000, 'a') + "\r\n"));
  return answer_to(get("/"))(stage);
}

Key limit(const std::string& name, const std::string& small, const std::string& large, Look look) {
  return {"limits." + name, {.limits = {{name, small}}}, {.limits = {{name, large}}}, std::move(look)};
}

Key timeout(const std::string& name, Look look, ConfigText config = {}) {
  ConfigText before = config, after = config;
  before.timeouts[name] = "100ms";
  after.timeouts[name] = "1h";
  return {"timeouts." + name, before, after, std::move(look)};
}

/// Whether weir acts by itself behind these bytes of a client.
Look after_bytes(const std::string& bytes) {
  return [=](Stage& stage) {
    Client client(stage.weir->edge());
    client.send(bytes);
    return acts(client);
  };
}

std::string after_a_response(Stage& stage) {
  Client client(stage.weir->edge());
  client.send(get("/"));
  client.receive();
  return acts(client);
}

std::string with_a_silent_origin(Stage& stage) {
  stage.old_origin.answer(never());
  return after_bytes(get("/"))(stage);
}

std::string with_an_idle_tunnel(Stage& stage) {
  stage.old_origin.answer([](Turn& turn) {
    turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
    turn.read_all();
    turn.close();
  });
  Client client(stage.weir->edge());
  client.send(get("/", "shop.example", "Connection: Upgrade\r\nUpgrade: x\r\n"));
  client.receive_head();
  return acts(client);
}

std::string with_an_idle_origin(Stage& stage) {
  stage.fetch(get("/"));
  return wait_until([&] { return stage.old_origin.open_connections() == 0; }, kWaits) ? "acts" : "waits";
}

std::string with_a_stuck_drain(Stage& stage) {
  stage.old_origin.answer(never());
  Client client(stage.weir->edge());
  client.send(get("/"));
  stage.old_origin.wait_for_requests(1);
  stage.weir->program().signal(SIGTERM);
  return stage.weir->program().wait(kWaits) ? "acts" : "waits";
}

std::string with_nothing_to_drain(Stage& stage) {
  stage.weir->program().signal(SIGTERM);
  return stage.weir->program().wait(kWaits) ? "acts" : "waits";
}

std::vector<Key> listener_keys() {
  return {
      {"listeners[].name", {}, {.replaced = {{"name: edge", "name: front"}}}, which_listener},
      {"listeners[].address", {}, {.edge = "unix:DIR/edge.sock"}, where_it_answers},
      {"listeners[].trusted_proxies",
       {},
       {.listener = kTrusting},
       origin_sees("X-Forwarded-For", "X-Forwarded-For: 192.0.2.1\r\n")},
      {"listeners[].trusted_headers",
       {},
       {.listener = {"trusted_headers: [X-Staff]"}},
       origin_sees("X-Staff", "X-Staff: 1\r\n")},
      {"listeners[].proxy_protocol",
       {.listener = kTrusting},
       {.listener = {kTrusting[0], "proxy_protocol: accept"}},
       answer_to("PROXY UNKNOWN\r\n" + get("/"))},
      {"listeners[].ready_path", {}, {.listener = {"ready_path: /-/ready"}}, answer_to(get("/-/ready"))},
  };
}

std::vector<Key> top_keys() {
  const std::string rule = "{ name: south, when: { region: [NZ] }, send: new }";
  auto regions = [&](const std::string& source) {
    return ConfigText{.listener = kTrusting, .rules = {rule}, .top = {"regions: [" + source + "]"}};
  };
  auto admin = [](const std::string& target, const std::string& host) {
    return [=](Stage& stage) { return std::to_string(fetch(stage.weir->admin(), get(target, host)).status); };
  };
  return {
      {"admin.address",
       {},
       {.admin = "unix:DIR/admin.sock"},
       [](Stage& stage) { return stage.weir->admin_get("/healthz").status == 200 ? stage.weir->admin() : "nowhere"; }},
      {"admin.token_file", {}, {.admin_lines = {"token_file: DIR/token"}}, admin("/api/v1/services", "localhost")},
      {"admin.hosts", {}, {.admin_lines = {"hosts: [weir.internal]"}}, admin("/healthz", "weir.internal")},
      {"workers", {.workers = 1}, {.workers = 3}, threads},
      {"state.directory",
       {.top = {"state: { directory: DIR/a }"}},
       {.top = {"state: { directory: DIR/b }"}},
       where_it_is_kept},
      {"regions[].header", regions("{ header: CF-A }"), regions("{ header: CF-B }"),
       answer_to(get("/", "shop.example", "CF-A: NZ\r\n"))},
      {"regions[].mmdb", regions("{ mmdb: DIR/nz.mmdb }"), regions("{ mmdb: DIR/au.mmdb }"), answer_to(get("/"))},
      {"regions[].field", regions("{ mmdb: DIR/nz.mmdb }"), regions("{ mmdb: DIR/nz.mmdb, field: [other, code] }"),
       answer_to(get("/"))},
      {"override.secret_file",
       {.top = {"override: { secret_file: DIR/secret }"}},
       {.top = {"override: { secret_file: DIR/another-secret }"}},
       answer_to(get("/", "shop.example", kForced))},
      {"access_log.path",
       {.top = {"access_log: { path: DIR/a.log }"}},
       {.top = {"access_log: { path: DIR/b.log }"}},
       log_written},
      {"access_log.format",
       {.top = {"access_log: { path: DIR/a.log }"}},
       {.top = {"access_log: { path: DIR/a.log, format: combined }"}},
       log_written},
      limit("request_head", "1KiB", "64KiB",
            answer_to(get("/", "shop.example", "X-A: " + std::string(4000, 'a') + "\r\n"))),
      limit("request_headers", "2", "200", answer_to(get("/", "shop.example", "A: 1\r\nB: 2\r\nC: 3\r\n"))),
      limit("request_target", "1KiB", "16KiB", answer_to(get(kLongTarget))),
      limit("request_body", "1KiB", "0", answer_to(post("/", std::string(2000, 'a')))),
      limit("response_head", "4KiB", "64KiB", large_response_head),
      limit("connections", "1", "2", second_client),
      timeout("request_head", after_bytes("GET / HTTP/1.1\r\nHost")),
      timeout("request_body", after_bytes("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 50\r\n\r\nhello")),
      timeout("client_idle", after_a_response),
      timeout("connect", after_bytes(get("/")), {.old_endpoints = {"FULL"}}),
      timeout("response_head", with_a_silent_origin),
      timeout("response_body", with_half_a_response),
      timeout("upstream_idle", with_an_idle_origin),
      timeout("tunnel_idle", with_an_idle_tunnel),
      timeout("drain", with_a_stuck_drain),
      timeout("drain_grace", with_nothing_to_drain),
  };
}

}  // namespace

std::vector<Key> file_keys() {
  std::vector<Key> all = listener_keys();
  for (Key& key : top_keys()) all.push_back(std::move(key));
  return all;
}

namespace {

/// A control byte of the MMDB data format and a short text.
std::string text(const std::string& value) { return static_cast<char>(0x40 | value.size()) + value; }
std::string map_of(int entries) { return std::string(1, static_cast<char>(0xe0 | entries)); }
std::string number(int type, char value) {  // uint16 is 5, uint32 6
  return std::string(1, static_cast<char>(type << 5 | 1)) + value;
}

}  // namespace

std::string mmdb(const std::string& country, const std::string& other) {
  // One node, both of whose records point at the one entry of the data section (24 bits: 1 + 16 + 0).
  std::string tree("\0\0\x11\0\0\x11", 6);
  std::string data = map_of(2) + text("country") + map_of(1) + text("iso_code") + text(country) + text("other") +
                     map_of(1) + text("code") + text(other);
  std::string metadata =
      map_of(9) + text("binary_format_major_version") + number(5, 2) + text("binary_format_minor_version") +
      number(5, 0) + text("build_epoch") + std::string("\x01\x02\x01", 3) + text("database_type") + text("Test") +
      text("description") + map_of(0) + text("ip_version") + number(5, 4) + text("languages") +
      std::string("\x00\x04", 2) + text("node_count") + number(6, 1) + text("record_size") + number(5, 24);
  return tree + std::string(16, '\0') + data + "\xab\xcd\xefMaxMind.com" + metadata;
}

}  // namespace weir::testing
