// Shares changed under load: the answer is the moment from which they hold everywhere, and nobody else notices.
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "tests/e2e/operated.h"

namespace weir::testing {
namespace {

namespace json = boost::json;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kChanges = 200;
#else
constexpr int kChanges = 1000;
#endif

int soak_seconds() {
  const char* const asked = std::getenv("WEIR_SOAK_SECONDS");
  return asked == nullptr ? 5 : std::atoi(asked);
}

double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
}

/// Switches, then sends back whatever comes.
void tunnel(Turn& turn) {
  turn.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
  for (std::string bytes = turn.read_bytes(1); !bytes.empty(); bytes = turn.read_bytes(1))
    if (!turn.send(bytes)) break;
  turn.close();
}

Client upgraded(const std::string& address, const std::string& lines = "") {
  Client client(address);
  client.send(get("/tunnel", "shop.example", "Connection: Upgrade\r\nUpgrade: x\r\n" + lines));
  EXPECT_EQ(client.receive_head().status, 101);
  return client;
}

/// A client that sends one request after the other, each with the revision that was answered last before it began.
struct Caller {
  long served = 0, failed = 0;
  void run(const std::string& edge, int number, const std::atomic<int64_t>& answered, const std::atomic<bool>& done) {
    Client client(edge);
    for (int i = 0; !done; ++i) {
      const std::string user = fmt::format("Cookie: uid={}-{}\r\n", number, i % 50);
      const bool sent = client.send(get(fmt::format("/after/{}", answered.load()), "shop.example", user));
      ++(sent && client.receive().status == 200 ? served : failed);
    }
  }
};

TEST(SplitChange, AThousandUnderLoadHoldFromTheirAnswersOnAndFailNoRequest) {
  Directory logs;
  Operated shop({.workers = 2, .top = {fmt::format("access_log: {{ path: {} }}", logs / "access.log")}});
  shop.old_origin.on("/tunnel", tunnel);
  std::atomic<bool> download_ends{false};
  shop.old_origin.on("/download", [&](Turn& turn) {
    turn.read_body();
    turn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!download_ends && turn.send("5\r\nhello\r\n")) std::this_thread::sleep_for(Duration(5));
    turn.send("0\r\n\r\n");
  });
  Client download(shop.weir->edge());
  download.send(get("/download"));
  Response downloaded = download.receive_head();
  Client tunnelled = upgraded(shop.weir->edge());
  shop.old_origin.forget();
  shop.new_origin.forget();

