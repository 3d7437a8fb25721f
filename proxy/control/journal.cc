#include "proxy/control/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

namespace weir::control {

namespace {

constexpr size_t kChecksum = 16;  // hex digits, and a blank behind them

std::string line_of(std::string_view record) {
  return fmt::format("{:016x} {}\n", XXH3_64bits(record.data(), record.size()), record);
}

/// The record of a line without its line break; nothing if it is damaged.
std::optional<std::string_view> record_of(std::string_view line) {
  if (line.size() < kChecksum + 1 || line[kChecksum] != ' ') return std::nullopt;
  const std::string_view record = line.substr(kChecksum + 1);
  const std::string checksum = fmt::format("{:016x}", XXH3_64bits(record.data(), record.size()));
  return line.substr(0, kChecksum) == checksum ? std::optional(record) : std::nullopt;
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool read_all(int file, std::string& into) {
  char piece[64 * 1024];
  for (;;) {
    const ssize_t got = ::read(file, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    into.append(piece, static_cast<size_t>(got));
  }
}

/// A rename is kept once its directory is.
bool sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

config::Problems problem(const std::string& what) { return {{{}, "state.directory: " + what}}; }

}  // namespace

config::Result<Journal::Found> Journal::open(const std::string& directory, int lock) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return problem(directory + " cannot be made: " + error.message());
  Found found{std::unique_ptr<Journal>(new Journal(directory)), {}, {}};
  found.journal->lock_ = lock;
  if (auto problems = found.journal->lock(); !problems.empty()) return problems;
  if (lock < 0) found.journal->sign();
  if (auto problems = found.journal->read(found); !problems.empty()) return problems;
  return found;
}

Journal::~Journal() {
  if (file_ >= 0) ::close(file_);
  if (lock_ >= 0) ::close(lock_);
}

/// Held until the process ends, however it ends, and by the one that it was handed over to.
config::Problems Journal::lock() {
  const std::string path = directory_ + "/lock";
  if (lock_ < 0) lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool read_only = lock_ < 0 && errno == EROFS;
  if (lock_ < 0) lock_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (lock_ < 0 && read_only) lock_ = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) return problem(path + " cannot be opened: " + std::strerror(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    std::string holder;
    read_all(lock_, holder);
    while (!holder.empty() && holder.back() == '\n') holder.pop_back();
    return problem(directory_ + " is used by another weir" + (holder.empty() ? "" : " (process " + holder + ")") +
                   "; stop that one, or give this one a directory of its own");
  }
  return {};
}

void Journal::sign() {
  const std::string id = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) == 0 && ::lseek(lock_, 0, SEEK_SET) == 0) write_all(lock_, id);
}

config::Problems Journal::read(Found& found) {
  const std::string path = directory_ + "/journal";
  ::unlink((path + ".new").c_str());  // a rewrite that never ended
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const bool writable = file_ >= 0;
  if (!writable) {
    found.told.push_back(fmt::format("{} cannot be written: {}; what is changed is not remembered until it can be",
                                     path, std::strerror(errno)));
    file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  }
  std::string text;
  if (file_ < 0 ? errno != ENOENT && errno != EROFS : !read_all(file_, text)) {
    return problem(path + " cannot be read: " + std::strerror(errno));
  }
  size_t damaged = 0, line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string::npos) {
      found.told.push_back(fmt::format("{}: a change that was being written when weir ended ({} bytes) is left out",
                                       path, text.size() - at));
      break;
    }
    ++line_number;
    if (const auto record = record_of(std::string_view(text).substr(at, end - at))) {
      found.records.emplace_back(*record);
    } else {
      ++damaged;
      found.told.push_back(fmt::format("{}:{}: damaged, left out", path, line_number));
    }
    at = bytes_ = end + 1;
  }
  lines_ = line_number;
  if (damaged > 0) {
    const std::string kept = path + ".damaged";
    if (::link(path.c_str(), kept.c_str()) == 0) found.told.push_back("the damaged file is kept as " + kept);
  }
  in_doubt_ = damaged > 0 || !writable || (bytes_ < text.size() && !cut_back());
  return {};
}

bool Journal::failed(const std::string& what) {
  error_ = directory_ + "/journal cannot be written: " + what + ": " + std::strerror(errno);
  return false;
}

/// Takes back what a failed write left.
bool Journal::cut_back() { return ::ftruncate(file_, static_cast<off_t>(bytes_)) == 0; }

bool Journal::append(const std::vector<std::string>& records) {
  struct stat status {};
  if (file_ < 0 || ::fstat(file_, &status) != 0) return failed("open");
  if (status.st_nlink == 0) {
    errno = ENOENT;
    in_doubt_ = true;
    return failed("it was removed");
  }
  std::string text;
  for (const std::string& record : records) text += line_of(record);
  const bool written = write_all(file_, text);
  if (written && ::fdatasync(file_) == 0) {
    bytes_ += text.size();
    lines_ += records.size();
    return true;
  }
  failed(written ? "sync" : "write");
  in_doubt_ = !cut_back() || written;
  return false;
}

bool Journal::rewrite(const std::vector<std::string>& records) {
  const std::string path = directory_ + "/journal", beside = path + ".new";
  const int file = ::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return failed("open " + beside);
  std::string text;
  for (const std::string& record : records) text += line_of(record);
  const bool renamed = write_all(file, text) && ::fsync(file) == 0 && ::rename(beside.c_str(), path.c_str()) == 0;
  if (!renamed) {
    failed("write " + beside);
    ::close(file);
    ::unlink(beside.c_str());
    return false;
  }
  if (file_ >= 0) ::close(file_);
  file_ = file;
  bytes_ = text.size();
  lines_ = records.size();
  in_doubt_ = !sync_directory(directory_);
  return in_doubt_ ? failed("sync the directory") : true;
}

}  // namespace weir::control
