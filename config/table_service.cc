#include "config/forms.h"
#include "config/object.h"
#include "config/table.h"

namespace weir::config {

namespace {

Type<ServiceMatch> service_match() {
  return Object<ServiceMatch>("match", "requests of this host and path")
      .optional("host", &ServiceMatch::host, host_pattern(),
                "the host, without port; *.suffix stands for one or more labels; absent: any")
      .optional("path_prefix", &ServiceMatch::path_prefix, path_prefix(),
                "the beginning of the path by whole segments: /api is /api and /api/…; absent: any")
      .not_empty()
      .type();
}

Type<Mint> mint() {
  return Object<Mint>("mint", "the identity cookie that weir sets")
      .defaulted("cookie", &Mint::cookie, cookie_name(), "its name")
      .defaulted("max_age", &Mint::max_age, seconds(), "how long a browser keeps it")
      .type();
}

Type<Cohort> cohort() {
  return Object<Cohort>("cohort", "who counts as the same user, and so meets the same version")
      .optional("key", &Cohort::keys, one_or_list(cohort_key(), "a cohort key"),
                "header:NAME, cookie:NAME, query:NAME, client_cert:subject, client_cert:fingerprint or client_ip; of "
                "several the first that is there and not empty")
      .optional("salt", &Cohort::salt, some_text("a salt"),
                "what tells this service's cohorts from others'; by default the service's name")
      .defaulted("without_key", &Cohort::without_key,
                 words<WithoutKey>({{"stable", WithoutKey::stable},
                                    {"client_ip", WithoutKey::client_ip},
                                    {"mint", WithoutKey::mint},
                                    {"random", WithoutKey::random}}),
                 "a request without any key: to the stable version, by its address, by an identity cookie that weir "
                 "sets, or by chance")
      .optional("mint", &Cohort::mint, mint(), "the identity cookie; only with without_key: mint")
      .defaulted("allow_reshuffle", &Cohort::allow_reshuffle, boolean(),
                 "whether a reload may change salt or keys while a share is between 0% and 100%")
      .needs("mint", "without_key", "mint")
      .type();
}

Type<Endpoint> endpoint() {
  const Type<Address> address = endpoint_address();
  Type<Endpoint> type{address.shape, {}, {}};
  type.read = [address](const Node& node, Endpoint& into, const Reading& reading) {
    into.where = node.where;
    address.read(node, into.address, reading);
  };
  return type;
}

Type<VersionTimeouts> version_timeouts() {
  return Object<VersionTimeouts>("version timeouts", "time-outs of this version; absent: the file's")
      .optional("connect", &VersionTimeouts::connect, duration(), "for a connection to an endpoint")
      .optional("response_head", &VersionTimeouts::response_head, duration(),
                "from the sent request to the end of the response's head")
      .optional("response_body", &VersionTimeouts::response_body, duration(), "for more of a response's body")
      .optional("upstream_idle", &VersionTimeouts::upstream_idle, duration(),
                "how long an idle connection to an endpoint is kept")
      .type();
}

Type<Version> version() {
  constexpr int64_t kMostConnections = 10'000'000;
  return Object<Version>("version", "one version of a service: a pool of endpoints")
      .required("endpoints", &Version::endpoints, list_of(endpoint(), 1, "an endpoint"),
                "where it runs: host:port, [v6]:port or unix:/path each; names are resolved again as DNS changes")
      .defaulted("balance", &Version::balance,
                 words<Balance>({{"least_requests", Balance::least_requests}, {"round_robin", Balance::round_robin}}),
                 "which endpoint takes the next request; least_requests is the better of two random ones")
      .defaulted("max_connections", &Version::max_connections, integer<uint64_t>(0, kMostConnections),
                 "connections to each endpoint, over all workers; 0 is no limit")
      .optional("timeouts", &Version::timeouts, version_timeouts(), "time-outs of this version")
      .optional("health", &Version::health, health_table(), "how its endpoints are probed; absent: they are not")
      .optional_by(
          "outlier", [](Version& version, std::optional<Outlier> outlier) { version.outlier = std::move(outlier); },
          outlier_table(),
          "when failures of requests take an endpoint out; none: never; absent: five failed connects, resets and "
          "time-outs in a row, whatever is answered")
      .optional("slow_start", &Version::slow_start, duration(),
                "how long the part of an endpoint that came back grows; absent: it gets its full part at once")
      .optional("queue", &Version::queue, queue_table(),
                "how many requests wait for one of max_connections, and how long; absent: none, they get 503 at once")
      .only_with("queue", "max_connections")
      .optional("tls", &Version::tls, version_tls_table(), "how its endpoints are spoken to; absent: in plain HTTP")
      .type();
}

Type<std::vector<Version>> versions() {
  MapForm form;
  form.noun = "one version or two";
  form.right = "the versions by name, as old: {endpoints: [127.0.0.1:9001]}";
  form.most = 2;
  form.too_many = "a third version; a service has one version, or a stable one and a candidate";
  return map_of<std::vector<Version>>(
      form, name(), version(), [](std::vector<Version>& all, const std::string& name, Version one, const Where& where) {
        one.name = name;
        one.where = where;
        all.push_back(std::move(one));
      });
}

Type<Feedback> feedback() {
  return Object<Feedback>("feedback", "where users rate the version that they are on")
      .defaulted("path", &Feedback::path, probe_path(), "a POST here is taken by weir, and goes to no version")
      .defaulted("bad", &Feedback::bad, integer<uint32_t>(1, 4), "a rating of 1 to 5 that is at most this is a bad one")
      .defaulted("every", &Feedback::every, duration(), "of a user one rating is taken in so long")
      .defaulted("keep", &Feedback::keep, size(),
                 "so much is kept in the state's directory; then the oldest go; 0: all")
      .type();
}

}  // namespace

Type<Split> split_table() {
  MapForm form;
  form.noun = "a version's share";
  form.right = "shares by version, as {new: 10%}";
  form.most = 2;
  form.too_many = "a third share; a service has two versions at most";
  Type<Split> type = map_of<Split>(
      form, name(), share(),
      [](Split& split, const std::string& name, Share share, const Where&) { split.shares.emplace_back(name, share); });
  const auto read = type.read;
  type.read = [read](const Node& node, Split& into, const Reading& reading) {
    into.where = node.where;
    read(node, into, reading);
  };
  return type;
}

Type<Service> service_table() {
  return Object<Service>("service", "what is being rolled out: one version, or a stable one and a candidate")
      .required("name", &Service::name, name(), "its name in metrics, logs and commands")
      .optional("match", &Service::match, list_of(service_match(), 1, "a match"),
                "any of these; over all services the most specific wins, host before path; absent: every request")
      .optional("cohort", &Service::cohort, cohort(), "who counts as the same user")
      .optional("stable", &Service::stable, name(),
                "the version that everybody is on who is not on the candidate; needed where there are two")
      .required("versions", &Service::versions, versions(), "one version or two, named as you like")
      .optional("rules", &Service::rules, list_of(rule_table(), 0, "a rule"),
                "who goes elsewhere than the split says; the first that holds wins")
      .optional("split", &Service::split, split_table(),
                "the share of each version; one that is not named gets the rest; absent: everybody on stable")
      .defaulted("reveal", &Service::reveal,
                 words<Reveal>({{"none", Reveal::none}, {"trusted", Reveal::trusted}, {"all", Reveal::all}}),
                 "who gets X-Weir-Version and X-Weir-Reason with the response: nobody, trusted_proxies, all")
      .optional("retry", &Service::retry, retry_table(),
                "when a request that failed is tried again; absent: once, where it could not be sent")
      .optional("rollout", &Service::rollout, rollout_table(),
                "how the candidate's share climbs by itself, and what judges it; begun by `weir rollout start`")
      .optional("feedback", &Service::feedback, feedback(),
                "where users rate the version that they are on; needs a state directory; absent: nobody is asked")
      .type();
}

}  // namespace weir::config
