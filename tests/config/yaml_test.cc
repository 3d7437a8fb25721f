#include "config/yaml.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(Scalar, IsWhatTheCoreSchemaOfYaml12Says) {
  struct Case {
    Scalar scalar;
    std::vector<const char*> texts;
  };
  const Case cases[] = {
      {Scalar::null, {"", "~", "null", "Null", "NULL"}},
      {Scalar::boolean, {"true", "True", "TRUE", "false", "False", "FALSE"}},
      {Scalar::integer, {"0", "-1", "+12", "007", "0o17", "0xFf"}},
      {Scalar::real, {"1.", "1.5", ".5", "-1e3", "1E+3", "+.inf", "-.INF", ".nan", "1.5e-3"}},
      {Scalar::text, {"yes", "no",  "on", "off",  "y",    "NO",         "nULL",  "tRUE", "1_000",
                      "0b1", "0o8", "0x", "-0x1", "1:30", "2026-11-01", "10%",   "5s",   ".",
                      "-",   "+",   "e3", "1e",   "1e+",  "1.5.2",      "-.nan", "inf",  "127.0.0.1"}},
  };
  for (const auto& [scalar, texts] : cases) {
    for (const char* text : texts) EXPECT_EQ(resolve(text), scalar) << '"' << text << '"';
  }
}

Tree read(const std::string& text) {
  Problems problems;
  Tree tree = read_yaml(text, "f", problems);
  EXPECT_TRUE(problems.empty()) << problems.front().text();
  return tree;
}

TEST(Yaml, EachNodeKnowsItsPlace) {
  const Tree tree = read("a:\n  - b\n  - c: 'd'\ne: { f: 1 }\n");
  const Node& root = tree.root;
  EXPECT_EQ(root.find("a")->where.line, 1);
  EXPECT_EQ(place(root, {"a", size_t{0}}).line, 2);
  EXPECT_EQ(place(root, {"a", size_t{0}}).column, 5);
  EXPECT_EQ(place(root, {"a", size_t{1}, "c"}).column, 8);
  EXPECT_EQ(place(root, {"e", "f"}).line, 4);
  EXPECT_EQ(place(root, {"e", "f"}).column, 9);
  EXPECT_EQ(place(root, {"e", "none"}).column, 4) << "what is not there is told where it would be";
}

TEST(Yaml, QuotedIsText) {
  const Tree tree = read("a: 1\nb: '1'\nc: \"true\"\nd: |\n  1\n");
  EXPECT_TRUE(tree.root.find("a")->value.is(Scalar::integer));
  for (const char* key : {"b", "c", "d"}) EXPECT_TRUE(tree.root.find(key)->value.is(Scalar::text)) << key;
}

TEST(Yaml, IntegersHaveTheirValue) {
  const Tree tree = read("[10, -3, +4, 007, 0o17, 0x1F, 99999999999999999999, 1.0, text]\n");
  const std::vector<std::optional<int64_t>> expected{10, -3, 4, 7, 15, 31, {}, {}, {}};
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(tree.root.items[i].integer(), expected[i]) << i;
}

TEST(Yaml, AByteOrderMarkAndCarriageReturnsAreTaken) {
  const Tree tree = read(
      "\xef\xbb\xbf"
      "a: b\r\nc: \"d\"\r\n");
  EXPECT_EQ(tree.root.find("a")->value.text, "b");
  EXPECT_EQ(tree.root.find("c")->value.text, "d");
}

TEST(Yaml, NothingIsTooDeepForItsStack) {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "- - "}) {
    std::string text = "a: ";
    if (opening[0] == '-' || opening[0] == '?') text = "";
    for (int i = 0; i < 20'000; ++i) text += opening;
    Problems problems;
    EXPECT_FALSE(read_yaml(text, "f", problems).whole) << opening;
    EXPECT_FALSE(problems.empty()) << opening;
  }
}

TEST(Yaml, AFileCutAnywhereIsReadOrRefusedButNeverWorse) {
  const std::string text =
      "listeners:\n  - { address: \"127.0.0.1:8080\", trusted_proxies: ['10.0.0.0/8'] }\nx: |\n  text\n";
  for (size_t length = 0; length <= text.size(); ++length) {
    Problems problems;
    const Tree tree = read_yaml(text.substr(0, length), "f", problems);
    EXPECT_EQ(tree.whole, problems.empty()) << length;
  }
}

TEST(Yaml, BytesThatAreNoTextAreRefusedAtTheirPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {"a: \xff\n", "f:1:4: the byte 0xff does not belong in a text file; save it as UTF-8"},
      {"a: b\nc: \xc0\xaf\n", "f:2:4: the byte 0xc0 does not belong in a text file; save it as UTF-8"},
      {"a: \xed\xa0\x80\n", "f:1:4: the byte 0xed does not belong in a text file; save it as UTF-8"},
      {"a: \xe2\x82", "f:1:4: the byte 0xe2 does not belong in a text file; save it as UTF-8"},
      {std::string("a: \0b\n", 6), "f:1:4: the byte 0x00 does not belong in a text file; save it as UTF-8"},
  };
  for (const auto& [text, told] : cases) {
    Problems problems;
    EXPECT_FALSE(read_yaml(text, "f", problems).whole);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems.front().text(), told);
  }
}

}  // namespace
}  // namespace weir::config
