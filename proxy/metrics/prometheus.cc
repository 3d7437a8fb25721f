#include "proxy/metrics/prometheus.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <utility>

namespace weir::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Versions = std::vector<std::shared_ptr<const VersionSeries>>;

/// Upper bounds of the classic buckets, in seconds.
constexpr double kBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                              0.1,    0.25,    0.5,    1,     2.5,    5,     10,   30,    60};

class Family {
 public:
  Family(std::string name, MetricType type, std::string help) {
    family_.name = std::move(name);
    family_.type = type;
    family_.help = std::move(help);
  }

  void add(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    if (family_.type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    family_.metric.push_back(std::move(metric));
  }

  void add(Labels labels, const HistogramSnapshot& durations) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram.sample_count = durations.count();
    metric.histogram.sample_sum = std::chrono::duration<double>(durations.sum()).count();
    for (const double bound : kBounds) {
      const auto limit = std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(bound));
      metric.histogram.bucket.push_back({durations.count_at_or_below(limit), bound});
    }
    family_.metric.push_back(std::move(metric));
  }

  /// Appends the family to the page, unless nothing belongs to it.
  void to(std::vector<MetricFamily>& page) && {
    if (!family_.metric.empty()) page.push_back(std::move(family_));
  }

 private:
  MetricFamily family_;
};

Family counter(std::string name, std::string help) {
  return Family(std::move(name), MetricType::Counter, std::move(help));
}
Family gauge(std::string name, std::string help) { return Family(std::move(name), MetricType::Gauge, std::move(help)); }

/// Adds up one number of every shard.
template <class Entry, class Pick>
double total(const Entry& series, Pick pick) {
  decltype(pick(series.shards().front()).value()) sum = 0;
  for (const auto& shard : series.shards()) sum += pick(shard).value();
  return static_cast<double>(sum);
}

Labels labels_of(const VersionSeries& series) {
  return {{"service", series.name().service}, {"version", series.name().version}};
}
Labels with(Labels labels, std::string name, std::string value) {
  labels.push_back({std::move(name), std::move(value)});
  return labels;
}

// A metric of every version: name, help, and the number of a shard that it shows.
template <class Pick>
void per_version(std::vector<MetricFamily>& page, Family family, const Versions& versions, Pick pick) {
  for (const auto& series : versions) family.add(labels_of(*series), total(*series, pick));
  std::move(family).to(page);
}

/// One sample for each name of an array of counters; `always`: also those never counted.
template <class Entry, class Pick>
void per_name(Family& family, const Entry& series, const Labels& labels, const std::string& label,
              const std::vector<std::string>& names, bool always, Pick pick) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    const double count = total(series, [&](const auto& shard) -> const Counter& { return pick(shard)[i]; });
    if (always || count > 0) family.add(with(labels, label, names[i]), count);
  }
}

bool always_told(size_t code_class, size_t by) { return by == kBySplit && (code_class == 2 || code_class == 5); }

void requests(std::vector<MetricFamily>& page, const Versions& versions, const Names& names) {
  Family family = counter("weir_requests_total", "Requests of clients, by the version whose answer or fault they got.");
  for (const auto& series : versions) {
    for (size_t code = 0; code < kCodeClasses; ++code) {
      const Labels labels = with(labels_of(*series), "code_class", kCodeClassNames[code]);
      for (size_t by = 0; by < kDecidedBy; ++by) {
        const double count =
            total(*series, [&](const VersionNumbers& shard) -> const Counter& { return shard.requests[code][by]; });
        if (count > 0 || always_told(code, by)) family.add(with(labels, "decided_by", names.decided_by[by]), count);
      }
    }
  }
  std::move(family).to(page);
}

void durations(std::vector<MetricFamily>& page, const Versions& versions, std::string name, std::string help,
               Histogram VersionNumbers::*which) {
  Family family(std::move(name), MetricType::Histogram, std::move(help));
  for (const auto& series : versions) {
    HistogramSnapshot merged;
    for (const VersionNumbers& shard : series->shards()) merged.add(shard.*which);
    family.add(labels_of(*series), merged);
  }
  std::move(family).to(page);
}

void errors(std::vector<MetricFamily>& page, const Versions& versions, const Names& names) {
  Family family = counter("weir_errors_total", "Tries that failed, by the version that failed and RFC 9209 error.");
  for (const auto& series : versions) {
    per_name(
        family, *series, labels_of(*series), "error", names.errors, false,
        [](const VersionNumbers& shard) -> const auto& { return shard.errors; });
  }
  std::move(family).to(page);
}

