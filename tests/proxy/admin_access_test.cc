#include <gtest/gtest.h>

#include <string>

#include "proxy/admin/access.h"
#include "tests/support/files.h"

namespace weir::admin {
namespace {

config::Admin admin_at(const std::string& address) {
  config::Admin admin;
  admin.address = *config::parse_address(address);
  return admin;
}

Request asking(const std::string& host) {
  Request request;
  request.method = "GET";
  request.target = "/metrics";
  request.hosts = {host};
  return request;
}

unsigned status_for(const config::Admin& admin, const Request& request) {
  const auto refusal = Access(admin, "").refuse_origin(request, std::nullopt);
  return refusal ? refusal->status : 200;
}

TEST(Access, AHostIsReadWithoutPortCaseAndTrailingDot) {
  EXPECT_EQ(host_of("LocalHost:9901"), "localhost");
  EXPECT_EQ(host_of("admin.example."), "admin.example");
  EXPECT_EQ(host_of("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(host_of("[::1]:9901"), "::1");
  for (const char* malformed : {"", ":", "a b", "user@localhost", "localhost:80:80", "localhost:x", "[::1", "[::1]x",
                                "[localhost]", "::1", "a/b", "."}) {
    EXPECT_EQ(host_of(malformed), std::nullopt) << malformed;
  }
}

TEST(Access, OnlyKnownNamesAndIpLiteralsAreHosts) {
  config::Admin admin = admin_at("weir.internal:9901");
  admin.hosts = {"Ops.Example"};
  for (const char* known : {"localhost", "localhost:1", "weir.internal:9901", "ops.example", "10.1.2.3:9901",
                            "[2001:db8::1]:9901", "127.0.0.1"}) {
    EXPECT_EQ(status_for(admin, asking(known)), 200u) << known;
  }
  for (const char* foreign :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "2130706433", "xlocalhost"}) {
    EXPECT_EQ(status_for(admin, asking(foreign)), 403u) << foreign;
  }
}

TEST(Access, AHostThatIsMissingTwiceOrMalformedIsABadRequest) {
  const auto admin = admin_at("127.0.0.1:9901");
  Request none = asking("");
  none.hosts.clear();
  EXPECT_EQ(status_for(admin, none), 400u);
  none.http_1_0 = true;
  EXPECT_EQ(status_for(admin, none), 200u);
  Request twice = asking("localhost");
  twice.hosts.push_back("localhost");
  EXPECT_EQ(status_for(admin, twice), 400u);
  EXPECT_EQ(status_for(admin, asking("a b")), 400u);
}

TEST(Access, AForeignOriginIsRefusedAndOnesOwnIsNot) {
  const auto admin = admin_at("127.0.0.1:9901");
  const auto from = [&](const std::string& origin) {
    Request request = asking("localhost:9901");
    request.origins = {origin};
    return status_for(admin, request);
  };
  EXPECT_EQ(from("http://localhost:9901"), 200u);
  EXPECT_EQ(from("https://LOCALHOST:9901"), 200u);
  for (const char* foreign : {"null", "", "http://localhost", "http://localhost:3000", "http://127.0.0.1:9901",
                              "https://evil.example", "ftp://localhost:9901", "http://localhost:9901.evil.example"}) {
    EXPECT_EQ(from(foreign), 403u) << foreign;
  }
  Request both = asking("localhost:9901");
  both.origins = {"http://localhost:9901", "http://evil.example"};
  EXPECT_EQ(status_for(admin, both), 403u);
}

TEST(Access, TheAuthorityOfATargetReplacesTheHost) {
  const Access access(admin_at("127.0.0.1:9901"), "");
  EXPECT_TRUE(access.refuse_origin(asking("localhost"), "evil.example"));
  EXPECT_FALSE(access.refuse_origin(asking("evil.example"), "localhost"));
}

TEST(Access, OnlyTheWholeTokenOpens) {
  const Access access(admin_at("127.0.0.1:9901"), "s3cret");
  const auto opens = [&](const std::vector<std::string>& authorizations) {
    Request request = asking("localhost");
    request.authorizations = authorizations;
    const auto refusal = access.refuse_stranger(request);
    return !refusal || refusal->status != 401u;
  };
  EXPECT_TRUE(opens({"Bearer s3cret"}));
  EXPECT_TRUE(opens({"bearer s3cret"}));
  EXPECT_FALSE(opens({}));
  for (const char* wrong : {"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret ", "Bearer s3crets3cret",
                            "Bearer S3cret", "Basic s3cret", "s3cret"}) {
    EXPECT_FALSE(opens({wrong})) << wrong;
  }
  EXPECT_FALSE(opens({"Bearer s3cret", "Bearer s3cret"}));
}

TEST(Access, ATokenFileHoldsTheTokenAndItsLineEnd) {
  const testing::Directory directory;
  config::Admin admin = admin_at("127.0.0.1:9901");
  EXPECT_EQ(*read_token(admin), "");
  admin.token_file = directory / "token";
  testing::write_file(admin.token_file, "s3cret\r\n");
  EXPECT_EQ(*read_token(admin), "s3cret");
}

TEST(Access, ATokenFileThatGuardsNothingIsAProblem) {
  const testing::Directory directory;
  config::Admin admin = admin_at("127.0.0.1:9901");
  for (const char* name : {"missing", "empty", ""}) {
    testing::write_file(directory / "empty", "\n");
    admin.token_file = directory / name;
    const auto token = read_token(admin);
    ASSERT_FALSE(token) << name;
    EXPECT_NE(token.problems().at(0).what.find(admin.token_file), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::admin
