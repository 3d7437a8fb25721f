#include "routing/match.h"

#include <gtest/gtest.h>

#include "tests/routing/given.h"

namespace weir::routing {
namespace {

config::Conditions cookie_is(std::string name, Is kind, std::string text) {
  config::Conditions when;
  when.cookies.push_back(value_test(std::move(name), kind, std::move(text)));
  return when;
}
config::Conditions query_is(std::string name, Is kind, std::string text) {
  config::Conditions when;
  when.queries.push_back(value_test(std::move(name), kind, std::move(text)));
  return when;
}
config::Conditions header_present(std::string name, bool present) {
  config::Conditions when;
  when.headers.push_back(value_test(std::move(name), Is::present, {}, present));
  return when;
}
config::Conditions method(std::vector<std::string> methods) {
  config::Conditions when;
  when.methods = std::move(methods);
  return when;
}
config::Conditions path_prefix(std::string prefix) {
  config::Conditions when;
  when.path_prefix = std::move(prefix);
  return when;
}
config::Conditions path_regex(std::string regex) {
  config::Conditions when;
  when.path_regex = std::move(regex);
  return when;
}
config::Conditions client(std::vector<std::string> blocks) {
  config::Conditions when;
  for (const std::string& block : blocks) when.client_ip.push_back(config::parse_cidr(block).value());
  return when;
}
config::Conditions negated(config::Conditions inner) {
  config::Conditions when;
  when.not_.push_back(std::move(inner));
  return when;
}

/// Whether a rule with these conditions matches; by the index and by the plain walk, which must agree.
bool matches(const config::Conditions& when, const Request& request) {
  Subjects subjects;
  auto matcher = Matcher::compile({send_rule("r", when, "new")}, subjects);
  EXPECT_TRUE(matcher);
  Reading reading;
  const RequestView view = request.view();
  reading.read(subjects, nullptr, view);
  const bool indexed = (*matcher)->first(reading) == 0;
  EXPECT_EQ(indexed, (*matcher)->failing(0, reading) == nullptr);
  return indexed;
}

struct Case {
  const char* what;
  config::Conditions when;
  std::vector<Request> yes, no;
};

TEST(Conditions, MeanWhatTheContractSays) {
  const std::string long_value(kLargestSubject, 'x');
  Request twice;
  twice.headers = {{"X-A", "first"}, {"x-a", "second"}};
  const std::vector<Case> cases = {
      {"exact header, name without case, value with",
       header_is("X-Staff", "1"),
       {with_header("x-staff", "1")},
       {with_header("X-Staff", "2"), with_header("X-Staff", "11"), with_header("X-Staff", ""), Request{}}},
      {"any occurrence of a header", header_is("X-A", "second"), {twice}, {with_header("X-A", "first, second")}},
      {"header prefix",
       header_is("X-A", "ab", Is::prefix),
       {with_header("X-A", "ab"), with_header("X-A", "abc")},
       {with_header("X-A", "a"), with_header("X-A", "ba")}},
      {"header regex, unanchored",
       header_is("User-Agent", "(?i)bot", Is::regex),
       {with_header("User-Agent", "a Bot/1")},
       {with_header("User-Agent", "cat"), Request{}}},
      {"regex up to a kibibyte",
       header_is("X-A", "x", Is::regex),
       {with_header("X-A", long_value)},
       {with_header("X-A", long_value + "x")}},
      {"present", header_present("X-A", true), {with_header("X-A", ""), with_header("x-a", "1")}, {Request{}}},
      {"absent", header_present("X-A", false), {Request{}, with_header("X-B", "1")}, {with_header("X-A", "")}},
      {"cookie",
       cookie_is("uid", Is::exact, "7"),
       {with_cookie("a=1; uid=7")},
       {with_cookie("uid=8; uid=7"), with_cookie("Uid=7"), with_cookie("uid=77"), Request{}}},
      {"cookie prefix", cookie_is("uid", Is::prefix, "7"), {with_cookie("uid=77")}, {with_cookie("uid=87")}},
      {"query",
       query_is("beta", Is::exact, "1"),
       {with_query("a&beta=1")},
       {with_query("beta=01"), with_query("Beta=1")}},
      {"query regex", query_is("q", Is::regex, "^a.c$"), {with_query("q=abc")}, {with_query("q=abcd")}},
      {"method",
       method({"GET", "HEAD"}),
       {with_method("GET"), with_method("HEAD")},
       {with_method("POST"), with_method("get")}},
      {"path prefix",
       path_prefix("/api/"),
       {with_path("/api"), with_path("/api/x"), with_path("//%61pi/x"), with_path("/b/../api")},
       {with_path("/apix"), with_path("/"), with_path("/api%2Fx")}},
      {"root prefix", path_prefix("/"), {with_path("/"), with_path("/x"), with_path("*")}, {}},
      {"path regex", path_regex("^/v[0-9]+/"), {with_path("/v12/x"), with_path("/a/../v1/")}, {with_path("/x/v1/")}},
      {"client",
       client({"192.0.2.0/24", "2001:db8::/32"}),
       {from("192.0.2.200"), from("2001:db8:9::1")},
       {from("192.0.3.1"), from("2001:db9::1")}},
      {"not", negated(header_is("X-A", "1")), {Request{}, with_header("X-A", "2")}, {with_header("X-A", "1")}},
      {"not of not", negated(negated(method({"GET"}))), {with_method("GET")}, {with_method("PUT")}},
      {"nothing asked", config::Conditions{}, {Request{}}, {}},
  };
  for (const Case& c : cases) {
    for (const Request& request : c.yes) EXPECT_TRUE(matches(c.when, request)) << c.what;
    for (const Request& request : c.no) EXPECT_FALSE(matches(c.when, request)) << c.what;
  }
}

TEST(Conditions, OfOneRuleMustAllHold) {
  config::Conditions when = header_is("X-A", "1");
  when.methods = {"POST"};
  when.path_prefix = "/api";
  Request request = with_header("X-A", "1");
  request.method = "POST";
  request.path = "/api/x";
  EXPECT_TRUE(matches(when, request));
  request.path = "/";
  EXPECT_FALSE(matches(when, request));
}

TEST(Conditions, NotHoldsWhenNotAllOfItsOwnHold) {
  config::Conditions both = header_is("X-A", "1");
  both.methods = {"POST"};
  Request request = with_header("X-A", "1");
  EXPECT_TRUE(matches(negated(both), request)) << "only one of the two holds";
  request.method = "POST";
  EXPECT_FALSE(matches(negated(both), request));
}

/// The first rule that matches, of rules named by their place.
uint32_t first(const std::vector<config::Conditions>& all, const Request& request) {
  std::vector<config::Rule> rules;
  for (const auto& when : all) rules.push_back(send_rule("r", when, "new"));
  Subjects subjects;
  const auto matcher = Matcher::compile(rules, subjects);
  Reading reading;
  const RequestView view = request.view();
  reading.read(subjects, nullptr, view);
  return (*matcher)->first(reading);
}

TEST(Matcher, TheFirstMatchWinsHoweverItIsIndexed) {
  const std::vector<config::Conditions> rules = {
      path_regex("^/late"),       header_is("X-A", "1"), client({"10.0.0.0/8"}), header_is("X-A", "b", Is::regex),
      header_is("X-A", "1"),      method({"POST"}),      path_prefix("/api"),    negated(method({"GET"})),
      header_present("X-A", true)};
  EXPECT_EQ(first(rules, with_header("X-A", "1")), 1u);
  Request request = with_header("X-A", "1");
  request.path = "/late";
  EXPECT_EQ(first(rules, request), 0u);
  EXPECT_EQ(first(rules, from("10.9.9.9")), 2u);
  EXPECT_EQ(first(rules, with_header("X-A", "abc")), 3u);
  EXPECT_EQ(first(rules, with_method("POST")), 5u);
  EXPECT_EQ(first(rules, with_path("/api")), 6u);
  EXPECT_EQ(first(rules, with_method("PUT")), 7u);
  EXPECT_EQ(first(rules, with_header("X-A", "c")), 8u);
  EXPECT_EQ(first(rules, Request{}), Matcher::kNoRule);
}

TEST(Matcher, OversizedSubjectsAreCountedUpToTheRuleThatMatched) {
  config::Conditions inside = negated(path_regex("^/x"));
  const std::vector<config::Rule> rules = {send_rule("a", header_is("X-A", "a", Is::regex), "new"),
                                           send_rule("b", header_is("X-B", "1"), "new"), send_rule("c", inside, "new")};
  Subjects subjects;
  const auto matcher = Matcher::compile(rules, subjects);
  const std::string big(kLargestSubject + 1, 'a');
  Request request = with_header("X-A", big);
  request.path = "/x" + big;
  const RequestView view = request.view();
  Reading reading;
  reading.read(subjects, nullptr, view);
  EXPECT_EQ((*matcher)->oversized(reading, 1), 1);
  EXPECT_EQ((*matcher)->oversized(reading, Matcher::kNoRule), 2);
}

TEST(Matcher, AnExpressionThatIsRefusedIsAProblemAtItsPlace) {
  config::Conditions when = header_is("X-A", "(", Is::regex);
  when.headers[0].test.where = {"weir.yaml", 7, 9};
  when.path_regex = "[z-a]";
  when.path_regex_where = {"weir.yaml", 8, 11};
  Subjects subjects;
  const auto matcher = Matcher::compile({send_rule("r", negated(when), "new")}, subjects);
  ASSERT_FALSE(matcher);
  ASSERT_EQ(matcher.problems().size(), 2u);
  EXPECT_EQ(matcher.problems()[0].text(),
            "weir.yaml:7:9: regular expression \"(\" is refused: missing ): (; RE2 syntax is meant, without "
            "look-around and back-references");
  EXPECT_EQ(matcher.problems()[1].where.line, 8);
}

}  // namespace
}  // namespace weir::routing
