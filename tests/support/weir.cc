#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "tests/support/client.h"
#include "tests/support/peer.h"
#include "tests/support/proxy.h"
#include "tests/support/tls_addresses.h"

namespace weir::testing {
namespace {

constexpr int kStarts = 5;

/// The kernel may name the same port twice in a row: `taken` is the one chosen before.
std::string chosen_address(const std::string& taken = "") {
  std::string host = own_loopback();
  std::string address;
  do {
    address = fmt::format("{}:{}", host, free_port(host));
  } while (address == taken);
  return address;
}

bool speaks_tls(const std::vector<std::string>& lines) {
  return std::ranges::any_of(lines, [](const std::string& line) { return line.starts_with("tls:"); });
}

}  // namespace

std::string peer() {
  const char* name = std::getenv("WEIR_E2E_PEER");
  return name == nullptr || *name == '\0' ? "weir" : name;
}

std::unique_ptr<Proxy> start_proxy(const std::string& weir_program, const ConfigText& config) {
  if (peer() == "nginx") return std::make_unique<Peer>(nginx(), config);
  if (peer() == "haproxy") return std::make_unique<Peer>(haproxy(), config);
  return std::make_unique<Weir>(weir_program, config);
}

Weir::Weir(const std::string& program, ConfigText config, ProgramOptions options)
    : config_(std::move(config)), file_(directory_ / "weir.yaml") {
  bool choose_edge = config_.edge.empty(), choose_admin = config_.admin.empty();
  for (int i = 0; i < kStarts; ++i) {
    if (choose_edge) {
      config_.edge = chosen_address(config_.admin);
      forget_tls_address(config_.edge);  // one that was named before a test began, it may be
    }
    if (everything_over_tls()) {
      if (!speaks_tls(config_.listener) && !config_.edge.empty()) config_.listener.push_back(listener_tls_line());
      note_tls_address(config_.edge);
    }
    if (choose_admin) config_.admin = chosen_address(config_.edge);
    if (speaks_tls(config_.admin_lines)) {
      note_chosen_tls_address(config_.admin);
    } else {
      forget_tls_address(config_.admin);  // the edge of an earlier weir, it may be, or the admin of a later one
    }
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
  reload(config, [this](const std::string& text) { write_file(file_, text); });
}

void Weir::reload(const ConfigText& config, const std::function<void(const std::string& text)>& change) {
  std::string before = config_hash();
  config_ = config;
  change(config_.text());
  EXPECT_TRUE(wait_until([&] { return config_hash() != before; })) << "the changed file was not loaded";
}

std::string Weir::config_hash() {
  for (const auto& [series, value] : metrics().values)
    if (series.name == "weir_config_info" && value == 1) return series.labels.at("hash");
  return "";
}

Response Weir::admin_get(const std::string& target, const std::string& lines) {
  return fetch(config_.admin, get(target, "localhost", "Connection: close\r\n" + lines));
}

Metrics Weir::metrics() { return parse_metrics(admin_get("/metrics").body); }

}  // namespace weir::testing
