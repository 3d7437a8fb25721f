#include "proxy/control/attendance_book.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>

namespace weir::control {

namespace json = boost::json;
namespace rollout = routing::rollout;

namespace {

/// By service; empty where there is none.
json::object read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object();
}

std::optional<rollout::Attendance> attendance_of(const json::value& service) {
  try {
    const json::value& whole = service.at("users");
    return rollout::Attendance{whole.at("in_ten_minutes").to_number<double>(), whole.at("in_hour").to_number<double>(),
                               whole.at("in_day").to_number<double>()};
  } catch (const std::exception&) {  // Boost.JSON's way to say that something is missing or is of another kind
    return std::nullopt;
  }
}

std::optional<rollout::Day> day_of(const json::value& service) {
  try {
    const json::value& begun = service.at("begun");
    rollout::UserFilter hour, day;
    if (!hour.read(begun.at("hour").as_string()) || !day.read(begun.at("day").as_string())) return std::nullopt;
    return rollout::Day::of(begun.at("windows").to_number<unsigned>(), begun.at("sum_of_windows").to_number<double>(),
                            begun.at("sum_of_hours").to_number<double>(), std::move(hour), std::move(day));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

json::object begun_json(const rollout::Day& day) {
  return {{"windows", day.windows()},
          {"sum_of_windows", day.sum_of_windows()},
          {"sum_of_hours", day.sum_of_hours()},
          {"hour", day.hour().text()},
          {"day", day.day().text()}};
}

/// Power loss leaves the old file or the new one.
bool replace(const std::string& path, const std::string& text) {
  const std::string beside = path + ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool synced = written && ::fdatasync(file) == 0;
  ::close(file);
  return synced && ::rename(beside.c_str(), path.c_str()) == 0;
}

}  // namespace

AttendanceBook::AttendanceBook(const std::string& state_directory) : file_(state_directory + "/users.json") {
  for (const auto& [service, kept] : read_file(file_)) {
    OfService& of = services_[service];
    of.whole = attendance_of(kept);
    if (auto day = day_of(kept)) of.begun = std::move(*day);
  }
}

void AttendanceBook::add(const std::string& service, std::span<const uint64_t> users) {
  OfService& of = services_[service];
  if (const auto whole = of.begun.add(users)) of.whole = whole;
}

std::optional<rollout::Attendance> AttendanceBook::last_day(const std::string& service) const {
  const auto found = services_.find(service);
  return found == services_.end() ? std::nullopt : found->second.whole;
}

bool AttendanceBook::save() const {
  json::object all;
  for (const auto& [service, of] : services_) {
    json::object kept{{"begun", begun_json(of.begun)}};
    if (of.whole) {
      kept["users"] = json::object{
          {"in_ten_minutes", of.whole->in_window}, {"in_hour", of.whole->in_hour}, {"in_day", of.whole->in_day}};
    }
    all[service] = std::move(kept);
  }
  return replace(file_, json::serialize(all) + "\n");
}

}  // namespace weir::control
