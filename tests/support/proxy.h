// The proxy under test, started from a ConfigText: weir, or a peer that the same cases are put to.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/support/config_text.h"
#include "tests/support/metrics_text.h"
#include "tests/support/origin.h"
#include "tests/support/program.h"

namespace weir::testing {

/// A running proxy. Its log is shown when the test that owns it has failed.
class Proxy {
 public:
  virtual ~Proxy() = default;
  /// Where clients connect.
  virtual std::string edge() const = 0;
  virtual Program& program() = 0;
  virtual std::string log() const = 0;
};

/// The proxy that WEIR_E2E_PEER names: `weir` (the default), `nginx` or `haproxy`, which get the same listener,
/// endpoints of the stable version, limits and time-outs. Throws if it does not start.
std::unique_ptr<Proxy> start_proxy(const std::string& weir_program, const ConfigText& config);

/// The name of the peer in force: `weir`, `nginx` or `haproxy`.
std::string peer();

/// `weir run` on a configuration of one's own.
class Weir : public Proxy {
 public:
  /// Starts it and waits until /readyz answers. A port that somebody else took meanwhile is chosen again.
  Weir(const std::string& program, ConfigText config, ProgramOptions options = {});
  ~Weir() override;

  std::string edge() const override { return config_.edge; }
  std::string admin() const { return config_.admin; }
  Program& program() override { return *program_; }
  std::string log() const override;

  /// The configuration in force, to change a copy of it; and its file.
  const ConfigText& config() const { return config_; }
  const std::string& file() const { return file_; }
  /// Where a test may put sockets and logs; goes with this object.
  const Directory& directory() const { return directory_; }

  /// Writes the file in place and waits until weir says that it is in force (weir_config_info).
  void reload(const ConfigText& config);
  /// The same, with another way of changing the file.
  void reload(const ConfigText& config, const std::function<void(const std::string& text)>& change);
  /// The hash of the configuration in force.
  std::string config_hash();

  /// GET on the admin listener.
  Response admin_get(const std::string& target, const std::string& lines = "");
  Metrics metrics();

 private:
  bool start(const std::string& program, const ProgramOptions& options);

  Directory directory_;
  ConfigText config_;
  std::string file_;
  std::unique_ptr<Program> program_;
};

}  // namespace weir::testing
