#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "proxy/metrics/process.h"
#include "proxy/metrics/prometheus.h"

namespace weir::metrics {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

Names names() {
  Names names;
  names.decided_by = {"rule", "split", "without_key", "override", "fallback"};
  names.errors = {"connection_refused", "", "http_response_timeout"};
  names.retry_results = {"served", "failed"};
  names.connect_results = {"ok", "refused", "timeout", "error"};
  names.reject_reasons = {"limit"};
  names.rejected_codes = {"400", "404"};
  return names;
}

Facts facts() {
  Facts facts;
  facts.version = "0.1.0";
  facts.compiler = "g++ 12";
  facts.config_hash = "00ff00ff00ff00ff";
  facts.reloads = {{"success", 3}, {"failure", 1}};
  facts.splits = {{"shop", "old", 0.9}, {"shop", "new", 0.1}};
  facts.revisions = {{"shop", 4}};
  facts.split_changes = {{"shop", "file", 3}};
  facts.endpoints = {{"shop", "old", "127.0.0.1:9001", true}, {"shop", "new", "[::1]:9002", false}};
  facts.process = read_process_usage();
  return facts;
}

/// Series -> value, of a rendered page.
std::map<std::string, double> samples(const std::string& page) {
  std::map<std::string, double> found;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    const auto blank = line.rfind(' ');
    if (!line.empty() && line[0] != '#') found[line.substr(0, blank)] = std::stod(line.substr(blank + 1));
  }
  return found;
}

struct Verdict {
  int status = -1;
  std::string said;
};

/// What `promtool check metrics` says of a page.
Verdict promtool(const std::string& page) {
  std::string path = ::testing::TempDir() + "weir_page_XXXXXX";
  const int descriptor = mkstemp(path.data());
  if (descriptor < 0) return {};
  close(descriptor);
  std::ofstream(path) << page;
  FILE* pipe = popen(("promtool check metrics < '" + path + "' 2>&1").c_str(), "r");
  if (pipe == nullptr) return {};
  Verdict verdict;
  char buffer[512];
  while (fgets(buffer, sizeof buffer, pipe) != nullptr) verdict.said += buffer;
  verdict.status = pclose(pipe);
  unlink(path.c_str());
  return verdict;
}

class PrometheusTest : public ::testing::Test {
 protected:
  std::string page() { return prometheus_page(registry_, facts()); }

  Registry registry_{2, names()};
  std::shared_ptr<VersionSeries> old_ = registry_.version("shop", "old");
  std::shared_ptr<VersionSeries> new_ = registry_.version("shop", "new");
  std::shared_ptr<ServiceSeries> shop_ = registry_.service("shop");
  std::shared_ptr<RuleSeries> staff_ = registry_.rule("shop", "staff");
  std::shared_ptr<ListenerSeries> edge_ = registry_.listener("edge");
};

TEST_F(PrometheusTest, PromtoolFindsNothingWrong) {
  auto& shard = old_->shard(1);
  shard.requests[2][kBySplit].add(12);
  shard.requests[0][4].add();
  shard.duration.record(3ms);
  shard.upstream_duration.record(2ms);
  shard.errors[2].add();
  edge_->shard(0).rejected_requests[1].add();
  const auto odd = registry_.version("a \"quoted\" \\ name\nof two lines", "Ω");
  const Verdict verdict = promtool(page());
  EXPECT_EQ(verdict.status, 0) << verdict.said;
  EXPECT_EQ(verdict.said, "");
}

TEST_F(PrometheusTest, PromtoolFindsNothingWrongBeforeTheFirstSnapshot) {
  Registry empty(1, names());
  const Verdict verdict = promtool(prometheus_page(empty, Facts{}));
  EXPECT_EQ(verdict.status, 0) << verdict.said;
  EXPECT_EQ(verdict.said, "");
}

TEST_F(PrometheusTest, PromtoolIsThereAndComplains) { EXPECT_NE(promtool("x_total{ 1\n").status, 0); }

TEST_F(PrometheusTest, RequestsAreSummedOverTheWorkers) {
  old_->shard(0).requests[2][kBySplit].add(40'000'000);
  old_->shard(1).requests[2][kBySplit].add(40'000'001);
  new_->shard(1).requests[0][0].add(1);
  const auto found = samples(page());
  EXPECT_EQ(found.at(R"(weir_requests_total{service="shop",version="old",code_class="2xx",decided_by="split"})"),
            80'000'001);
  EXPECT_EQ(found.at(R"(weir_requests_total{service="shop",version="new",code_class="none",decided_by="rule"})"), 1);
}

TEST_F(PrometheusTest, RatesOfAnswersAndFailuresAreDefinedFromTheStart) {
  const auto found = samples(page());
  EXPECT_EQ(found.at(R"(weir_requests_total{service="shop",version="new",code_class="2xx",decided_by="split"})"), 0);
  EXPECT_EQ(found.at(R"(weir_requests_total{service="shop",version="new",code_class="5xx",decided_by="split"})"), 0);
  EXPECT_THAT(page(), Not(HasSubstr(R"(code_class="3xx")")));
}

TEST_F(PrometheusTest, AnErrorIsToldOnceItHappened) {
  EXPECT_THAT(page(), Not(HasSubstr("weir_errors_total")));
  old_->shard(1).errors[2].add(3);
  EXPECT_EQ(samples(page()).at(R"(weir_errors_total{service="shop",version="old",error="http_response_timeout"})"), 3);
}

