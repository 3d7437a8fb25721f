#include "config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <optional>
#include <sstream>

namespace weir::config {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kDeepest = 32;
constexpr size_t kLargest = 16 * 1024 * 1024;

struct TooDeep {};

/// Builds the tree from the parser's events. A map being read holds its key until the value came.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string file, Problems& problems) : file_(std::move(file)), problems_(problems) {}

  Node take() { return std::move(root_); }
  const std::optional<YAML::Mark>& last_scalar() const { return last_scalar_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(make(mark, Node::Kind::null));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    complain(where(mark), "an alias (*name) is not taken; write the value out");
    add(make(mark, Node::Kind::wrong));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    Node node = make(mark, Node::Kind::scalar);
    node.text = value;
    node.scalar = tag == kPlain ? resolve(value) : Scalar::text;
    last_scalar_ = mark;
    add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  static constexpr std::string_view kPlain = "?", kQuoted = "!";

  struct Open {
    Node node;
    std::optional<Node> key;  // of a map: the key whose value comes next
  };

  Where where(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }
  void complain(Where at, std::string what) { problems_.push_back({std::move(at), std::move(what)}); }

  Node make(const YAML::Mark& mark, Node::Kind kind) const {
    Node node;
    node.kind = kind;
    node.where = where(mark);
    return node;
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) complain(where(mark), "an anchor (&name) is not taken; take it out");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == kPlain || tag == kQuoted) return;
    complain(where(mark), fmt::format("a tag ({}) is not taken; take it out", tag));
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (stack_.size() == kDeepest) {
      complain(where(mark), fmt::format("nested deeper than {} levels", kDeepest));
      throw TooDeep{};
    }
    stack_.push_back({make(mark, kind), std::nullopt});
  }

  void close() {
    Node node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (Open& parent = stack_.back(); parent.node.kind == Node::Kind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      add_entry(parent, std::move(node));
    }
  }

  void add_entry(Open& map, Node value) {
    const Node key = std::move(*map.key);
    map.key.reset();
    if (key.kind == Node::Kind::wrong) return;
    if (key.kind != Node::Kind::scalar) return complain(key.where, key.shown() + " as a key; a key is text");
    if (key.scalar != Scalar::text) {
      complain(key.where, fmt::format("the key {0} is not text to YAML; put it in quotes: \"{0}\"", key.text));
    }
    if (const Entry* first = map.node.find(key.text)) {
      return complain(key.where, fmt::format("the key {} is here twice, first in line {}; keep one", quoted(key.text),
                                             first->where.line));
    }
    // A value that is not there has no place of its own.
    if (value.kind == Node::Kind::null) value.where = key.where;
    map.node.entries.push_back({key.text, key.where, std::move(value)});
  }

  std::string file_;
  Problems& problems_;
  std::vector<Open> stack_;
  std::optional<YAML::Mark> last_scalar_;
  Node root_;
};

/// Sees whether anything follows the first document.
class SecondDocument : public YAML::EventHandler {
 public:
  std::optional<YAML::Mark> begin;

  void OnDocumentStart(const YAML::Mark& mark) override { begin = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// Length of the UTF-8 sequence at the front of `text` (RFC 3629 §4); 0 if there is none.
size_t utf8_length(std::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](size_t i) { return (at(i) & 0xc0u) == 0x80; };
  const unsigned first = at(0), second = at(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool beyond = first == 0xf4 && second > 0x8f;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

/// Control characters and bytes that are not UTF-8 are found before YAML can make something of them.
bool check_bytes(std::string_view text, const std::string& file, Problems& problems) {
  Where at{file, 1, 1};
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const char c = text.front();
    const bool control = (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
    if (length == 0 || control) {
      problems.push_back({at, fmt::format("the byte 0x{:02x} does not belong in a text file; save it as UTF-8",
                                          static_cast<unsigned char>(c))});
      return false;
    }
    text.remove_prefix(length);
    at.column = c == '\n' ? 1 : at.column + static_cast<int>(length);
    at.line += c == '\n' ? 1 : 0;
  }
  return true;
}

/// yaml-cpp takes the end of the file for the end of a quoted text; then it is the last one.
bool is_open_quote(std::string_view text) {
  const char quote = text.empty() ? ' ' : text.front();
  if (quote != '"' && quote != '\'') return false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') {
      ++i;
    } else if (text[i] == quote) {
      return false;
    }
  }
  return true;
}

/// What is known of a syntax error, and of the most common reason for one.
std::string syntax_problem(std::string_view text, const YAML::Exception& error) {
  std::string what = "not YAML: " + error.msg;
  for (int line = 0; line < error.mark.line && text.find('\n') != text.npos; ++line) {
    text.remove_prefix(text.find('\n') + 1);
  }
  const std::string_view indentation = text.substr(0, text.find_first_not_of(" \t"));
  if (indentation.find('\t') != text.npos) what += "; indent by blanks, not by tabs";
  return what;
}

}  // namespace

Tree read_yaml(std::string_view text, const std::string& file, Problems& problems) {
  Tree tree;
  tree.root.where.file = file;
  tree.whole = false;
  if (text.size() > kLargest) {
    problems.push_back({{file}, fmt::format("larger than {} MiB", kLargest / 1024 / 1024)});
    return tree;
  }
  if (!check_bytes(text, file, problems)) return tree;
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(file, problems);
  try {
    YAML::Parser parser(stream);
    tree.whole = true;
    if (!parser.HandleNextDocument(builder)) return tree;
    tree.root = builder.take();
    const auto& last = builder.last_scalar();
    if (last && is_open_quote(text.substr(std::min(text.size(), static_cast<size_t>(last->pos))))) {
      problems.push_back({{file, last->line + 1, last->column + 1}, "this quote is never closed; close it"});
      tree.whole = false;
      return tree;
    }
    SecondDocument second;
    if (!parser.HandleNextDocument(second)) return tree;
    const Where at{file, second.begin->line + 1, second.begin->column + 1};
    problems.push_back({at, "a second document begins here; a configuration is one"});
  } catch (const YAML::Exception& error) {
    problems.push_back({{file, error.mark.line + 1, error.mark.column + 1}, syntax_problem(text, error)});
    tree.whole = false;
  } catch (const TooDeep&) {
    tree.whole = false;
  }
  return tree;
}

}  // namespace weir::config