void upstream(std::vector<MetricFamily>& page, const Versions& versions, const Names& names) {
  Family connections = gauge("weir_upstream_connections", "Connections open to the endpoints of a version.");
  Family connects = counter("weir_upstream_connects_total", "Connections tried to the endpoints of a version.");
  Family retries = counter("weir_upstream_retries_total", "Requests tried again, by what came of it.");
  for (const auto& series : versions) {
    const Labels labels = labels_of(*series);
    const auto active = [](const VersionNumbers& shard) -> const Gauge& { return shard.connections_active; };
    const auto idle = [](const VersionNumbers& shard) -> const Gauge& { return shard.connections_idle; };
    connections.add(with(labels, "state", "active"), total(*series, active));
    connections.add(with(labels, "state", "idle"), total(*series, idle));
    per_name(
        connects, *series, labels, "result", names.connect_results, true,
        [](const VersionNumbers& shard) -> const auto& { return shard.connects; });
    per_name(
        retries, *series, labels, "result", names.retry_results, true,
        [](const VersionNumbers& shard) -> const auto& { return shard.retries; });
  }
  std::move(connections).to(page);
  std::move(connects).to(page);
  std::move(retries).to(page);
}

void versions(std::vector<MetricFamily>& page, Registry& registry) {
  const Versions live = registry.versions();
  const Names& names = registry.names();
  requests(page, live, names);
  durations(page, live, "weir_request_duration_seconds",
            "From the first byte of a request to the last byte of its response.", &VersionNumbers::duration);
  durations(page, live, "weir_upstream_duration_seconds", "From a request sent to the head of its response.",
            &VersionNumbers::upstream_duration);
  errors(page, live, names);
  per_version(page, gauge("weir_requests_in_flight", "Requests under way."), live,
              [](const VersionNumbers& shard) -> const Gauge& { return shard.in_flight; });
  per_version(page, counter("weir_request_body_bytes_total", "Bytes of request bodies passed on."), live,
              [](const VersionNumbers& shard) -> const Counter& { return shard.request_body_bytes; });
  per_version(page, counter("weir_response_body_bytes_total", "Bytes of response bodies passed on."), live,
              [](const VersionNumbers& shard) -> const Counter& { return shard.response_body_bytes; });
  upstream(page, live, names);
}

void rules_and_services(std::vector<MetricFamily>& page, Registry& registry) {
  Family hits = counter("weir_rule_hits_total", "Requests that a rule matched.");
  for (const auto& series : registry.rules()) {
    hits.add({{"service", series->name().service}, {"rule", series->name().rule}},
             total(*series, [](const RuleNumbers& shard) -> const Counter& { return shard.hits; }));
  }
  std::move(hits).to(page);
  Family oversized =
      counter("weir_regex_subjects_oversized_total", "Regular expressions not tried, for a subject over 1 KiB.");
  for (const auto& series : registry.services()) {
    oversized.add({{"service", series->name()}}, total(*series, [](const ServiceNumbers& shard) -> const Counter& {
                    return shard.oversized_subjects;
                  }));
  }
  std::move(oversized).to(page);
}

void listeners(std::vector<MetricFamily>& page, Registry& registry) {
  Family open = gauge("weir_connections", "Client connections open.");
  Family accepted = counter("weir_connections_total", "Client connections accepted.");
  Family rejected = counter("weir_connections_rejected_total", "Client connections turned away, by reason.");
  Family requests = counter("weir_rejected_requests_total", "Requests that reached no service, by status.");
  const Names& names = registry.names();
  for (const auto& series : registry.listeners()) {
    const Labels labels{{"listener", series->name()}};
    open.add(labels, total(*series, [](const ListenerNumbers& shard) -> const Gauge& { return shard.connections; }));
    accepted.add(
        labels, total(*series, [](const ListenerNumbers& shard) -> const Counter& { return shard.connections_total; }));
    per_name(
        rejected, *series, labels, "reason", names.reject_reasons, true,
        [](const ListenerNumbers& shard) -> const auto& { return shard.connections_rejected; });
    per_name(
        requests, *series, labels, "code", names.rejected_codes, false,
        [](const ListenerNumbers& shard) -> const auto& { return shard.rejected_requests; });
  }
  std::move(open).to(page);
  std::move(accepted).to(page);
  std::move(rejected).to(page);
  std::move(requests).to(page);
}

