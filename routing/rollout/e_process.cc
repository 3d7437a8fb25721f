#include "routing/rollout/e_process.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace weir::routing::rollout {

namespace {

/// log of the mean of exp(logs).
double log_mean(std::span<const double> logs) {
  const double most = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - most);
  return most + std::log(sum / static_cast<double>(logs.size()));
}

void add_to(HarmEvidence::Logs& logs, bool candidate, double rho) {
  for (size_t i = 0; i < logs.size(); ++i) {
    const double ratio = HarmEvidence::kRatios[i];
    logs[i] += (candidate ? std::log(ratio) : 0) - std::log(1 - rho + rho * ratio);
  }
}

}  // namespace

void HarmEvidence::begin_stage(size_t stage) { copies_[stage].begun = true; }

void HarmEvidence::add(bool candidate, double rho) {
  add_to(run_, candidate, rho);
  for (Copy& copy : copies_) {
    if (copy.begun) add_to(copy.logs, candidate, rho);
  }
}

double HarmEvidence::log_e() const {
  const double run = log_mean(run_);
  if (copies_.empty()) return run;
  std::vector<double> stages;
  for (const Copy& copy : copies_) stages.push_back(copy.begun ? log_mean(copy.logs) : 0);
  return log_mean(std::array{run, log_mean(stages)});
}

std::vector<std::vector<double>> HarmEvidence::values() const {
  std::vector<std::vector<double>> all{{run_.begin(), run_.end()}};
  for (const Copy& copy : copies_) {
    all.push_back(copy.begun ? std::vector<double>(copy.logs.begin(), copy.logs.end()) : std::vector<double>());
  }
  return all;
}

HarmEvidence HarmEvidence::of(const std::vector<std::vector<double>>& values) {
  HarmEvidence evidence(values.size() - 1);
  std::ranges::copy(values.front(), evidence.run_.begin());
  for (size_t i = 1; i < values.size(); ++i) {
    Copy& copy = evidence.copies_[i - 1];
    copy.begun = !values[i].empty();
    std::ranges::copy(values[i], copy.logs.begin());
  }
  return evidence;
}

void SafetyEvidence::add(bool candidate, double rho, double margin) {
  for (size_t i = 0; i < logs_.size(); ++i) {
    logs_[i] += (candidate ? std::log(kRatios[i] / margin) : 0) +
                std::log((1 - rho + rho * margin) / (1 - rho + rho * kRatios[i]));
  }
}

double SafetyEvidence::log_e() const { return log_mean(logs_); }

double SafetyEvidence::growth(double rho, double margin) {
  return -rho * std::log(margin) + std::log(1 - rho + rho * margin);
}

SafetyEvidence SafetyEvidence::of(const Logs& logs) {
  SafetyEvidence evidence;
  evidence.logs_ = logs;
  return evidence;
}

}  // namespace weir::routing::rollout
