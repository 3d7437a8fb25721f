// Hooks of a rollout over TLS: whom weir believes, and what it says where it does not.
#include "tests/e2e/rolled_out.h"
#include "tests/support/authority.h"

namespace weir::testing {
namespace {

/// A rollout with hooks, of a weir that believes the test's authority as a system's.
class Believing : public RolledOut {
 public:
  explicit Believing(const std::string& hooks)
      : RolledOut("{ stages: [50%, 100%], hold: 1h, warmup: 0s, judge: { metrics: [errors] }, hooks: [" + hooks +
                  "] }") {}
  void believe(const Authority& authority) {
    restart_with(weir->config(), SIGKILL, {.environment = {{"SSL_CERT_FILE", authority.ca()}}});
  }
  double calls(const char* result) {
    return weir->metrics().sum("weir_rollout_hook_calls_total", {{"service", "shop"}, {"result", result}});
  }
};

/// An origin that shows this certificate.
class Shown : public Origin {
 public:
  explicit Shown(const CertificateFiles& files, Script script = ok(""))
      : Origin(std::move(script), "127.0.0.1:0", TlsOptions{.chain = files.chain, .key = files.key}) {}
  std::string url(const std::string& more = "") const {
    return fmt::format("{{ url: \"https://{}\"{} }}", address(), more);
  }
};

TEST(HooksOverTls, AreToldWhereTheCertificateHolds) {
  Directory directory;
  Authority authority(directory.path());
  const Shown hook(authority.issue("hook", {.names = {"127.0.0.1"}}));
  Believing shop(hook.url());
  shop.believe(authority);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_EQ(shop.tell("pause").status, 200);
  ASSERT_TRUE(wait_until([&] { return shop.calls("ok") == 2; })) << shop.weir->log();
  ASSERT_EQ(hook.complete_requests(), 2u);
  EXPECT_NE(hook.requests().front().body.find("start of new at 50%"), std::string::npos);
}

TEST(HooksOverTls, AreToldNothingWhereItDoesNotAndTheLogSaysWhy) {
  Directory directory;
  Authority authority(directory.path()), stranger(directory.path(), "stranger");
  const Shown unknown(stranger.issue("unknown", {.names = {"127.0.0.1"}}));
  const Shown misnamed(authority.issue("misnamed", {.names = {"hooks.example"}}));
  const Shown expired(authority.issue("expired", {.names = {"127.0.0.1"}, .from_days = -9, .to_days = -2}));
  Origin plain(raw("HTTP/1.1 400 Speak plainly\r\nContent-Length: 0\r\n\r\n"));
  const std::string gone = local_address(listen_on("127.0.0.1:0"));
  Believing shop(fmt::format("{}, {}, {}, {{ url: \"https://{}\" }}, {{ url: \"https://{}\" }}", unknown.url(),
                             misnamed.url(), expired.url(), plain.address(), gone));
  shop.believe(authority);
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(wait_until([&] { return shop.calls("failed") == 5; })) << shop.weir->log();
  for (const char* said :
       {"was not told of stage: TLS: certificate verify failed: unable to get local issuer",
        "certificate verify failed: IP address mismatch", "certificate verify failed: certificate has expired",
        "was not told of stage: TLS was not agreed upon", "was not told of stage: Connection refused"}) {
    EXPECT_NE(shop.weir->log().find(said), std::string::npos) << said << " in\n" << shop.weir->log();
  }
  EXPECT_EQ(unknown.complete_requests() + misnamed.complete_requests() + expired.complete_requests(), 0u);
  EXPECT_EQ(shop.state(), "holding");
}

TEST(HooksOverTls, WhoseHandshakeNeverEndsAreWaitedForByNobody) {
  Directory directory;
  Authority authority(directory.path());
  const Shown hangs(authority.issue("hook", {.names = {"127.0.0.1"}}), never());
  const Socket mute = listen_on("127.0.0.1:0");
  Believing shop(
      fmt::format("{}, {{ url: \"https://{}\", timeout: 1h }}", hangs.url(", timeout: 1h"), local_address(mute)));
  shop.believe(authority);
  shop.break_new();
  ASSERT_EQ(shop.tell("start").status, 200);
  ASSERT_TRUE(hangs.wait_for_requests(1));
  const Crowd crowd(shop.weir->edge(), 300);
  ASSERT_TRUE(shop.reaches("rolled_back"));
  EXPECT_EQ(shop.share(), "0%");
  EXPECT_EQ(shop.calls("ok") + shop.calls("failed"), 0) << "the first call of each still hangs";
}

}  // namespace
}  // namespace weir::testing
