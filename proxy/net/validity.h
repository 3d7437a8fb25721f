// Whether certificates and revocation lists hold now, and what is told of those that do not.
#pragma once

#include <openssl/x509.h>

#include <chrono>
#include <set>
#include <string>

#include "config/problem.h"

namespace weir::net {

/// What is wrong with the time of a file: an error, or (at a start: serving comes first) only told.
enum class Dates { must_hold, are_told };

/// Now; finer clocks cannot hold the dates that certificates may have, of the year 9999 say.
inline std::chrono::sys_seconds now_in_seconds() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Files by their content: SHA-256 of the DER bytes.
using Contents = std::set<std::string>;
std::string content_of(const X509* certificate);
std::string content_of(const X509_CRL* list);

/// A certificate or a list of a file that the configuration names.
struct Dated {
  config::Where where;
  std::string name;  // `chain: /etc/weir/shop.pem`
  std::string content;
  std::chrono::sys_seconds from, to;
  std::string when_over;  // what it means that it is over, and what to do
};

/// Judges one after the other. What is in force already and has run out since is told and no more: it must not keep
/// out what was renewed beside it.
class Validity {
 public:
  Validity(Dates dates, const Contents* in_force) : dates_(dates), in_force_(in_force) {}

  void judge(const Dated& one);
  const Contents& judged() const { return judged_; }

  config::Problems problems, warnings;

 private:
  const Dates dates_;
  const Contents* const in_force_;  // null: nothing is
  Contents judged_;
};

/// `2026-11-30 23:59:59 UTC`.
std::string date_text(std::chrono::sys_seconds time);

}  // namespace weir::net
