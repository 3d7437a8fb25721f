#include "routing/region.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "tests/routing/given.h"
#include "tests/routing/mmdb_writer.h"

namespace weir::routing {
namespace {

/// A country database, removed at the end.
class Countries {
 public:
  Countries() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-countries-XXXXXX").string();
    const int file = mkstemp(pattern.data());
    close(file);
    path = pattern;
    MmdbWriter writer;
    writer.add("192.0.2.0/24", "NZ");
    writer.add("198.51.100.128/25", "AU");
    writer.add("2001:db8:1::/48", "DE");
    writer.write(path);
  }
  ~Countries() { std::remove(path.c_str()); }
  std::string path;
};

config::RegionSource header_source(std::string name) { return {std::move(name), "", {}, {}}; }
config::RegionSource mmdb_source(std::string path) { return {"", std::move(path), {"country", "iso_code"}, {}}; }

std::string region(const Regions& regions, const Request& request) {
  const RequestView view = request.view();
  return std::string(regions.find(view));
}

TEST(Regions, AnMmdbKnowsBothFamilies) {
  const Countries countries;
  const auto regions = *Regions::open({mmdb_source(countries.path)});
  EXPECT_EQ(region(*regions, from("192.0.2.200")), "NZ");
  EXPECT_EQ(region(*regions, from("198.51.100.129")), "AU");
  EXPECT_EQ(region(*regions, from("198.51.100.127")), "ZZ");
  EXPECT_EQ(region(*regions, from("2001:db8:1:ffff::1")), "DE");
  EXPECT_EQ(region(*regions, from("2001:db8:2::1")), "ZZ");
}

TEST(Regions, AFieldThatIsNotThereIsNoAnswer) {
  const Countries countries;
  config::RegionSource source = mmdb_source(countries.path);
  source.field = {"continent", "code"};
  EXPECT_EQ(region(**Regions::open({source}), from("192.0.2.200")), "ZZ");
  source.field = {"country"};
  EXPECT_EQ(region(**Regions::open({source}), from("192.0.2.200")), "ZZ") << "a map is no text";
}

TEST(Regions, AHeaderIsBelievedOnlyFromATrustedProxy) {
  const auto regions = *Regions::open({header_source("CF-IPCountry")});
  Request request = with_header("cf-ipcountry", "NZ");
  EXPECT_EQ(region(*regions, request), "ZZ");
  request.trusted = true;
  EXPECT_EQ(region(*regions, request), "NZ");
}

TEST(Regions, TheFirstSourceThatAnswersHolds) {
  const Countries countries;
  const auto regions = *Regions::open({header_source("CF-IPCountry"), mmdb_source(countries.path)});
  Request request = with_header("CF-IPCountry", "FR");
  request.client = "192.0.2.1";
  EXPECT_EQ(region(*regions, request), "NZ");
  request.trusted = true;
  EXPECT_EQ(region(*regions, request), "FR");
  request.headers[0].second = "";
  EXPECT_EQ(region(*regions, request), "NZ");
}

TEST(Regions, AFileThatCannotBeReadIsAProblemAtItsPlace) {
  config::RegionSource missing = mmdb_source("/nowhere/country.mmdb"), wrong = mmdb_source("/etc/passwd");
  missing.where = {"weir.yaml", 3, 5};
  wrong.where = {"weir.yaml", 4, 5};
  const auto regions = Regions::open({missing, wrong});
  ASSERT_FALSE(regions);
  ASSERT_EQ(regions.problems().size(), 2u);
  EXPECT_TRUE(
      regions.problems()[0].text().starts_with("weir.yaml:3:5: regions: cannot read \"/nowhere/country.mmdb\": "))
      << regions.problems()[0].text();
  EXPECT_EQ(regions.problems()[1].where.line, 4);
}

TEST(RegionCondition, ComparesWithoutCaseAndKnowsZZ) {
  const Countries countries;
  config::Service service = shop(0);
  config::Conditions south, unknown;
  south.regions = {"nz", "AU"};
  unknown.regions = {"zz"};
  service.rules = {send_rule("south", south, "new"), send_rule("unknown", unknown, "old")};
  config::Config config = config_of({service});
  config.regions = {mmdb_source(countries.path)};
  const auto snapshot = compiled(config);
  EXPECT_EQ(decide_for(*snapshot, from("192.0.2.1")).rule, 0u);
  EXPECT_EQ(decide_for(*snapshot, from("2001:db8:1::1")).rule, kNone);
  EXPECT_EQ(decide_for(*snapshot, from("203.0.113.1")).rule, 1u);
}

TEST(RegionCondition, WithoutSourcesEverybodyIsInZZ) {
  config::Service service = shop(0);
  config::Conditions unknown;
  unknown.regions = {"ZZ"};
  service.rules = {send_rule("unknown", unknown, "new")};
  EXPECT_EQ(decide_for(*compiled(service), Request{}).rule, 0u);
}

}  // namespace
}  // namespace weir::routing