TEST_F(PrometheusTest, EveryOtherNumberOfAVersionIsTold) {
  auto& shard = new_->shard(0);
  shard.in_flight.add(2);
  shard.request_body_bytes.add(5'000'000'000);
  shard.response_body_bytes.add(7);
  shard.retries[1].add(3);
  shard.connects[0].add(4);
  shard.connections_active.add(5);
  shard.connections_idle.add(6);
  const auto found = samples(page());
  EXPECT_EQ(found.at(R"(weir_requests_in_flight{service="shop",version="new"})"), 2);
  EXPECT_EQ(found.at(R"(weir_request_body_bytes_total{service="shop",version="new"})"), 5e9);
  EXPECT_EQ(found.at(R"(weir_response_body_bytes_total{service="shop",version="new"})"), 7);
  EXPECT_EQ(found.at(R"(weir_upstream_retries_total{service="shop",version="new",result="failed"})"), 3);
  EXPECT_EQ(found.at(R"(weir_upstream_connects_total{service="shop",version="new",result="ok"})"), 4);
  EXPECT_EQ(found.at(R"(weir_upstream_connections{service="shop",version="new",state="active"})"), 5);
  EXPECT_EQ(found.at(R"(weir_upstream_connections{service="shop",version="new",state="idle"})"), 6);
}

TEST_F(PrometheusTest, RulesListenersAndWorkersAreTold) {
  staff_->shard(0).hits.add(2);
  staff_->shard(1).hits.add(3);
  shop_->shard(1).oversized_subjects.add(8);
  edge_->shard(0).connections.add(4);
  edge_->shard(1).connections.sub(1);
  edge_->shard(1).connections_total.add(9);
  edge_->shard(1).connections_rejected[0].add(2);
  edge_->shard(0).rejected_requests[1].add(6);
  registry_.worker(1).access_log_dropped.add(11);
  const auto found = samples(page());
  EXPECT_EQ(found.at(R"(weir_rule_hits_total{service="shop",rule="staff"})"), 5);
  EXPECT_EQ(found.at(R"(weir_regex_subjects_oversized_total{service="shop"})"), 8);
  EXPECT_EQ(found.at(R"(weir_connections{listener="edge"})"), 3);
  EXPECT_EQ(found.at(R"(weir_connections_total{listener="edge"})"), 9);
  EXPECT_EQ(found.at(R"(weir_connections_rejected_total{listener="edge",reason="limit"})"), 2);
  EXPECT_EQ(found.at(R"(weir_rejected_requests_total{listener="edge",code="404"})"), 6);
  EXPECT_EQ(found.count(R"(weir_rejected_requests_total{listener="edge",code="400"})"), 0u);
  EXPECT_EQ(found.at("weir_access_log_dropped_total"), 11);
}

TEST_F(PrometheusTest, FactsAreTold) {
  const auto found = samples(page());
  EXPECT_EQ(found.at(R"(weir_split_ratio{service="shop",version="new"})"), 0.1);
  EXPECT_EQ(found.at(R"(weir_split_revision{service="shop"})"), 4);
  EXPECT_EQ(found.at(R"(weir_split_changes_total{service="shop",source="file"})"), 3);
  EXPECT_EQ(found.at(R"(weir_endpoint_up{service="shop",version="old",endpoint="127.0.0.1:9001"})"), 1);
  EXPECT_EQ(found.at(R"(weir_endpoint_up{service="shop",version="new",endpoint="[::1]:9002"})"), 0);
  EXPECT_EQ(found.at(R"(weir_config_info{hash="00ff00ff00ff00ff"})"), 1);
  EXPECT_EQ(found.at("weir_config_last_reload_successful"), 1);
  EXPECT_EQ(found.at(R"(weir_config_reloads_total{result="failure"})"), 1);
  EXPECT_EQ(found.at(R"(weir_build_info{version="0.1.0",compiler="g++ 12"})"), 1);
  EXPECT_EQ(found.at("weir_draining"), 0);
}

TEST_F(PrometheusTest, HistogramBucketsGrowTowardsTheCount) {
  for (int i = 1; i <= 1000; ++i) {
    old_->shard(i % 2).duration.record(i * 100us);
    old_->shard(i % 2).duration.record(10min);
  }
  const std::string text = page();
  std::istringstream lines(text);
  const std::string start = R"(weir_request_duration_seconds_bucket{service="shop",version="old",le=")";
  std::vector<double> counts;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(start)) counts.push_back(std::stod(line.substr(line.rfind(' '))));
  }
  ASSERT_GT(counts.size(), 10u);
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end()));
  const auto found = samples(text);
  const std::string labels = R"({service="shop",version="old"})";
  EXPECT_EQ(counts.back(), found.at("weir_request_duration_seconds_count" + labels));
  EXPECT_EQ(counts.back(), 2000);
  EXPECT_NEAR(found.at("weir_request_duration_seconds_sum" + labels), 50.05 + 600'000, 1e-6);
  EXPECT_NEAR(found.at(start + R"(0.05"})"), 500, 10);
  EXPECT_EQ(found.at(start + R"(60"})"), 1000);
}

TEST(Process, TellsWhatTheKernelSays) {
  const ProcessUsage usage = read_process_usage();
  EXPECT_GT(usage.cpu_seconds, 0);
  EXPECT_GT(usage.resident_bytes, 1'000'000u);
  EXPECT_GE(usage.virtual_bytes, usage.resident_bytes);
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_LT(usage.start_time_seconds, now + 1);
  EXPECT_GT(usage.start_time_seconds, now - 3600);
  const int descriptor = dup(0);
  EXPECT_EQ(read_process_usage().open_fds, usage.open_fds + 1);
  close(descriptor);
}

}  // namespace
}  // namespace weir::metrics
