// The keys of health and of what fails: probes, ejection, retries.
#include "config/forms.h"
#include "config/object.h"
#include "config/table.h"

namespace weir::config {

namespace {

/// `outlier: none`, or its map.
struct OutlierOrNone {
  std::optional<Outlier> outlier;
  friend bool operator==(const OutlierOrNone& a, const OutlierOrNone& b) { return !a.outlier && !b.outlier; }
};

/// A list as the schema shows it as a default: each item by its word.
template <class T>
Type<std::vector<T>> shown_list(Type<std::vector<T>> type, Type<T> item) {
  type.show = [item](const std::vector<T>& values) -> Plain {
    std::vector<std::string> words;
    for (const T& value : values) words.push_back(std::get<std::string>(item.show(value)));
    return words;
  };
  return type;
}

Type<std::vector<StatusRange>> statuses() {
  Type<StatusRange> item = status_range();
  item.show = [](const StatusRange& range) -> Plain {
    return std::to_string(range.first) + "-" + std::to_string(range.last);
  };
  return shown_list(one_or_list(item, "a status"), item);
}

Type<std::vector<OutlierSign>> outlier_signs() {
  const auto item = words<OutlierSign>({{"connect", OutlierSign::connect},
                                        {"reset", OutlierSign::reset},
                                        {"timeout", OutlierSign::timeout},
                                        {"5xx", OutlierSign::status_5xx}});
  return shown_list(one_or_list(item, "a sign"), item);
}

/// One of retry's `when`.
struct RetrySign {
  enum class Kind { connect, reset, timeout, status } kind = Kind::connect;
  uint16_t status = 0;
  friend bool operator==(const RetrySign&, const RetrySign&) = default;
};

Type<RetrySign> retry_sign() {
  const auto number = integer<uint16_t>(500, 504);
  Type<RetrySign> status{number.shape, {}, {}};
  status.read = [number](const Node& node, RetrySign& into, const Reading& reading) {
    into.kind = RetrySign::Kind::status;
    number.read(node, into.status, reading);
  };
  const auto named = words<RetrySign>({{"connect", {RetrySign::Kind::connect, 0}},
                                       {"reset", {RetrySign::Kind::reset, 0}},
                                       {"timeout", {RetrySign::Kind::timeout, 0}}});
  return either<RetrySign>([](const Node& node) { return node.is(Scalar::integer); }, status, named);
}

Type<Retry::Signs> retry_signs() {
  const auto list = one_or_list(retry_sign(), "a sign");
  Type<Retry::Signs> type{list.shape, {}, {}};
  type.read = [list](const Node& node, Retry::Signs& into, const Reading& reading) {
    std::vector<RetrySign> signs;
    list.read(node, signs, reading);
    into = {.connect = false, .reset = false};
    for (const RetrySign& sign : signs) {
      into.connect |= sign.kind == RetrySign::Kind::connect;
      into.reset |= sign.kind == RetrySign::Kind::reset;
      into.timeout |= sign.kind == RetrySign::Kind::timeout;
      if (sign.kind == RetrySign::Kind::status) into.statuses.push_back(sign.status);
    }
  };
  type.show = [](const Retry::Signs&) -> Plain { return std::vector<std::string>{"connect", "reset"}; };
  return type;
}

Type<uint32_t> probes() { return integer<uint32_t>(1, 1000); }

}  // namespace

Type<Health> health_table() {
  return Object<Health>("health", "how endpoints are probed: GET, each time on a connection of its own")
      .required("path", &Health::path, probe_path(), "the path that is asked for")
      .defaulted("interval", &Health::interval, duration(), "from one probe to the next, give or take a tenth")
      .defaulted("timeout", &Health::timeout, duration(), "how long a probe may take until its response's head")
      .defaulted("fall", &Health::fall, probes(), "so many probes that fail in a row take an endpoint out")
      .defaulted("rise", &Health::rise, probes(), "so many probes that pass in a row bring it back")
      .defaulted("status", &Health::status, statuses(), "the statuses that pass, alone or as ranges")
      .optional("host", &Health::host, host_name(), "the Host that is asked for; absent: the endpoint's address")
      .type();
}

Type<Queue> queue_table() {
  return Object<Queue>("queue", "requests that wait while every endpoint has max_connections; a full queue is 503")
      .required("size", &Queue::size, integer<uint64_t>(1, 10'000'000), "how many may wait, over all workers")
      .required("timeout", &Queue::timeout, duration(), "how long each may wait; then it gets 503")
      .type();
}

Type<Retry> retry_table() {
  Type<Share> budget = share();
  budget.show = [](const Share& share) -> Plain { return share_text(share); };
  return Object<Retry>("retry",
                       "when a request that failed before anything of a response reached the client is tried "
                       "again, if that is safe")
      .defaulted("retries", &Retry::retries, integer<uint32_t>(0, 10), "so many tries after the first one")
      .defaulted("budget", &Retry::budget, budget,
                 "retries as a share of the service's requests, and 10 a second in any case; more are not made")
      .defaulted("when", &Retry::when, retry_signs(),
                 "what counts as failed: connect, reset, timeout, and answers by their status, 500 to 504")
      .defaulted("rescue_on_stable", &Retry::rescue_on_stable, boolean(),
                 "whether a GET, HEAD or OPTIONS that the candidate failed, and what could not be sent to it, is tried "
                 "on the stable version")
      .type();
}

Type<std::optional<Outlier>> outlier_table() {
  const auto map =
      Object<Outlier>("outlier", "when failures of requests take an endpoint out, and for how long")
          .defaulted("consecutive", &Outlier::consecutive, integer<uint32_t>(1, 10'000),
                     "so many requests in a row that failed at it, over all workers")
          .defaulted("base", &Outlier::base, duration(), "for how long the first time; each time soon after it twice")
          .defaulted("max", &Outlier::max, duration(), "for how long at most")
          .defaulted("when", &Outlier::when, outlier_signs(),
                     "what counts as failed: connect, reset, timeout, 5xx (any such answer)")
          .type();
  Type<OutlierOrNone> written{map.shape, {}, {}};
  written.read = [map](const Node& node, OutlierOrNone& into, const Reading& reading) {
    if (node.is(Scalar::text)) {
      return reading.wrong(node, quoted(node.text) +
                                     " is neither none nor a map; write none, or a map of consecutive, "
                                     "base, max, when");
    }
    map.read(node, into.outlier.emplace(), reading);
  };
  const auto is_none = [](const Node& node) { return node.is(Scalar::text) && node.text == "none"; };
  const auto both = either<OutlierOrNone>(is_none, words<OutlierOrNone>({{"none", {}}}), written);
  Type<std::optional<Outlier>> type{both.shape, {}, {}};
  type.read = [both](const Node& node, std::optional<Outlier>& into, const Reading& reading) {
    OutlierOrNone read;
    both.read(node, read, reading);
    into = std::move(read.outlier);
  };
  return type;
}

}  // namespace weir::config
