#include "routing/path.h"

#include <gtest/gtest.h>

namespace weir::routing {
namespace {

std::string normal(std::string_view path) {
  std::string scratch;
  return std::string(normalise_path(path, scratch));
}

struct Case {
  std::string_view path, normal;
};

TEST(Path, IsDecodedOnceResolvedAndMerged) {
  const Case cases[] = {
      {"/", "/"},
      {"", "/"},
      {"*", "*"},
      {"/a/b", "/a/b"},
      {"/a/b/", "/a/b/"},
      {"//a///b", "/a/b"},
      {"//", "/"},
      {"/a//", "/a/"},
      {"/./a", "/a"},
      {"/a/.", "/a/"},
      {"/a/./b", "/a/b"},
      {"/a/..", "/"},
      {"/a/../b", "/b"},
      {"/a/b/../../c", "/c"},
      {"/..", "/"},
      {"/../../etc", "/etc"},
      {"/a/b/..", "/a/"},
      {"/a//../b", "/b"},
      {"/.well-known/x", "/.well-known/x"},
      {"/...", "/..."},
      {"/a/..b", "/a/..b"},
      {"/%61dmin", "/admin"},
      {"/%2e%2E/x", "/x"},
      {"/a/%2e%2e/b", "/b"},
      {"/a%2Fb", "/a%2Fb"},
      {"/a%2fb", "/a%2Fb"},
      {"/a%2F..%2Fb", "/a%2F..%2Fb"},
      {"/%252e%252e/x", "/%2e%2e/x"},
      {"/100%", "/100%"},
      {"/%zz/%4", "/%zz/%4"},
      {"/%e2%82%ac", "/\xe2\x82\xac"},
      {"/a%20b", "/a b"},
  };
  for (const Case& c : cases) EXPECT_EQ(normal(c.path), c.normal) << c.path;
}

TEST(Path, IsNotCopiedWhereNothingIsToDo) {
  const std::string path = "/assets/app.js";
  std::string scratch;
  EXPECT_EQ(normalise_path(path, scratch).data(), path.data());
}

TEST(Path, NormalisingIsIdempotentUnlessAPercentWasEncoded) {
  for (const std::string_view path : {"/a/./b//c/../d/", "/%61/%2e/b%2Fc", "/../x//"}) {
    EXPECT_EQ(normal(normal(path)), normal(path)) << path;
  }
}

TEST(PathPrefix, EndsWhereASegmentEnds) {
  EXPECT_TRUE(under_prefix("/api", "/api"));
  EXPECT_TRUE(under_prefix("/api/", "/api"));
  EXPECT_TRUE(under_prefix("/api/v1", "/api"));
  EXPECT_FALSE(under_prefix("/apix", "/api"));
  EXPECT_FALSE(under_prefix("/ap", "/api"));
  EXPECT_TRUE(under_prefix("/anything", ""));
}

TEST(PathPrefix, IsNormalisedAsPathsAreAndLosesItsSlash) {
  EXPECT_EQ(normalise_prefix("/"), "");
  EXPECT_EQ(normalise_prefix(""), "");
  EXPECT_EQ(normalise_prefix("/api/"), "/api");
  EXPECT_EQ(normalise_prefix("/%61pi//v1"), "/api/v1");
}

}  // namespace
}  // namespace weir::routing
