#include "bench/judge/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "bench/judge/worlds.h"
#include "routing/rollout/bounds.h"

namespace weir::judge {

namespace {

using Cell = std::function<std::string(const Tally&)>;

std::string row(const std::string& what, const std::vector<Tally>& gates, const Cell& cell) {
  std::string text = "| " + what + " |";
  for (const Tally& tally : gates) text += " " + cell(tally) + " |";
  return text + "\n";
}

/// `1 (0.02%, at most 0.09%)`; the bound is of 95%.
std::string rolled_back(const Tally& tally) {
  const double most = 100 * routing::rollout::upper_bound_of_part(tally.rolled_back, tally.runs, 0.05);
  return fmt::format("{} ({:.2g}%, at most {:.2g}%)", tally.rolled_back, percent(tally.rolled_back, tally.runs), most);
}

std::string caught(const Tally& tally) {
  return tally.judged_at_25 == 0 ? "–" : fmt::format("{} of {}", tally.caught_by_25, tally.judged_at_25);
}

std::string arrived(const Tally& tally) {
  if (tally.everybody == 0) return "none";
  return fmt::format("{:.3g}%, {}", percent(tally.everybody, tally.runs), median(tally.minutes));
}

}  // namespace

double percent(uint64_t part, uint64_t all) {
  return all == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(all);
}

std::string median(std::vector<double> values) {
  if (values.empty()) return "–";
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return fmt::format("{:.0f}", *middle);
}

std::string summary(const Results& results, uint64_t runs) {
  const auto healthy = healthy_worlds(), barely = barely_harmful_worlds();
  std::string text = fmt::format(
      "`./dev judge {}` printed (stages 1%, 5%, 25%, 50%, 100% of ten minutes each; at most 8 h):\n\n"
      "| | weir | 99% a minute | z-test |\n|---|---|---|---|\n",
      runs);
  const auto wrong =
      fmt::format("nothing is wrong ({} worlds: broken clients, outages of both, waves, …): rolled back of {}",
                  healthy.size(), healthy.size() * runs);
  text += row(wrong, results.at(kHealthy), rolled_back);
  text += row(fmt::format("it fails for fewer than 0.05% of its users: rolled back of {}", barely.size() * runs),
              results.at(kBarelyHarmful), rolled_back);
  for (const double rate : {10.0, 100.0}) {
    text +=
        row(fmt::format(
                "it errs twice as often, {} requests/s: turned back at 25% or before, of those where 200 users erred",
                rate),
            results.at(harmful_world(2, rate).name), caught);
  }
  text += row("it errs 200 times as often, 100 requests/s: users harmed, median",
              results.at(harmful_world(200, 100).name), [](const Tally& tally) { return median(tally.harmed); });
  text += row("nothing ever errs: at 100% within 8 h, median minutes", results.at("nothing errs"), arrived);
  text += row("0.1% of requests err: the same", results.at("0.1% of requests err"), arrived);
  text += row("4,000 users in all, 5 requests/s: the same", results.at("low traffic, 5/s"), arrived);
  text += row("both versions fail together: paused", results.at("outages of both"),
              [](const Tally& tally) { return fmt::format("{:.3g}%", percent(tally.paused, tally.runs)); });
  return text;
}

}  // namespace weir::judge
