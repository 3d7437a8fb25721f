// What users say of the versions: kept in the state's directory, counted, listed, and told to the judge.
// Control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "proxy/control/publisher.h"
#include "proxy/control/rollouts.h"

namespace weir::control {

/// The file of one service's ratings: a JSON object a line, the newest last. At half of what may be kept it is put
/// aside, in place of the one that was put aside before. Nothing is held open: after an upgrade two processes write it,
/// until the old one has drained.
class FeedbackFile {
 public:
  /// `path` without its ending.
  explicit FeedbackFile(std::string path) : path_(std::move(path)) {}

  /// The last lines that were kept, the oldest first.
  std::vector<std::string> last_lines(size_t most) const;
  /// A line with its end; `keep`: bytes of both files, 0: all. False: not kept, errno says why.
  bool append(const std::string& line, uint64_t keep) const;

 private:
  std::string now() const { return path_ + ".jsonl"; }
  std::string before() const { return path_ + ".1.jsonl"; }

  const std::string path_;
};

class Feedbacks {
 public:
  Feedbacks(boost::asio::io_context& io, Publisher& publisher, Rollouts& rollouts);

  /// Once a configuration is in force.
  void begin(const std::optional<config::State>& state);
  void stop();

  /// The newest of a service first, and how many there are since the start, as JSON; nothing: it asks nobody.
  /// `version` empty: of both.
  std::optional<std::string> shown(const std::string& service, const std::string& version, size_t limit) const;
  /// What the metrics page tells of them.
  void fill(metrics::Facts& facts) const;

  static constexpr size_t kListed = 500;  // of a service, at most

 private:
  struct Kept {
    std::string version, line;
  };
  struct OfService {
    std::unique_ptr<FeedbackFile> file;
    std::deque<Kept> last;                                       // the newest last
    std::map<std::pair<std::string, unsigned>, uint64_t> count;  // by version and rating
    bool told = false;                                           // that they cannot be kept
  };

  void listen();
  void take_all();
  OfService& of(const std::string& service);
  void take(const std::string& service, const config::Feedback& feedback, std::vector<evidence::Rating> ratings);

  Publisher& publisher_;
  Rollouts& rollouts_;
  boost::asio::posix::stream_descriptor bell_rope_;
  std::string directory_;  // empty: before `begin`
  std::map<std::string, OfService> services_;
};

}  // namespace weir::control
