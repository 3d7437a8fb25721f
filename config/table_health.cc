// The keys of health: probes, ejection.
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
