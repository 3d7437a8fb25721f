#include "config/forms.h"
#include "config/object.h"
#include "config/table.h"

namespace weir::config {

namespace {

/// The ways in which a value can be tested other than being the same; exactly one is there.
struct Test {
  std::optional<std::string> regex, prefix;
  std::optional<bool> present;
};

ValueTest value_test(const Test& test) {
  using Kind = ValueTest::Kind;
  if (test.regex) return {Kind::regex, *test.regex};
  if (test.prefix) return {Kind::prefix, *test.prefix};
  return {Kind::present, "", test.present.value_or(true)};
}

/// A plain text that the value must be, or a map with another test.
Type<ValueTest> value_test() {
  const Type<Test> other = Object<Test>("value test", "what the value must be, other than a given text")
                               .optional("regex", &Test::regex, some_text("a regular expression"),
                                         "a regular expression (RE2) that is found anywhere in it")
                               .optional("prefix", &Test::prefix, some_text("a prefix"), "how it begins")
                               .optional("present", &Test::present, boolean(), "whether it is there at all")
                               .exactly_one_of({"regex", "prefix", "present"})
                               .type();
  Type<ValueTest> by_test{other.shape, {}, {}};
  by_test.read = [other](const Node& node, ValueTest& into, const Reading& reading) {
    Test test;
    other.read(node, test, reading);
    into = value_test(test);
    into.where = node.where;
  };
  const Type<std::string> same = any_text();
  Type<ValueTest> exact{same.shape, {}, {}};
  exact.read = [same](const Node& node, ValueTest& into, const Reading& reading) {
    into.where = node.where;
    same.read(node, into.text, reading);
  };
  return either<ValueTest>([](const Node& node) { return node.kind == Node::Kind::map; }, by_test, exact);
}

Type<std::vector<NamedTest>> named_tests(Type<std::string> name, const std::string& right) {
  MapForm form;
  form.noun = "a name with a value";
  form.right = right;
  return map_of<std::vector<NamedTest>>(
      form, std::move(name), value_test(),
      [](std::vector<NamedTest>& all, const std::string& name, ValueTest test, const Where&) {
        all.push_back({name, std::move(test)});
      });
}

Type<Conditions> conditions();

/// The conditions within conditions: the same table again, looked up when it is needed.
Type<std::vector<Conditions>> negated() {
  Type<std::vector<Conditions>> type{make_shape(AgainShape{"conditions"}), {}, {}};
  type.read = [](const Node& node, std::vector<Conditions>& into, const Reading& reading) {
    static const Type<Conditions> again = conditions();
    again.read(node, into.emplace_back(), reading);
  };
  return type;
}

Type<std::string> path_regex() { return some_text("a regular expression"); }

Type<Conditions> conditions() {
  Type<Conditions> type =
      Object<Conditions>("conditions", "all of them must hold")
          .optional("header", &Conditions::headers, named_tests(header_name(), "headers by name, as {X-Staff: \"1\"}"),
                    "what headers must be")
          .optional("cookie", &Conditions::cookies, named_tests(cookie_name(), "cookies by name, as {beta: \"1\"}"),
                    "what cookies must be")
          .optional("query", &Conditions::queries,
                    named_tests(query_name(), "query parameters by name, as {version: next}"),
                    "what query parameters must be, as they stand in the URL")
          .optional("client_cert", &Conditions::client_cert,
                    named_tests(certificate_part(), "what its subject or fingerprint must be, as {subject: CN=alice}"),
                    "what the certificate must be that the client has shown: its subject as RFC 4514 writes it "
                    "(CN=alice,O=Shop), its fingerprint as 64 lower hex digits of SHA-256")
          .optional("method", &Conditions::methods, one_or_list(method(), "a method"), "any of these methods")
          .optional("path_prefix", &Conditions::path_prefix, path_prefix(),
                    "the beginning of the path by whole segments: /api is /api and /api/…")
          .optional("path_regex", &Conditions::path_regex, path_regex(),
                    "a regular expression (RE2) that is found anywhere in the path")
          .optional("client_ip", &Conditions::client_ip, one_or_list(cidr(), "an address block"),
                    "the client's address is in any of these")
          .optional("region", &Conditions::regions, one_or_list(some_text("a region"), "a region"),
                    "the client is in any of these regions, as NZ; ZZ is unknown")
          .optional("not", &Conditions::not_, negated(), "holds when not all of these hold")
          .not_empty()
          .type();
  const auto read = type.read;
  type.read = [read](const Node& node, Conditions& into, const Reading& reading) {
    into.path_regex_where = place(node, {"path_regex"});
    read(node, into, reading);
  };
  return type;
}

}  // namespace

Type<Rule> rule_table() {
  return Object<Rule>("rule", "conditions, and where the requests go for which they hold")
      .optional("name", &Rule::name, name(), "its name in metrics and logs; by default rule-N, counted from 1")
      .required("when", &Rule::when, conditions(), "the conditions; all must hold")
      .optional("send", &Rule::send, name(), "the version that takes these requests")
      .optional("split", &Rule::split, split_table(), "the share of each version among these requests")
      .exactly_one_of({"send", "split"})
      .type();
}

}  // namespace weir::config