  std::atomic<int64_t> answered{1};
  std::atomic<bool> done{false};
  std::vector<Caller> callers(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < callers.size(); ++i) {
    threads.emplace_back([&, i] { callers[i].run(shop.weir->edge(), static_cast<int>(i), answered, done); });
  }
  std::vector<double> took;
  Client admin(shop.weir->admin());
  for (int i = 1; i <= kChanges; ++i) {
    const auto begin = Clock::now();
    ASSERT_TRUE(admin.send(Operated::put_request(i % 2 == 1 ? "100%" : "0%")));
    const Response response = admin.receive("PUT");
    took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    ASSERT_EQ(response.status, 200) << response.body;
    answered = i + 1;
    if (i % 50 == 0) {
      tunnelled.send("ping");
      ASSERT_EQ(tunnelled.receive_bytes(4), "ping");
    }
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  download_ends = true;
  download.receive_body(downloaded);
  EXPECT_TRUE(downloaded.complete);
  EXPECT_EQ(downloaded.body.size() % 5, 0u);

  long served = 0;
  for (const Caller& caller : callers) {
    served += caller.served;
    EXPECT_EQ(caller.failed, 0);
  }
  EXPECT_EQ(shop.revision(), kChanges + 1);
  std::vector<std::string> lines;
  ASSERT_TRUE(wait_until([&] {
    lines.clear();
    std::istringstream text(read_file(logs / "access.log"));
    for (std::string line; std::getline(text, line);)
      if (line.find("\"/after/") != std::string::npos) lines.push_back(line);
    return static_cast<long>(lines.size()) >= served;
  }));
  int64_t highest = 0;
  for (const std::string& line : lines) {
    const json::value entry = json::parse(line);
    const int64_t decided_by = entry.at("revision").to_number<int64_t>();
    const int64_t before = std::stoll(std::string(entry.at("path").as_string()).substr(7));
    ASSERT_GE(decided_by, before) << line;
    ASSERT_EQ(entry.at("version").as_string(), decided_by % 2 == 0 ? "new" : "old") << line;
    highest = std::max(highest, before);
  }
  EXPECT_GT(highest, kChanges / 2) << "the load was there only at the beginning";
  fmt::print("{} changes beside {} requests: the call takes {:.2f} ms at p50, {:.2f} ms at p99\n", kChanges, served,
             percentile(took, 0.5), percentile(took, 0.99));
}

TEST(SplitChange, EightWritersAndEightReadersMakeASingleLineOfRevisions) {
  Operated shop({.workers = 2});
  const auto end = Clock::now() + std::chrono::seconds(soak_seconds());
  std::atomic<long> changes{0}, late{0}, wrong{0}, backwards{0};
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 8; ++writer) {
    threads.emplace_back([&, writer] {
      Client client(shop.weir->admin());
      std::string if_match = "*";
      for (int i = 0; Clock::now() < end; ++i) {
        client.send(Operated::put_request(fmt::format("{}.{:04}%", i % 100, writer + 1), if_match));
        const Response response = client.receive("PUT");
        ++(response.status == 200 ? changes : response.status == 412 ? late : wrong);
        // Half of them change only what they have seen.
        if (writer % 2 == 0 && response.fields.has("ETag")) if_match = response.fields.get("ETag");
      }
    });
  }
  for (int reader = 0; reader < 8; ++reader) {
    threads.emplace_back([&] {
      Client client(shop.weir->admin());
      int64_t last = 0;
      while (Clock::now() < end) {
        client.send(get("/api/v1/services/shop/split", "localhost"));
        const Response response = client.receive();
        if (response.status != 200) {
          ++wrong;
          return;
        }
        const int64_t revision = json::parse(response.body).at("revision").to_number<int64_t>();
        backwards += revision < last;
        last = revision;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(backwards, 0);
  EXPECT_GT(changes, 100);
  EXPECT_GT(late, 0);
  const json::array history = shop.history();
  const int64_t revision = shop.revision();
  // A writer's own share twice in a row is a repeat: no change.
  EXPECT_LE(revision, changes + 1);
  ASSERT_EQ(static_cast<int64_t>(history.size()), std::min<int64_t>(revision - 1, 10'000));
  for (size_t i = 0; i < history.size(); ++i) {
    ASSERT_EQ(history[i].at("revision").to_number<int64_t>(), revision - static_cast<int64_t>(i));
    if (i > 0) {
      ASSERT_EQ(history[i].at("after"), history[i - 1].at("before"));
    }
  }
  EXPECT_EQ(history[0].at("after"), shop.split().at("shares"));
  shop.restart();
  EXPECT_EQ(shop.history(), history);
  EXPECT_EQ(shop.split().at("shares"), history[0].at("after"));
}

TEST(SplitChange, ARollbackLeavesTunnelsAloneUnlessTheyAreToEnd) {
  Operated shop({.workers = 2, .share = "50%"});
  shop.old_origin.on("/tunnel", tunnel);
  shop.new_origin.on("/tunnel", tunnel);
  Client on_new = upgraded(shop.weir->edge(), "Cookie: uid=7f3a9c2e\r\n"), on_old = upgraded(shop.weir->edge());
  const auto echoes = [](Client& client) { return client.send("hello") && client.receive_bytes(5) == "hello"; };
  ASSERT_EQ(shop.post("rollback").status, 200);
  EXPECT_TRUE(echoes(on_new));
  ASSERT_EQ(shop.post("rollback", R"({"close_tunnels":"1s"})").status, 200);
  EXPECT_TRUE(echoes(on_new));
  EXPECT_TRUE(on_new.closed());
  EXPECT_TRUE(echoes(on_old));
}

TEST(SplitChange, TunnelsOfACandidateThatWasReopenedDoNotEnd) {
  Operated shop({.share = "50%"});
  shop.new_origin.on("/tunnel", tunnel);
  Client client = upgraded(shop.weir->edge(), "Cookie: uid=7f3a9c2e\r\n");
  ASSERT_EQ(shop.post("rollback", R"({"close_tunnels":"1s"})").status, 200);
  ASSERT_EQ(shop.post("reopen").status, 200);
  EXPECT_TRUE(client.silent_for(Duration(1500)));
}

TEST(SplitChange, MetricsTellRevisionAndSource) {
  Operated shop;
  ASSERT_EQ(shop.put("20%").status, 200);
  ASSERT_EQ(shop.put("20%").status, 200);
  ConfigText config = shop.weir->config();
  config.share = "30%";
  shop.weir->reload(config);
  const Metrics metrics = shop.weir->metrics();
  EXPECT_EQ(metrics.sum("weir_split_revision", {{"service", "shop"}}), 3);
  EXPECT_EQ(metrics.sum("weir_split_changes_total", {{"source", "api"}}), 1);
  EXPECT_EQ(metrics.sum("weir_split_changes_total", {{"source", "file"}}), 1);
}

}  // namespace
}  // namespace weir::testing
