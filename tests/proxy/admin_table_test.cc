// The table of routes in README.md against the program's.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <vector>

#include "proxy/admin/routes.h"
#include "tests/support/files.h"
#include "tests/support/places.h"

namespace weir::admin {
namespace {

/// Every `METHOD /path` in the first column of the table under `## Admin`; `GET/PUT /x` is two.
std::vector<std::string> documented() {
  const std::string readme = testing::read_file(weir::testing::source_directory() + "/README.md");
  const size_t begin = readme.find("\n## Admin\n");
  EXPECT_NE(begin, std::string::npos);
  const std::string section = readme.substr(begin, readme.find("\n## ", begin + 1) - begin);
  std::vector<std::string> routes;
  const std::regex row(R"(\n\| ([^|]*) \|)"), route("`([A-Z/]+) (/[^`?]*)[^`]*`"), method("[A-Z]+");
  for (std::sregex_iterator line(section.begin(), section.end(), row), end; line != end; ++line) {
    const std::string cell = (*line)[1];
    for (std::sregex_iterator at(cell.begin(), cell.end(), route); at != end; ++at) {
      const std::string methods = (*at)[1];
      for (std::sregex_iterator one(methods.begin(), methods.end(), method); one != end; ++one) {
        routes.push_back(one->str() + " " + std::string((*at)[2]));
      }
    }
  }
  std::sort(routes.begin(), routes.end());
  return routes;
}

TEST(Table, OfTheReadmeIsThatOfTheProgram) {
  std::vector<std::string> routes = route_names();
  std::sort(routes.begin(), routes.end());
  EXPECT_EQ(documented(), routes);
}

}  // namespace
}  // namespace weir::admin
