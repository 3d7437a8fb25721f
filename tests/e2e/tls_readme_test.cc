// The README's section "An HTTPS edge in front of two pools": its file is run as it stands there, with this machine's
// addresses and certificates of the test's own in place of those.
#include <map>

#include "tests/e2e/https_edge.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

std::string section() {
  const std::string readme = read_file(source_directory() + "/README.md");
  const size_t begin = readme.find("\n## An HTTPS edge in front of two pools\n");
  EXPECT_NE(begin, std::string::npos);
  return readme.substr(begin, readme.find("\n## ", begin + 5) - begin);
}

/// The first block of YAML, each of these pieces replaced; one that does not stand in it is a failure.
std::string file_of(const std::string& section, const std::vector<std::pair<std::string, std::string>>& pieces) {
  const size_t begin = section.find("```yaml\n") + 8;
  std::string text = section.substr(begin, section.find("```", begin) - begin);
  for (const auto& [piece, other] : pieces) {
    const size_t at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece << " does not stand in the README";
    if (at != std::string::npos) text.replace(at, piece.size(), other);
  }
  return text;
}

std::string port_of(const std::string& address) { return address.substr(address.rfind(':')); }

TEST(TlsReadme, ItsEdgeSendsToHttpsAndSplitsBetweenPlainAndSecuredEndpoints) {
  const Directory directory;
  Authority authority(directory.path()), internal(directory.path(), "internal");
  const auto ecdsa = authority.issue("ecdsa", {.names = {"shop.example"}});
  const auto rsa = authority.issue("rsa", {.names = {"shop.example"}, .key = KeyKind::rsa});
  const auto within_house = internal.issue("house", {.names = {"localhost"}});
  const TlsOptions secured{.chain = within_house.chain, .key = within_house.key};
  Origin old_a("old"), old_b("old");
  Origin new_a(ok("new"), "127.0.0.1:0", secured), new_b(ok("new"), "127.0.0.1:0", secured);

  const std::string host = own_loopback(), file = directory / "weir.yaml";
  const auto address = [&] { return fmt::format("{}:{}", host, free_port(host)); };
  const std::string http = address(), https = address(), admin = address();
  const std::string port = port_of(https).substr(1);
  write_file(file, file_of(section(), {{"0.0.0.0:80", http},
                                       {"redirect_to_https: 443", "redirect_to_https: " + port},
                                       {"0.0.0.0:443", https},
                                       {"/etc/letsencrypt/live/shop.example/fullchain.pem", ecdsa.chain},
                                       {"/etc/letsencrypt/live/shop.example/privkey.pem", ecdsa.key},
                                       {"/etc/weir/shop-rsa.pem", rsa.chain},
                                       {"/etc/weir/shop-rsa.key", rsa.key},
                                       {"127.0.0.1:9901", admin},
                                       {"10.0.0.1:8080", old_a.address()},
                                       {"10.0.0.2:8080", old_b.address()},
                                       {"shop-a.internal:8443", "localhost" + port_of(new_a.address())},
                                       {"shop-b.internal:8443", "localhost" + port_of(new_b.address())},
                                       {"/etc/weir/internal-ca.pem", internal.ca()}}));
  const Finished check = run(weir_program(), {"check", "-c", file});
  EXPECT_EQ(check.code, 0) << check.errors;
  const Program weir(weir_program(), {"run", "-c", file});
  const auto ready = [&] { return connect_to(admin) && fetch(admin, get("/readyz", "localhost")).status == 200; };
  ASSERT_TRUE(wait_until(ready)) << weir.errors();

  EXPECT_EQ(fetch(http, get("/cart?full=1")).fields.get("Location"),
            fmt::format("https://shop.example:{}/cart?full=1", port));
  TlsOptions visitor{.ca = authority.ca(), .server_name = "shop.example"};
  Client client(https, {.tls = visitor});
  EXPECT_EQ(client.wire().tls()->peer_key(), "EC");
  std::map<std::string, int> met;
  for (int user = 0; user < 200; ++user) {
    client.send(get("/", "shop.example", fmt::format("Cookie: uid=user-{}\r\n", user)));
    const Response response = client.receive();
    ++met[response.body];
    EXPECT_EQ(response.fields.get("Strict-Transport-Security"), "max-age=31536000");
  }
  EXPECT_EQ(met["old"] + met["new"], 200) << weir.errors();
  EXPECT_GT(met["new"], 0);
  EXPECT_GT(met["old"], met["new"]);
  visitor.max_version = "1.2";
  visitor.ciphers = "ECDHE-RSA-AES128-GCM-SHA256";
  EXPECT_EQ(Client(https, {.tls = visitor}).wire().tls()->peer_key(), "RSA");
}

}  // namespace
}  // namespace weir::testing
