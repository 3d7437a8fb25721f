#include <gtest/gtest.h>

#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/proxy/admin_running.h"
#include "tests/support/client.h"
#include "tests/support/files.h"

namespace weir::admin {
namespace {

using namespace std::chrono_literals;
using testing::Client;

class AdminServer : public ::testing::Test {
 protected:
  testing::Response ask(const std::string& request, const std::string& method = "GET") {
    return testing::fetch(running_.address, request, method);
  }

  Running running_{options_at("127.0.0.1:0")};
};

TEST_F(AdminServer, IsAlive) {
  const auto response = ask(get("/healthz"));
  EXPECT_EQ(response.status, 200) << response;
  EXPECT_EQ(response.body, "ok\n");
  EXPECT_TRUE(response.fault.empty()) << response.fault;
  EXPECT_TRUE(response.fields.has("date"));
}

TEST_F(AdminServer, SaysWhetherItIsReady) {
  EXPECT_EQ(ask(get("/readyz")).status, 200);
  running_.ready = false;
  EXPECT_EQ(ask(get("/readyz")).status, 503);
}

TEST_F(AdminServer, ServesThePageForPrometheus) {
  const auto response = ask(get("/metrics"));
  EXPECT_EQ(response.fields.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, running_.page);
}

TEST_F(AdminServer, ServesServices) {
  const auto response = ask(get("/api/v1/services/shop"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.get("content-type"), "application/json");
  EXPECT_EQ(response.body, *service_json(make_view(), "shop"));
}

TEST_F(AdminServer, AnswersHeadLikeGetWithoutTheBody) {
  Client client(running_.address);
  client.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = client.receive("HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.get("content-length"), std::to_string(running_.page.size()));
  client.send(get("/healthz"));
  EXPECT_EQ(client.receive().body, "ok\n");
}

TEST_F(AdminServer, KeepsAConnectionForManyRequests) {
  Client client(running_.address);
  for (int i = 0; i < 20; ++i) {
    client.send(get("/healthz"));
    ASSERT_EQ(client.receive().status, 200) << i;
  }
  client.send(get("/healthz") + get("/readyz") + get("/metrics"));
  EXPECT_EQ(client.receive().body, "ok\n");
  EXPECT_EQ(client.receive().body, "ready\n");
  EXPECT_EQ(client.receive().body, running_.page);
  client.send(get("/healthz", "Connection: close\r\n"));
  EXPECT_EQ(client.receive().fields.get("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST_F(AdminServer, SpeaksHttp10) {
  Client client(running_.address);
  client.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_TRUE(client.closed());
}

TEST_F(AdminServer, TakesARequestByteByByte) {
  Client client(running_.address);
  client.send_byte_by_byte(get("/healthz"));
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(AdminServer, RefusesForeignHostsAndOrigins) {
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n").status, 403);
  EXPECT_EQ(ask("GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 403);
  EXPECT_EQ(ask(get("/api/v1/services", "Origin: http://evil.example\r\n")).status, 403);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_EQ(ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").status, 400);
}

TEST_F(AdminServer, AsksForTheMethodsItKnows) {
  const auto response = ask("POST /api/v1/services HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", "POST");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.fields.get("allow"), "GET, HEAD");
}

TEST_F(AdminServer, ReadsABodyBeforeItAnswers) {
  Client client(running_.address);
  client.send("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive("POST").status, 400);
  client.send("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\n\r\n" + std::string(65536, 'x'));
  EXPECT_EQ(client.receive("POST").status, 400);
  client.send(get("/healthz"));
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(AdminServer, InvitesABodyThatWaitsToBe) {
  Client client(running_.address);
  client.send("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.receive_interim().status, 100);
  client.send("{}");
  EXPECT_EQ(client.receive("POST").status, 200);
}

TEST_F(AdminServer, ATrailerIsNoHeadField) {
  Client client(running_.address);
  client.send(
      "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nOrigin: http://evil.example\r\n\r\n");
  EXPECT_EQ(client.receive("POST").status, 200);
}

TEST_F(AdminServer, RefusesWhatIsTooLarge) {
  const auto head = ask(get("/healthz", "X-Long: " + std::string(20'000, 'x') + "\r\n"));
  EXPECT_EQ(head.status, 431) << head;
  const auto body = ask(
      "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n" + std::string(65'537, 'x'), "POST");
  EXPECT_EQ(body.status, 413) << body;
  std::string chunks = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 70; ++i) chunks += "400\r\n" + std::string(1024, 'x') + "\r\n";
  EXPECT_EQ(ask(chunks + "0\r\n\r\n", "POST").status, 413);
}

TEST_F(AdminServer, RefusesFramingWithTwoReadingsAndReadsNothingMore) {
  const std::string post = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\n";
  for (const char* lines :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "Transfer-Encoding: xchunked\r\n\r\n",
        "Transfer-Encoding: chunked, chunked\r\n\r\n", "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "Content-Length: 0, 0\r\n\r\n", "Content-Length: -1\r\n\r\n", "Transfer-Encoding : chunked\r\n\r\n"}) {
    Client client(running_.address);
    client.send(post + lines + get("/healthz"));
    EXPECT_EQ(client.receive("POST").status, 400) << lines;
    EXPECT_EQ(client.receive_all(), "") << lines;
  }
}

TEST_F(AdminServer, SurvivesWhatIsNoHttp) {
  for (const std::string& bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00", 7), std::string(1000, '\0'),
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), std::string("\r\n\r\n\r\nGET\r\n\r\n"),
        std::string("GET  / HTTP/1.1\r\n\r\n"), std::string("GET /healthz HTTP/9.9\r\n\r\n")}) {
    Client client(running_.address);
    client.send(bytes);
    client.finish();
    const std::string answer = client.receive_all();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ")) << answer;
  }
  for (size_t cut = 0; cut < get("/healthz").size(); ++cut) {
    Client client(running_.address);
    client.send(get("/healthz").substr(0, cut));
    client.reset();
  }
  EXPECT_EQ(ask(get("/healthz")).status, 200);
}

TEST_F(AdminServer, AClientMayFinishSendingBeforeTheAnswer) {
  Client client(running_.address);
  client.send(get("/healthz"));
  client.finish();
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(AdminServer, EndsConnectionsWhenItStops) {
  Client client(running_.address);
  client.send(get("/healthz"));
  EXPECT_EQ(client.receive().status, 200);
  running_.stop();
  EXPECT_TRUE(client.closed());
  EXPECT_FALSE(Client(running_.address).connected());
}

TEST(AdminLimits, AClientThatIsTooSlowIsDropped) {
  Options options = options_at("127.0.0.1:0");
  options.timeout = 100ms;
  Running running(options);
  Client silent(running.address), halfway(running.address), bodiless(running.address);
  halfway.send("GET /healthz HTTP/1.1\r\nHo");
  bodiless.send("POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc");
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(halfway.closed());
  EXPECT_TRUE(bodiless.closed());
  EXPECT_EQ(testing::fetch(running.address, get("/healthz")).status, 200);
}

TEST(AdminLimits, AClientThatDoesNotReadIsDropped) {
  Options options = options_at("127.0.0.1:0");
  options.timeout = 100ms;
  Running running(options);
  running.page.assign(64 * 1024 * 1024, 'x');
  testing::ConnectOptions small;
  small.receive_buffer = 4096;
  Client lazy(running.address, small);
  lazy.send(get("/metrics"));
  EXPECT_EQ(testing::fetch(running.address, get("/healthz")).status, 200);
  EXPECT_EQ(lazy.receive_head().status, 200);
  Client next(running.address);
  next.send(get("/healthz"));
  EXPECT_EQ(next.receive().status, 200);
  EXPECT_TRUE(next.closed());  // idle for the time-out, as long as the lazy one was
  EXPECT_LT(lazy.receive_all().size(), running.page.size());
}

TEST(AdminLimits, OnlySoManyConnectionsAreServedAtATime) {
  Options options = options_at("127.0.0.1:0");
  options.max_connections = 3;
  Running running(options);
  std::vector<std::unique_ptr<Client>> busy;
  for (int i = 0; i < 3; ++i) {
    busy.push_back(std::make_unique<Client>(running.address));
    busy.back()->send(get("/healthz"));
    ASSERT_EQ(busy.back()->receive().status, 200);
  }
  Client waiting(running.address);
  waiting.send(get("/healthz"));
  EXPECT_TRUE(waiting.silent_for(100ms));
  busy.pop_back();
  EXPECT_EQ(waiting.receive().status, 200);
}

TEST(AdminToken, GuardsTheApi) {
  const testing::Directory directory;
  testing::write_file(directory / "token", "s3cret\n");
  Options options = options_at("127.0.0.1:0");
  options.admin.token_file = directory / "token";
  Running running(options);
  const auto refused = testing::fetch(running.address, get("/api/v1/services"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.fields.get("www-authenticate"), "Bearer realm=\"weir\"");
  const auto let_in = testing::fetch(running.address, get("/api/v1/services", "Authorization: Bearer s3cret\r\n"));
  EXPECT_EQ(let_in.status, 200);
  EXPECT_EQ(testing::fetch(running.address, get("/metrics")).status, 200);
}

TEST(AdminToken, ThatCannotBeReadKeepsTheServerFromStarting) {
  Options options = options_at("127.0.0.1:0");
  options.admin.token_file = "/nonexistent/token";
  EXPECT_NE(Running(options).problem.find("/nonexistent/token"), std::string::npos);
}

TEST(AdminAddress, MayBeAName) {
  Running running(options_at("localhost:0"));
  EXPECT_EQ(testing::fetch(running.address, get("/healthz")).status, 200) << running.problem;
}

TEST(AdminAddress, ThatIsTakenIsAProblem) {
  Running first(options_at("127.0.0.1:0"));
  Running second(options_at(first.address));
  EXPECT_NE(second.problem.find("Address already in use"), std::string::npos) << second.problem;
  EXPECT_NE(second.problem.find(first.address), std::string::npos) << second.problem;
}

TEST(AdminUnix, ServesAndLeavesNothingBehind) {
  const testing::Directory directory;
  const std::string path = directory / "admin.sock";
  {
    Running running(options_at("unix:" + path));
    EXPECT_EQ(testing::fetch(running.address, get("/healthz")).status, 200) << running.problem;
    struct stat file {};
    ASSERT_EQ(stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777, 0660u);
  }
  struct stat file {};
  EXPECT_NE(stat(path.c_str(), &file), 0);
}

TEST(AdminUnix, ReplacesASocketThatNobodyAnswersOn) {
  const testing::Directory directory;
  const std::string address = "unix:" + (directory / "admin.sock");
  testing::listen_on(address).close();  // leaves the file
  Running running(options_at(address));
  EXPECT_EQ(running.problem, "");
  EXPECT_EQ(testing::fetch(address, get("/healthz")).status, 200);
}

TEST(AdminUnix, TakesNoSocketFromAnybody) {
  const testing::Directory directory;
  const std::string address = "unix:" + (directory / "admin.sock");
  Running first(options_at(address));
  EXPECT_NE(Running(options_at(address)).problem.find("somebody listens"), std::string::npos);
  EXPECT_EQ(testing::fetch(address, get("/healthz")).status, 200);
}

TEST(AdminUnix, TakesNoFileFromAnybody) {
  const testing::Directory directory;
  testing::write_file(directory / "precious", "data");
  EXPECT_NE(Running(options_at("unix:" + (directory / "precious"))).problem, "");
  EXPECT_EQ(testing::read_file(directory / "precious"), "data");
}

}  // namespace
}  // namespace weir::admin
