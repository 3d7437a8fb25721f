// The conditions of one rule, compiled: what must hold of a request (contract §3).
//
// header: any occurrence of the field may match; an empty field is present. cookie, query: the first of that
// name, as for cohort keys. Values are compared byte for byte, undecoded, blanks around them trimmed;
// methods with case (RFC 9110 §9.1), regions without. A regular expression may match anywhere in its
// subject, and never in one over kLargestSubject. `not` holds when not all of its own conditions hold.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "routing/address_table.h"
#include "routing/reading.h"
#include "routing/regex_set.h"
#include "routing/subjects.h"

namespace weir::routing {

struct Condition {
  enum class Kind : uint8_t {
    exact,
    prefix,
    regex,
    present,
    absent,  // of `subject`
    method,
    path_prefix,
    path_regex,
    client_ip,
    region,
    not_all
  };
  Kind kind = Kind::exact;
  SubjectKind subject_kind = SubjectKind::header;
  uint32_t subject = kNoSubject;
  std::string name;                  // of the subject, as written
  std::string text;                  // exact, prefix, path_prefix (normalised)
  std::vector<std::string> texts;    // methods; regions in lower case
  std::shared_ptr<const RE2> regex;  // regex, path_regex
  std::vector<config::Cidr> blocks;  // client_ip, as written …
  AddressTable addresses;            // … and to be asked
  std::vector<Condition> inner;      // not_all
};

/// Compiles in the order header, cookie, query, client_cert, method, path, client_ip, region, not. Numbers the names it
/// looks at in `subjects`; an expression that RE2 refuses is added to `problems`.
std::vector<Condition> compile_conditions(const config::Conditions& written, Subjects& subjects,
                                          config::Problems& problems);

bool holds(const Condition& condition, Reading& reading);

/// Why it does not hold, for a person: `header X-Staff is absent`.
std::string why_not(const Condition& condition, Reading& reading);

}  // namespace weir::routing