/// Listeners that speak plain HTTP have none.
void handshakes(std::vector<MetricFamily>& page, Registry& registry) {
  Family family = counter("weir_tls_handshakes_total", "TLS handshakes of clients, by how they ended.");
  const auto& results = registry.names().handshake_results;
  for (const auto& series : registry.listeners()) {
    for (size_t result = 0; result < results.size(); ++result) {
      for (size_t version = 0; version < kTlsVersionNames.size(); ++version) {
        const double count = total(
            *series, [&](const ListenerNumbers& shard) -> const Counter& { return shard.handshakes[result][version]; });
        if (count == 0) continue;
        family.add({{"listener", series->name()}, {"result", results[result]}, {"version", kTlsVersionNames[version]}},
                   count);
      }
    }
  }
  std::move(family).to(page);
}

void certificates(std::vector<MetricFamily>& page, const Facts& facts) {
  Family family = gauge("weir_tls_certificate_expiry_timestamp_seconds",
                        "When a certificate in force expires, in seconds since the epoch.");
  for (const auto& entry : facts.certificates) {
    family.add({{"listener", entry.listener}, {"certificate", entry.certificate}}, entry.expires);
  }
  std::move(family).to(page);
}

void splits(std::vector<MetricFamily>& page, const Facts& facts) {
  Family ratio = gauge("weir_split_ratio", "The share of a version in force, 0 to 1.");
  for (const auto& split : facts.splits) {
    ratio.add({{"service", split.service}, {"version", split.version}}, split.ratio);
  }
  std::move(ratio).to(page);
  Family revisions = gauge("weir_split_revision", "The number of a service's split; grows by one with each change.");
  for (const auto& entry : facts.revisions) {
    revisions.add({{"service", entry.service}}, static_cast<double>(entry.revision));
  }
  std::move(revisions).to(page);
  Family changes = counter("weir_split_changes_total", "Changes of a service's split, by what made them.");
  for (const auto& entry : facts.split_changes) {
    changes.add({{"service", entry.service}, {"source", entry.source}}, static_cast<double>(entry.count));
  }
  std::move(changes).to(page);
}

void rollouts(std::vector<MetricFamily>& page, const Facts& facts) {
  Family stage = gauge("weir_rollout_stage", "Stage of a service's rollout, from 1; 0 before it has begun.");
  Family state = gauge("weir_rollout_state", "1 for the state that a service's rollout is in, else 0.");
  Family evidence = gauge("weir_rollout_evidence", "E-values of harm and of safety; harm fails and safety passes.");
  Family transitions = counter("weir_rollout_transitions_total", "Steps of a service's rollout, by what they were.");
  Family judged("weir_rollout_judged_after_seconds", MetricType::Histogram,
                "From the counting of a bad event to the look of the judge that included it.");
  for (const auto& rollout : facts.rollouts) {
    judged.add({{"service", rollout.service}}, rollout.judged_after);
    stage.add({{"service", rollout.service}}, rollout.stage);
    for (const std::string& name : facts.rollout_states) {
      state.add({{"service", rollout.service}, {"state", name}}, name == rollout.state ? 1 : 0);
    }
    for (const auto& one : rollout.evidence) {
      evidence.add({{"service", rollout.service}, {"metric", one.metric}, {"side", one.side}}, one.value);
    }
    for (const auto& [what, count] : rollout.transitions) {
      transitions.add({{"service", rollout.service}, {"transition", what}}, static_cast<double>(count));
    }
  }
  std::move(stage).to(page);
  std::move(state).to(page);
  std::move(evidence).to(page);
  std::move(transitions).to(page);
  std::move(judged).to(page);
}

void users_and_hooks(std::vector<MetricFamily>& page, const Facts& facts) {
  Family feedback = counter("weir_feedback_total", "Ratings by users, from 1 to 5, by the version they were on.");
  for (const auto& one : facts.feedback) {
    feedback.add({{"service", one.service}, {"version", one.version}, {"rating", std::to_string(one.rating)}},
                 static_cast<double>(one.count));
  }
  std::move(feedback).to(page);
  Family hooks = counter("weir_rollout_hook_calls_total", "Calls of rollouts' hooks, by what came of them.");
  for (const auto& one : facts.hook_calls) {
    hooks.add({{"service", one.service}, {"result", one.result}}, static_cast<double>(one.count));
  }
  std::move(hooks).to(page);
}

