#include "bench/load/changes.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>

#include "bench/load/sockets.h"

namespace weir::load {

Changes::Changes(const std::string& file, Nanos every) : file_(file), every_(every) {}

void Changes::make_due() {
  if (next_ == Nanos(0)) next_ = now() + every_;
  if (now() < next_) return;
  const std::string next_file = file_ + ".next";
  const std::string to = file_ + (changes_.size() % 2 == 0 ? ".new" : ".old");
  unlink(next_file.c_str());  // of a run that was ended in between
  if (link(to.c_str(), next_file.c_str()) != 0) give_up(to.c_str());
  const Nanos renamed = now();
  if (rename(next_file.c_str(), file_.c_str()) != 0) give_up("rename");
  changes_.push_back({renamed});
  next_ = renamed + every_;
}

/// While a request was under way over a rename, either side is the right one.
void Changes::answered(Nanos sent, char version) {
  if (changes_.empty()) return;
  Change& last = changes_.back();
  const char right = changes_.size() % 2 == 1 ? 'n' : 'o';
  if (sent < last.renamed || version == right) return;
  ++wrong_;
  last.last_wrong = std::max(last.last_wrong, sent - last.renamed);
}

std::string Changes::told() const {
  std::vector<Nanos> late;
  for (const Change& change : changes_) late.push_back(change.last_wrong);
  std::sort(late.begin(), late.end());
  std::string all;
  for (const Nanos one : late)
    all += (all.empty() ? "" : ", ") + std::to_string(static_cast<double>(one.count()) / 1e6);
  return "\"changes\": " + std::to_string(changes_.size()) + ", \"wrong_side\": " + std::to_string(wrong_) +
         ", \"last_wrong_ms\": [" + all + "], ";
}

}  // namespace weir::load
