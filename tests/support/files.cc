#include "tests/support/files.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace weir::testing {
namespace fs = std::filesystem;

Directory::Directory() {
  char name[] = "/tmp/weir-test-XXXXXX";
  if (::mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a directory under /tmp");
  path_ = name;
}

Directory::~Directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

SmallFiles::SmallFiles(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before_);
  const rlimit small{bytes, before_.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

void replace_file(const std::string& path, const std::string& text) {
  write_file(path + ".new", text);
  fs::rename(path + ".new", path);
}

ConfigMap::ConfigMap(std::string directory, std::string name, const std::string& text)
    : directory_(std::move(directory)), name_(std::move(name)) {
  fs::create_directory_symlink(generation(text), directory_ + "/..data");
  fs::create_symlink("..data/" + name_, path());
}

void ConfigMap::update(const std::string& text) {
  std::string before = fs::read_symlink(directory_ + "/..data");
  fs::create_directory_symlink(generation(text), directory_ + "/..data_tmp");
  fs::rename(directory_ + "/..data_tmp", directory_ + "/..data");
  fs::remove_all(directory_ + "/" + before);
}

std::string ConfigMap::generation(const std::string& text) {
  std::string name = "..2026_11_23_" + std::to_string(++generations_);
  fs::create_directory(directory_ + "/" + name);
  write_file(directory_ + "/" + name + "/" + name_, text);
  return name;
}

}  // namespace weir::testing
