// The keys of health, ejection and slow start, and where a change of each is seen.
#include <fmt/format.h>

#include "tests/e2e/schema_walk.h"

namespace weir::testing {
namespace {

const Script kFails = raw("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");

bool becomes(Stage& stage, const std::string& metric, double value, Duration patience = kWaits) {
  return wait_until([&] { return stage.weir->metrics().sum(metric) == value; }, patience);
}

/// The stable version's only endpoint is asked at /p.
Key health(const std::string& key, const std::string& before, const std::string& after, Look look) {
  const auto config = [&](const std::string& value) {
    std::string probe = key == "path" ? "" : "path: /p, ";
    if (key != "interval") probe += "interval: 100ms, ";
    if (key != "fall") probe += "fall: 1, ";
    return ConfigText{.old_version = {fmt::format("health: {{ {}{}: {} }}", probe, key, value)}};
  };
  return {"services[].versions.*.health." + key, config(before), config(after), std::move(look)};
}

Look panics_when(const Script& probe) {
  return [=](Stage& stage) {
    stage.old_origin.on("/p", probe);
    return becomes(stage, "weir_panic", 1) ? "panic" : "healthy";
  };
}

std::string probes_in_a_while(Stage& stage) { return stage.old_origin.wait_for_requests(3, kWaits) ? "many" : "few"; }

std::string panics_after_it_was_well(Stage& stage) {
  stage.old_origin.wait_for_requests(2);
  return panics_when(kFails)(stage);
}

std::string recovers(Stage& stage) {
  stage.old_origin.on("/p", kFails);
  becomes(stage, "weir_panic", 1, kPatience);
  stage.old_origin.on("/p", ok("well"));
  return becomes(stage, "weir_panic", 0) ? "recovers" : "stays out";
}

std::string host_of_probes(Stage& stage) {
  stage.old_origin.wait_for_requests(1);
  return stage.old_origin.requests().front().fields.get("Host");
}

/// Of two endpoints the third origin answers 500.
ConfigText ejecting(const std::string& lines) {
  return {.old_endpoints = {"THIRD", "FOURTH"}, .old_version = {"balance: round_robin", lines}};
}
Key outlier(const std::string& key, const std::string& before, const std::string& after, Look look) {
  return {"services[].versions.*.outlier" + key, ejecting("outlier: " + before), ejecting("outlier: " + after),
          std::move(look)};
}

double ejections(Stage& stage) { return stage.weir->metrics().sum("weir_endpoint_ejections_total"); }

void ask(Stage& stage, int times) {
  for (int i = 0; i < times; ++i) stage.fetch(get("/"));
}

std::string ejects(Stage& stage) {
  stage.third.answer(kFails);
  ask(stage, 20);
  return ejections(stage) > 0 ? "ejects" : "keeps";
}

std::string lets_in_again(Stage& stage) {
  ejects(stage);
  return becomes(stage, "weir_endpoint_up", 3) ? "lets in again" : "stays out";
}

/// Each time out twice as long, the sixth comes after 6.2 s at the earliest.
std::string six_times_in_five_seconds(Stage& stage) {
  stage.third.answer(kFails);
  const Deadline end = within(Duration(5000));
  while (Clock::now() < end && ejections(stage) < 6) ask(stage, 1);
  return ejections(stage) > 5 ? "often" : "ever more rarely";
}

std::string part_after_coming_back(Stage& stage) {
  lets_in_again(stage);
  stage.third.answer(ok("third"));
  const size_t before = stage.third.complete_requests();
  ask(stage, 100);
  return stage.third.complete_requests() - before > 35 ? "all of its part" : "little";
}

/// Two versions, everybody with a key on the candidate.
Key retry(const std::string& key, const std::string& before, const std::string& after, Look look) {
  const auto config = [](const std::string& value) {
    return ConfigText{.share = "100%", .service = {"retry: { " + value + " }"}};
  };
  return {"services[].retry." + key, config(before), config(after), std::move(look)};
}

/// How often the candidate was asked, and who answered.
std::string one_failure(Stage& stage) {
  stage.new_origin.answer(raw("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"));
  const Response response = stage.fetch(get("/", "shop.example", "Cookie: uid=user-1\r\n"));
  return fmt::format("{} {} {}", stage.new_origin.complete_requests(), response.status, response.body);
}

std::string many_failures(Stage& stage) {
  constexpr size_t kRequests = 800;           // more than the hundred that may always be spent at once,
  const auto least = within(Duration(1500));  // for longer than the tenth of a second after which more is earned
  size_t asked = 0;
  for (; asked < kRequests || Clock::now() < least; ++asked) one_failure(stage);
  return 2 * stage.new_origin.complete_requests() > 3 * asked ? "most again" : "some again";
}

/// A request while the only place is held.
std::string behind_one(Stage& stage) {
  stage.old_origin.on("/hold", never());
  Client holding(stage.weir->edge()), waiting(stage.weir->edge());
  holding.send(get("/hold"));
  stage.old_origin.wait_for_requests(1);
  waiting.send(get("/"));
  return acts(waiting);
}

std::string behind_two(Stage& stage) {
  stage.old_origin.on("/hold", never());
  Client holding(stage.weir->edge()), waiting(stage.weir->edge()), last(stage.weir->edge());
  holding.send(get("/hold"));
  stage.old_origin.wait_for_requests(1);
  waiting.send(get("/"));
  becomes(stage, "weir_requests_waiting", 1, kPatience);
  last.send(get("/"));
  return acts(last);
}

ConfigText queue(const std::string& text) { return {.old_version = {"max_connections: 1", "queue: " + text}}; }

}  // namespace

std::vector<Key> health_keys() {
  return {
      health("path", "/p", "/other", panics_when(kFails)),
      health("interval", "100ms", "1h", probes_in_a_while),
      health("timeout", "100ms", "1h", panics_when(never())),
      health("fall", "1", "1000", panics_after_it_was_well),
      health("rise", "1", "1000", recovers),
      health("status", "200", "[201-399]", panics_when(ok("well"))),
      health("host", "one.example", "two.example", host_of_probes),
      outlier("", "{ consecutive: 2 }", "none", ejects),
      outlier(".consecutive", "{ consecutive: 2 }", "{ consecutive: 100 }", ejects),
      outlier(".base", "{ consecutive: 2, base: 100ms }", "{ consecutive: 2, base: 2m }", lets_in_again),
      outlier(".max", "{ consecutive: 1, base: 200ms, max: 200ms }", "{ consecutive: 1, base: 200ms, max: 1h }",
              six_times_in_five_seconds),
      outlier(".when", "{ consecutive: 2, when: [5xx] }", "{ consecutive: 2, when: [connect] }", ejects),
      retry("retries", "when: 503, retries: 1", "when: 503, retries: 2", one_failure),
      retry("budget", "when: 503, budget: 100%", "when: 503, budget: 1%", many_failures),
      retry("when", "when: 503", "when: 502", one_failure),
      retry("rescue_on_stable", "when: 503, rescue_on_stable: true", "when: 503, rescue_on_stable: false", one_failure),
      {"services[].versions.*.queue.size", queue("{ size: 1, timeout: 1h }"), queue("{ size: 2, timeout: 1h }"),
       behind_two},
      {"services[].versions.*.queue.timeout", queue("{ size: 1, timeout: 100ms }"), queue("{ size: 1, timeout: 1h }"),
       behind_one},
      {"services[].versions.*.slow_start", ejecting("outlier: { consecutive: 1, base: 100ms }\n        slow_start: 1h"),
       ejecting("outlier: { consecutive: 1, base: 100ms }\n        slow_start: 1ms"), part_after_coming_back},
  };
}

}  // namespace weir::testing
