// Files of a test: a directory that goes with it, and the ways in which operators change a file.
#pragma once

#include <sys/resource.h>

#include <string>

namespace weir::testing {

/// A directory under /tmp that is removed with all it holds at the end.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
/// Truncates and writes the same file, as `cat >` and some editors do.
void write_file(const std::string& path, const std::string& text);
/// Writes beside it and renames over it, as most editors do.
void replace_file(const std::string& path, const std::string& text);

/// While it lives no file of this process grows over `bytes`: what a full disk does to a write.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes);
  ~SmallFiles() { setrlimit(RLIMIT_FSIZE, &before_); }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  rlimit before_{};
};

/// A mounted Kubernetes ConfigMap: `NAME -> ..data/NAME`, `..data -> ..TIME/`; an update swaps `..data`.
class ConfigMap {
 public:
  /// `directory` exists; the file is `directory/name`.
  ConfigMap(std::string directory, std::string name, const std::string& text);
  std::string path() const { return directory_ + "/" + name_; }
  void update(const std::string& text);

 private:
  std::string generation(const std::string& text);

  std::string directory_, name_;
  int generations_ = 0;
};

}  // namespace weir::testing
