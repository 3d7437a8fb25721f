#include "proxy/control/store.h"

#include <spdlog/spdlog.h>

#include "proxy/control/change_json.h"

namespace weir::control {

namespace json = boost::json;

namespace {

/// The journal is written anew when this many of its lines, and half of it, say nothing any more.
constexpr size_t kStaleLines = 1000;

json::object state_json(const Remembered& state) {
  return {{"revision", state.revision},
          {"candidate", state.candidate},
          {"shares", shares_json(state.shares)},
          {"closed", json::array(state.closed.begin(), state.closed.end())},
          {"file", state.file ? json::value(shares_json(*state.file)) : json::value()},
          {"by_file", state.by_file}};
}

std::optional<Remembered> state_of(const json::value& value) try {
  const json::object& object = value.as_object();
  Remembered state;
  state.revision = object.at("revision").to_number<uint64_t>();
  state.candidate = std::string(object.at("candidate").as_string());
  const auto shares = shares_of(object.at("shares"));
  if (!shares) return std::nullopt;
  state.shares = *shares;
  for (const json::value& version : object.at("closed").as_array()) state.closed.emplace(version.as_string());
  if (!object.at("file").is_null()) {
    state.file = shares_of(object.at("file"));
    if (!state.file) return std::nullopt;
  }
  state.by_file = object.at("by_file").as_bool();
  return state;
} catch (const std::exception&) {
  return std::nullopt;
}

std::string record(const std::string& service, const Remembered* state, const Change* change) {
  json::object object{{"service", service}};
  if (state) object["state"] = state_json(*state);
  if (change) object["change"] = change_json(*change);
  return json::serialize(object);
}

std::vector<std::string> records_of(const std::vector<Step>& steps) {
  std::vector<std::string> records;
  for (const Step& step : steps) {
    records.push_back(record(step.service, &step.state, step.change ? &*step.change : nullptr));
  }
  return records;
}

}  // namespace

config::Result<std::unique_ptr<Store>> Store::open(const std::optional<config::State>& state, const Left& left) {
  if (!state) {
    auto store = std::unique_ptr<Store>(new Store(nullptr));
    store->read(left.records);
    return store;
  }
  auto found = Journal::open(state->directory, left.lock);
  if (!found) {
    config::Problems problems = found.problems();
    for (config::Problem& problem : problems) problem.where = state->where;
    return problems;
  }
  auto store = std::unique_ptr<Store>(new Store(std::move(found->journal)));
  const size_t strange = store->read(found->records);
  for (const std::string& told : found->told) spdlog::warn("{}", told);
  if (strange > 0) spdlog::warn("{}: {} records make no sense and are left out", state->directory, strange);
  return store;
}

/// Returns how many were not understood.
size_t Store::read(const std::vector<std::string>& records) {
  size_t strange = 0;
  for (const std::string& text : records) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* const object = error ? nullptr : value.if_object();
    const json::value* const service = object ? object->if_contains("service") : nullptr;
    const json::value* const state_value = object ? object->if_contains("state") : nullptr;
    const json::value* const change_value = object ? object->if_contains("change") : nullptr;
    auto state = state_value ? state_of(*state_value) : std::nullopt;
    auto change = change_value ? change_of(*change_value) : std::nullopt;
    const bool whole = service && service->is_string() && state.has_value() == (state_value != nullptr) &&
                       change.has_value() == (change_value != nullptr) && (state || change);
    if (!whole) {
      ++strange;
    } else if (state) {
      splits_.apply({std::string(service->get_string()), std::move(*state), std::move(change), {}});
    } else {
      splits_.remember(std::move(*change));
    }
  }
  return strange;
}

bool Store::commit(const std::vector<Step>& steps) {
  if (journal_ && !steps.empty()) {
    if (!make_good() || !journal_->append(records_of(steps))) return false;
  }
  apply(steps);
  compact();
  return true;
}

bool Store::force(const std::vector<Step>& steps, const std::function<void()>& in_force) {
  const bool good = journal_ && !behind_ && !journal_->in_doubt();
  apply(steps);
  if (in_force) in_force();
  if (!journal_) return false;
  behind_ = !good || !journal_->append(records_of(steps));
  return catch_up();
}

bool Store::catch_up() { return !journal_ || make_good(); }

/// What is in force and not written yet comes before anything else is.
bool Store::make_good() {
  if (!behind_ && !journal_->in_doubt()) return true;
  if (!journal_->rewrite(dump())) return false;
  if (std::exchange(behind_, false)) {
    spdlog::warn("the state can be written again: everything in force is remembered now");
  }
  return true;
}

void Store::apply(const std::vector<Step>& steps) {
  steps_ += steps.size();
  for (const Step& step : steps) {
    splits_.apply(step);
    if (step.change) ++changes_[{step.service, step.change->author.by}];
  }
}

void Store::compact() {
  if (!journal_) return;
  const size_t live = live_records();
  if (journal_->size() <= live + std::max(live, kStaleLines)) return;
  if (!journal_->rewrite(dump())) spdlog::error("{}", journal_->error());
}

size_t Store::live_records() const {
  size_t live = 0;
  for (const auto& [service, entry] : splits_.entries()) live += std::max<size_t>(entry.history.size(), 1);
  return live;
}

/// The last change of a service goes with its state.
std::vector<std::string> Store::dump() const {
  std::vector<std::string> records;
  records.reserve(live_records());
  for (const auto& [service, entry] : splits_.entries()) {
    for (size_t i = 0; i + 1 < entry.history.size(); ++i)
      records.push_back(record(service, nullptr, &entry.history[i]));
    records.push_back(record(service, &entry.state, entry.history.empty() ? nullptr : &entry.history.back()));
  }
  return records;
}

uint64_t Store::changes(const std::string& service, const std::string& source) const {
  const auto found = changes_.find({service, source});
  return found == changes_.end() ? 0 : found->second;
}

}  // namespace weir::control
