#include <fmt/core.h>
#include <maxminddb.h>
#include <openssl/crypto.h>
#include <spdlog/version.h>
#include <xxhash.h>

#include <CLI/CLI.hpp>
#include <boost/version.hpp>
#include <fstream>
#include <string>
#include <string_view>

#include "proxy/cli/commands.h"

namespace weir::cli {
namespace {

/// The version in the file name of a shared library, as the loader mapped it: for libraries that tell
/// theirs in no header. `name` is like `libre2.so.`.
std::string loaded_version(std::string_view name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t at = line.find(name);
    if (at != std::string::npos) return line.substr(at + name.size());
  }
  return "linked in";
}

int print_version() {
  fmt::print("weir {}\n", WEIR_VERSION);
  fmt::print("compiler        g++ {}, C++{}\n", __VERSION__, __cplusplus / 100 % 100);
  fmt::print("boost           {}.{}.{}\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  fmt::print("cli11           {}\n", CLI11_VERSION);
  fmt::print("fmt             {}.{}.{}\n", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  fmt::print("maxminddb       {}\n", MMDB_lib_version());
  fmt::print("openssl         {}\n", OpenSSL_version(OPENSSL_VERSION_STRING));
  fmt::print("prometheus-cpp  {}\n", loaded_version("libprometheus-cpp-core.so."));
  fmt::print("re2             {}\n", loaded_version("libre2.so."));
  fmt::print("spdlog          {}.{}.{}\n", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH);
  fmt::print("xxhash          {}.{}.{}\n", XXH_VERSION_MAJOR, XXH_VERSION_MINOR, XXH_VERSION_RELEASE);
  fmt::print("yaml-cpp        {}\n", loaded_version("libyaml-cpp.so."));
  return kDone;
}

}  // namespace

Action declare_version(CLI::App&) {
  return [] { return print_version(); };
}

}  // namespace weir::cli
