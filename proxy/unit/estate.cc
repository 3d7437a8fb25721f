#include "proxy/unit/estate.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>

namespace weir::unit {

namespace json = boost::json;

namespace {
constexpr const char* kVariable = "WEIR_ESTATE";

Estate estate_of(const json::object& object) {
  Estate estate;
  for (const json::value& value : object.at("listeners").as_array()) {
    const json::object& one = value.as_object();
    estate.listeners.push_back({std::string(one.at("address").as_string()),
                                json::value_to<std::vector<int>>(one.at("descriptors")), one.at("shared").as_bool()});
  }
  for (const json::value& value : object.at("passed").as_array()) {
    const json::object& one = value.as_object();
    estate.passed.push_back({std::string(one.at("name").as_string()), one.at("descriptor").to_number<int>()});
  }
  estate.admin = object.at("admin").to_number<int>();
  estate.state_lock = object.at("state_lock").to_number<int>();
  estate.splits = object.at("splits").to_number<int>();
  estate.rollouts = object.at("rollouts").to_number<int>();
  estate.wire = object.at("wire").to_number<int>();
  return estate;
}

}  // namespace

std::vector<int> Estate::descriptors() const {
  std::vector<int> all;
  for (const Listener& listener : listeners)
    all.insert(all.end(), listener.descriptors.begin(), listener.descriptors.end());
  for (const PassedSockets::Socket& socket : passed) all.push_back(socket.fd);
  for (const int fd : {admin, state_lock, splits, rollouts, wire}) {
    if (fd >= 0) all.push_back(fd);
  }
  return all;
}

std::string environment_of(const Estate& estate) {
  json::array listeners, passed;
  for (const Estate::Listener& one : estate.listeners) {
    listeners.push_back(
        {{"address", one.address}, {"descriptors", json::value_from(one.descriptors)}, {"shared", one.shared}});
  }
  for (const PassedSockets::Socket& one : estate.passed) {
    passed.push_back({{"name", one.name}, {"descriptor", one.fd}});
  }
  const json::object object{{"listeners", std::move(listeners)},
                            {"passed", std::move(passed)},
                            {"admin", estate.admin},
                            {"state_lock", estate.state_lock},
                            {"splits", estate.splits},
                            {"rollouts", estate.rollouts},
                            {"wire", estate.wire}};
  return std::string(kVariable) + "=" + json::serialize(object);
}

std::optional<Estate> take_estate() {
  const char* const text = std::getenv(kVariable);
  if (text == nullptr) return std::nullopt;
  const std::string copy = text;
  ::unsetenv(kVariable);
  Estate estate = estate_of(json::parse(copy).as_object());
  for (const int fd : estate.descriptors()) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return estate;
}

int make_memory() { return ::memfd_create("weir-records", MFD_CLOEXEC); }

bool write_memory(int file, const std::vector<std::string>& records) {
  std::string text;
  for (const std::string& record : records) text += record + "\n";
  if (::ftruncate(file, 0) != 0) return false;
  for (size_t done = 0; done < text.size();) {
    const ssize_t wrote = ::pwrite(file, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (wrote <= 0) return false;
    done += static_cast<size_t>(wrote);
  }
  return true;
}

std::vector<std::string> read_memory(int file) {
  std::string text;
  char piece[64 * 1024];
  ssize_t got = 0;
  while ((got = ::pread(file, piece, sizeof piece, static_cast<off_t>(text.size()))) > 0) {
    text.append(piece, static_cast<size_t>(got));
  }
  std::vector<std::string> records;
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    records.push_back(text.substr(at, end - at));
  }
  return records;
}

}  // namespace weir::unit
