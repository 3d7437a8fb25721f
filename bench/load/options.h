// Command lines of the programs that measure: `--name value`, `--name=value` and `--flag`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::load {

/// Asked once for each option that the program knows; what nobody asked for is wrong usage.
class Options {
 public:
  Options(int argc, char** argv, std::string_view usage);

  bool flag(std::string_view name);
  /// Ends the program with 2 if the value is no number.
  double number(std::string_view name, double otherwise);
  std::string text(std::string_view name, std::string otherwise);
  /// Every value of an option that may be repeated.
  std::vector<std::string> all(std::string_view name);
  /// Ends the program with 2 if something is left.
  void finish();

  [[noreturn]] void wrong(std::string_view what) const;

 private:
  std::string_view usage_;
  std::vector<std::string> words_;
};

}  // namespace weir::load
