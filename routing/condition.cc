#include "routing/condition.h"

#include <algorithm>

#include "routing/ascii.h"
#include "routing/path.h"

namespace weir::routing {
namespace {

using Kind = Condition::Kind;

std::shared_ptr<const RE2> compile_or_tell(const std::string& pattern, const config::Where& where,
                                           config::Problems& problems) {
  auto regex = compile_regex(pattern);
  if (!regex->ok()) {
    problems.push_back({where, "regular expression \"" + pattern + "\" is refused: " + regex->error() +
                                   "; RE2 syntax is meant, without look-around and back-references"});
  }
  return regex;
}

Kind kind_of(const config::ValueTest& test) {
  switch (test.kind) {
    case config::ValueTest::Kind::exact:
      return Kind::exact;
    case config::ValueTest::Kind::prefix:
      return Kind::prefix;
    case config::ValueTest::Kind::regex:
      return Kind::regex;
    case config::ValueTest::Kind::present:
      break;
  }
  return test.present ? Kind::present : Kind::absent;
}

struct Compiler {
  Subjects& subjects;
  config::Problems& problems;
  std::vector<Condition> out;

  Condition& add(Kind kind) {
    out.emplace_back();
    out.back().kind = kind;
    return out.back();
  }

  void add_values(SubjectKind subject_kind, const std::vector<config::NamedTest>& tests) {
    for (const config::NamedTest& named : tests) {
      Condition& condition = add(kind_of(named.test));
      condition.subject_kind = subject_kind;
      condition.subject = subjects.add(subject_kind, named.name);
      condition.name = named.name;
      condition.text = named.test.text;
      if (condition.kind == Kind::regex) condition.regex = compile_or_tell(named.test.text, named.test.where, problems);
    }
  }

  void add_path(const config::Conditions& written) {
    if (written.path_prefix) add(Kind::path_prefix).text = normalise_prefix(*written.path_prefix);
    if (written.path_regex) {
      add(Kind::path_regex).regex = compile_or_tell(*written.path_regex, written.path_regex_where, problems);
    }
  }

  void add_client(const config::Conditions& written) {
    if (!written.client_ip.empty()) {
      Condition& condition = add(Kind::client_ip);
      condition.blocks = written.client_ip;
      for (uint32_t i = 0; i < written.client_ip.size(); ++i) condition.addresses.add(written.client_ip[i], i);
      condition.addresses.seal();
    }
    if (!written.regions.empty()) {
      Condition& condition = add(Kind::region);
      for (const std::string& region : written.regions) lower_into(region, condition.texts.emplace_back());
    }
  }
};

bool test_value(const Condition& condition, std::string_view value) {
  switch (condition.kind) {
    case Kind::exact:
      return value == condition.text;
    case Kind::prefix:
      return value.starts_with(condition.text);
    case Kind::regex:
      return regex_matches(*condition.regex, value);
    default:
      return true;
  }
}

bool any_occurrence(const Condition& condition, Reading& reading) {
  for (const Reading::Found* found = reading.first(condition.subject); found != nullptr; found = reading.next(*found)) {
    if (test_value(condition, found->value)) return true;
  }
  return false;
}

bool is_one_of(std::string_view text, const std::vector<std::string>& texts) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

}  // namespace

std::vector<Condition> compile_conditions(const config::Conditions& written, Subjects& subjects,
                                          config::Problems& problems) {
  Compiler compiler{subjects, problems, {}};
  compiler.add_values(SubjectKind::header, written.headers);
  compiler.add_values(SubjectKind::cookie, written.cookies);
  compiler.add_values(SubjectKind::query, written.queries);
  compiler.add_values(SubjectKind::client_cert, written.client_cert);
  if (!written.methods.empty()) compiler.add(Kind::method).texts = written.methods;
  compiler.add_path(written);
  compiler.add_client(written);
  for (const config::Conditions& inner : written.not_) {
    compiler.add(Kind::not_all).inner = compile_conditions(inner, subjects, problems);
  }
  return std::move(compiler.out);
}

bool holds(const Condition& condition, Reading& reading) {
  switch (condition.kind) {
    case Kind::exact:
    case Kind::prefix:
    case Kind::regex:
    case Kind::present:
      return any_occurrence(condition, reading);
    case Kind::absent:
      return reading.first(condition.subject) == nullptr;
    case Kind::method:
      return is_one_of(reading.request().method, condition.texts);
    case Kind::path_prefix:
      return under_prefix(reading.path(), condition.text);
    case Kind::path_regex:
      return regex_matches(*condition.regex, reading.path());
    case Kind::client_ip:
      return condition.addresses.contains(reading.request().client_ip);
    case Kind::region:
      return is_one_of(reading.region(), condition.texts);
    case Kind::not_all:
      break;
  }
  return !std::all_of(condition.inner.begin(), condition.inner.end(),
                      [&](const Condition& inner) { return holds(inner, reading); });
}

}  // namespace weir::routing
