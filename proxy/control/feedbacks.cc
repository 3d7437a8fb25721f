#include "proxy/control/feedbacks.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "proxy/control/change_json.h"

namespace weir::control {

namespace json = boost::json;

namespace {

constexpr std::streamoff kReadBack = 4 * 1024 * 1024;  // of each file, as weir starts

/// The last lines of a file, before those of `lines`.
void read_last(const std::string& path, size_t most, std::vector<std::string>& lines) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return;
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - kReadBack));
  std::string line;
  if (size > kReadBack) std::getline(file, line);  // the rest of one
  std::vector<std::string> found;
  while (std::getline(file, line)) found.push_back(std::move(line));
  const size_t wanted = std::min(found.size(), most - lines.size());
  lines.insert(lines.begin(), std::make_move_iterator(found.end() - static_cast<std::ptrdiff_t>(wanted)),
               std::make_move_iterator(found.end()));
}

std::string line_of(const evidence::Rating& rating) {
  json::object line{{"at", time_text(rating.at)},
                    {"version", rating.version},
                    {"bucket", rating.bucket},
                    {"rating", rating.words.rating}};
  if (!rating.words.comment.empty()) line["comment"] = rating.words.comment;
  if (!rating.words.page.empty()) line["page"] = rating.words.page;
  return json::serialize(line);
}

/// False: errno. Half a line would spoil the next one, and is taken back unless somebody has written behind it.
bool write_line(int fd, const std::string& line) {
  const ssize_t written = ::write(fd, line.data(), line.size());
  if (written == static_cast<ssize_t>(line.size())) return true;
  if (written < 0) return false;
  struct stat found {};
  const off_t end = ::lseek(fd, 0, SEEK_CUR);
  if (::fstat(fd, &found) == 0 && found.st_size == end && ::ftruncate(fd, end - written) != 0) return false;
  errno = ENOSPC;
  return false;
}

/// Its version; nothing where somebody else has written into the file.
std::optional<std::string> version_of(const std::string& line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  const json::object* const object = error ? nullptr : value.if_object();
  const json::value* const version = object ? object->if_contains("version") : nullptr;
  if (version == nullptr || !version->is_string()) return std::nullopt;
  return std::string(version->get_string());
}

}  // namespace

std::vector<std::string> FeedbackFile::last_lines(size_t most) const {
  std::vector<std::string> lines;
  for (const std::string& path : {now(), before()}) {
    if (lines.size() < most) read_last(path, most, lines);
  }
  return lines;
}

bool FeedbackFile::append(const std::string& line, uint64_t keep) const {
  std::error_code error;
  const auto size = std::filesystem::file_size(now(), error);
  if (!error && keep > 0 && size > 0 && size + line.size() > keep / 2) {
    if (::rename(now().c_str(), before().c_str()) != 0) return false;
  }
  const int fd = ::open(now().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool kept = write_line(fd, line);
  const int why = errno;
  ::close(fd);
  errno = why;
  return kept;
}

Feedbacks::Feedbacks(boost::asio::io_context& io, Publisher& publisher, Rollouts& rollouts)
    : publisher_(publisher), rollouts_(rollouts), bell_rope_(io, ::dup(publisher.feedback_bell().descriptor())) {}

void Feedbacks::begin(const std::optional<config::State>& state) {
  if (state) directory_ = state->directory + "/feedback";
  for (const config::Service& service : publisher_.current()->config().services) {
    if (service.feedback) of(service.name);
  }
  listen();
}

void Feedbacks::stop() {
  take_all();
  bell_rope_.cancel();
}

void Feedbacks::listen() {
  bell_rope_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (error) return;
                          publisher_.feedback_bell().heard();
                          take_all();
                          listen();
                        });
}

void Feedbacks::take_all() {
  const auto current = publisher_.current();
  for (size_t i = 0; i < current->services.size(); ++i) {
    const auto& mailbox = current->services[i].feedback;
    if (mailbox == nullptr) continue;
    auto ratings = mailbox->take();
    const config::Service& service = current->config().services[i];
    if (!ratings.empty()) take(service.name, *service.feedback, std::move(ratings));
  }
}

/// With what was kept of it before.
Feedbacks::OfService& Feedbacks::of(const std::string& service) {
  const auto [entry, fresh] = services_.try_emplace(service);
  OfService& feedback = entry->second;
  if (!fresh) return feedback;
  std::error_code error;
  std::filesystem::create_directories(directory_, error);  // where that failed, the first rating tells
  feedback.file = std::make_unique<FeedbackFile>(directory_ + "/" + service);
  for (std::string& line : feedback.file->last_lines(kListed)) {
    if (auto version = version_of(line)) feedback.last.push_back({std::move(*version), std::move(line)});
  }
  return feedback;
}

void Feedbacks::take(const std::string& service, const config::Feedback& feedback,
                     std::vector<evidence::Rating> ratings) {
  OfService& kept = of(service);
  bool well = true;
  int why = 0;
  for (const evidence::Rating& rating : ratings) {
    std::string line = line_of(rating);
    if (!kept.file->append(line + "\n", feedback.keep)) well = false, why = errno;
    kept.last.push_back({rating.version, std::move(line)});
    if (kept.last.size() > kListed) kept.last.pop_front();
    ++kept.count[{rating.version, rating.words.rating}];
    if (rating.version_by_chance && rating.words.rating <= feedback.bad) rollouts_.note_rating(service, rating.event);
  }
  if (!well && !std::exchange(kept.told, true)) {
    spdlog::error("{}: what users say is counted, but not kept: {}: {}", service, directory_, std::strerror(why));
  }
  if (well && std::exchange(kept.told, false)) spdlog::info("{}: what users say is kept again", service);
}

std::optional<std::string> Feedbacks::shown(const std::string& service, const std::string& version,
                                            size_t limit) const {
  const auto& services = publisher_.current()->config().services;
  const auto configured = std::ranges::find(services, service, &config::Service::name);
  if (configured == services.end() || !configured->feedback) return std::nullopt;
  json::array ratings;
  json::object counts;
  for (const config::Version& one : configured->versions) counts[one.name] = json::object();
  if (const auto found = services_.find(service); found != services_.end()) {
    for (auto kept = found->second.last.rbegin(); kept != found->second.last.rend() && ratings.size() < limit; ++kept) {
      if (version.empty() || kept->version == version) ratings.push_back(json::parse(kept->line));
    }
    for (const auto& [of, count] : found->second.count) {
      json::value& by_rating = counts[of.first];
      if (!by_rating.is_object()) by_rating = json::object();
      by_rating.get_object()[std::to_string(of.second)] = count;
    }
  }
  const json::object all{{"service", service}, {"counts", std::move(counts)}, {"feedback", std::move(ratings)}};
  return json::serialize(all) + "\n";
}

void Feedbacks::fill(metrics::Facts& facts) const {
  for (const auto& [service, feedback] : services_) {
    for (const auto& [of, count] : feedback.count) facts.feedback.push_back({service, of.first, of.second, count});
  }
}

}  // namespace weir::control