void endpoints(std::vector<MetricFamily>& page, const Facts& facts) {
  Family up = gauge("weir_endpoint_up", "1 while an endpoint is healthy: resolved, passing its probes, not ejected.");
  Family ejections = counter("weir_endpoint_ejections_total", "How often an endpoint was ejected for failed requests.");
  for (const auto& endpoint : facts.endpoints) {
    const Labels labels{{"service", endpoint.service}, {"version", endpoint.version}, {"endpoint", endpoint.endpoint}};
    up.add(labels, endpoint.up ? 1 : 0);
    ejections.add(labels, static_cast<double>(endpoint.ejections));
  }
  std::move(up).to(page);
  std::move(ejections).to(page);
  Family panic = gauge("weir_panic", "1 while no endpoint of a version is healthy, and all are used all the same.");
  Family fallback = gauge("weir_fallback", "1 while a version's requests go to the stable version for its health.");
  Family waiting = gauge("weir_requests_waiting", "Requests that wait for an endpoint with room.");
  for (const auto& version : facts.versions) {
    const Labels labels{{"service", version.service}, {"version", version.version}};
    panic.add(labels, version.panic ? 1 : 0);
    fallback.add(labels, version.fallback ? 1 : 0);
    waiting.add(labels, static_cast<double>(version.waiting));
  }
  std::move(waiting).to(page);
  std::move(panic).to(page);
  std::move(fallback).to(page);
}

void single(std::vector<MetricFamily>& page, Family family, double value, Labels labels = {}) {
  family.add(std::move(labels), value);
  std::move(family).to(page);
}

void configuration(std::vector<MetricFamily>& page, const Facts& facts) {
  single(page, gauge("weir_config_last_reload_successful", "1 if the last load of the configuration succeeded."),
         facts.last_reload_successful ? 1 : 0);
  Family reloads = counter("weir_config_reloads_total", "Loads of the configuration, by result.");
  for (const auto& entry : facts.reloads) reloads.add({{"result", entry.result}}, static_cast<double>(entry.count));
  std::move(reloads).to(page);
  if (!facts.config_hash.empty()) {
    single(page, gauge("weir_config_info", "The configuration in force, by the hash of its file."), 1,
           {{"hash", facts.config_hash}});
  }
}

void program(std::vector<MetricFamily>& page, Registry& registry, const Facts& facts) {
  single(page, gauge("weir_build_info", "The program that runs."), 1,
         {{"version", facts.version}, {"compiler", facts.compiler}});
  single(page, gauge("weir_draining", "1 while weir finishes what is under way and takes nothing new."),
         facts.draining ? 1 : 0);
  uint64_t dropped = facts.access_log_lost;
  for (const WorkerNumbers& worker : registry.workers()) dropped += worker.access_log_dropped.value();
  single(page, counter("weir_access_log_dropped_total", "Lines that the access log could not take."),
         static_cast<double>(dropped));
}

void process(std::vector<MetricFamily>& page, const ProcessUsage& usage) {
  single(page, counter("process_cpu_seconds_total", "User and system CPU time spent, in seconds."), usage.cpu_seconds);
  single(page, gauge("process_resident_memory_bytes", "Resident memory."), static_cast<double>(usage.resident_bytes));
  single(page, gauge("process_virtual_memory_bytes", "Virtual memory."), static_cast<double>(usage.virtual_bytes));
  single(page, gauge("process_open_fds", "File descriptors open."), static_cast<double>(usage.open_fds));
  single(page, gauge("process_max_fds", "File descriptors that may be open."), static_cast<double>(usage.max_fds));
  single(page, gauge("process_start_time_seconds", "Start of the process, in seconds since the epoch."),
         usage.start_time_seconds);
}

}  // namespace

std::string prometheus_page(Registry& registry, const Facts& facts) {
  std::vector<MetricFamily> page;
  versions(page, registry);
  rules_and_services(page, registry);
  listeners(page, registry);
  handshakes(page, registry);
  certificates(page, facts);
  splits(page, facts);
  rollouts(page, facts);
  users_and_hooks(page, facts);
  endpoints(page, facts);
  configuration(page, facts);
  program(page, registry, facts);
  process(page, facts.process);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, page);
  return std::move(text).str();
}

}  // namespace weir::metrics
