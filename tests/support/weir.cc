#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "tests/support/client.h"
#include "tests/support/proxy.h"

namespace weir::testing {
namespace {

constexpr int kStarts = 5;

std::string chosen_address() {
  std::string host = own_loopback();
  return fmt::format("{}:{}", host, free_port(host));
}

}  // namespace

std::string peer() {
  const char* name = std::getenv("WEIR_E2E_PEER");
  return name == nullptr || *name == '\0' ? "weir" : name;
}

std::unique_ptr<Proxy> start_proxy(const std::string& weir_program, const ConfigText& config) {
  if (peer() == "nginx") return std::make_unique<Nginx>(config);
  return std::make_unique<Weir>(weir_program, config);
}

Weir::Weir(const std::string& program, ConfigText config, ProgramOptions options)
    : config_(std::move(config)), file_(directory_ / "weir.yaml") {
  bool choose_edge = config_.edge.empty(), choose_admin = config_.admin.empty();
  for (int i = 0; i < kStarts; ++i) {
    if (choose_edge) config_.edge = chosen_address();
    if (choose_admin) config_.admin = chosen_address();
    if (start(program, options)) return;
    if (log().find("in use") == std::string::npos) break;
  }
  throw std::runtime_error("weir did not start:\n" + log() + "\nwith:\n" + config_.text());
}

bool Weir::start(const std::string& program, const ProgramOptions& options) {
  write_file(file_, config_.text());
  program_ = std::make_unique<Program>(program, std::vector<std::string>{"run", "-c", file_}, options);
  auto ready = [this] { return connect_to(config_.admin) && admin_get("/readyz").status == 200; };
  wait_until([&] { return ready() || !program_->running(); }, kPatience * 2);
  return program_->running() && ready();
}

Weir::~Weir() {
  if (!::testing::Test::HasFailure()) return;
  std::cerr << "---- weir's log ----\n" << log() << "---- its configuration ----\n" << config_.text() << "----\n";
}

std::string Weir::log() const { return program_->output() + program_->errors(); }

void Weir::reload(const ConfigText& config) {
  double before = metrics().sum("weir_config_reloads_total", {{"result", "ok"}});
  config_ = config;
  write_file(file_, config_.text());
  EXPECT_TRUE(wait_for_reloads("ok", before + 1)) << "the changed file was not loaded";
}

bool Weir::wait_for_reloads(const std::string& result, double count) {
  return wait_until([&] { return metrics().sum("weir_config_reloads_total", {{"result", result}}) >= count; });
}

Response Weir::admin_get(const std::string& target, const std::string& lines) {
  return fetch(config_.admin, get(target, "localhost", "Connection: close\r\n" + lines));
}

Metrics Weir::metrics() { return parse_metrics(admin_get("/metrics").body); }

}  // namespace weir::testing
