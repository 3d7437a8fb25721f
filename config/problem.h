// What is wrong with a configuration, and where: every problem found is told at once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace weir::config {

/// A place in a configuration file; line and column (in bytes) count from 1, 0 means "the file as a whole".
struct Where {
  std::string file;
  int line = 0;
  int column = 0;
};

/// One problem: where it is, what is wrong and what would be right.
struct Problem {
  Where where;
  std::string what;
  std::optional<std::chrono::sys_seconds> passes = std::nullopt;  // it is none any more from then on; empty: it stays

  /// `file:line:column: what`; without line and column where the file as a whole is meant.
  std::string text() const;
};

using Problems = std::vector<Problem>;

/// A value, or every problem that was found on the way to it (never empty then).
template <class T>
class Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(Problems problems) : state_(std::move(problems)) {}

  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  T& operator*() { return std::get<T>(state_); }
  const T& operator*() const { return std::get<T>(state_); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }
  const Problems& problems() const { return std::get<Problems>(state_); }

 private:
  std::variant<T, Problems> state_;
};

}  // namespace weir::config
