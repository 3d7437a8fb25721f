// What works but is probably not meant.
#include <gmock/gmock.h>

#include "config/parse.h"

namespace weir::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> told(const std::string& text) {
  const auto loaded = parse(text, "FILE");
  std::vector<std::string> lines;
  if (!loaded) {
    ADD_FAILURE() << loaded.problems().front().text();
    return lines;
  }
  for (const Problem& warning : loaded->warnings) lines.push_back(warning.text());
  return lines;
}

/// The warnings of a service of two versions with these lines, behind a listener with these.
std::vector<std::string> warnings_of(const std::string& service, const std::string& listener = "") {
  const std::string text = "listeners: [{ address: 127.0.0.1:8080" + listener +
                           " }]\n"
                           "services:\n"
                           "  - name: shop\n"
                           "    stable: old\n"
                           "    versions: { old: { endpoints: [127.0.0.1:1] }, new: { endpoints: [127.0.0.1:2] } }\n"
                           "    " +
                           service + "\n";
  return told(text);
}

TEST(Warnings, ACohortOfSeveralKeysMayMoveAUser) {
  EXPECT_THAT(
      warnings_of("cohort: { key: [cookie:uid, client_ip] }"),
      ElementsAre("FILE:6:20: shop has several cohort keys: a user whose key changes (at login, say) may change "
                  "version"));
  EXPECT_THAT(warnings_of("cohort: { key: [cookie:uid] }"), IsEmpty());
}

TEST(Warnings, AHeaderThatAnybodyCanSendIsAnOpenDoor) {
  const std::string staff = "rules: [{ name: staff, when: { header: { X-Staff: \"1\" } }, send: new }]";
  EXPECT_THAT(warnings_of(staff), ElementsAre("FILE:6:55: rule staff sends to new by the header X-Staff, which anybody "
                                              "can send; name it in trusted_headers of every listener"));
  EXPECT_THAT(warnings_of(staff, ", trusted_headers: [x-staff]"), IsEmpty());
  EXPECT_THAT(warnings_of(staff, ", trusted_headers: [X-Staff] }, { address: 127.0.0.1:8081"), ::testing::SizeIs(1))
      << "one listener lets it in";
}

TEST(Warnings, AHeaderThatLeadsToStableOrWithAnAddressIsNoOpenDoor) {
  EXPECT_THAT(warnings_of("rules: [{ when: { header: { X-Staff: \"1\" } }, send: old }]"), IsEmpty());
  EXPECT_THAT(warnings_of("rules: [{ when: { header: { X-Staff: \"1\" }, client_ip: 192.0.2.1 }, send: new }]"),
              IsEmpty());
}

TEST(Warnings, ARegionThatNobodyTells) {
  const std::string south = "rules: [{ name: south, when: { not: { region: NZ } }, send: old }]";
  EXPECT_THAT(warnings_of(south), ElementsAre("FILE:6:34: rule south asks for a region, but there are no regions: "
                                              "everybody is in ZZ; add regions"));
  EXPECT_THAT(warnings_of(south + "\nregions: [{ header: CF-IPCountry }]"), IsEmpty());
}

TEST(Warnings, ASplitThatNobodyCanBeIn) {
  EXPECT_THAT(warnings_of("split: { new: 10% }"),
              ElementsAre("FILE:6:12: nobody gets to new: shop has no cohort key, and without_key is stable; write "
                          "cohort: {key: cookie:NAME}, say"));
  EXPECT_THAT(warnings_of("split: { new: 0% }"), IsEmpty());
  EXPECT_THAT(warnings_of("split: { new: 10% }\n    cohort: { without_key: random }"), IsEmpty());
  EXPECT_THAT(warnings_of("rules: [{ when: { method: GET }, split: { old: 50% } }]"), ::testing::SizeIs(1));
}

TEST(Warnings, AProxyProtocolThatNobodyMaySpeak) {
  EXPECT_THAT(warnings_of("reveal: none", ", proxy_protocol: accept"),
              ElementsAre("FILE:1:56: proxy_protocol: accept without trusted_proxies: nobody is believed; name them"));
  EXPECT_THAT(warnings_of("reveal: none", ", proxy_protocol: accept, trusted_proxies: [10.0.0.0/8]"), IsEmpty());
}

std::vector<std::string> warnings_of_admin(const std::string& admin) {
  return told(
      "listeners: [{ address: 127.0.0.1:8080 }]\n"
      "services: [{ name: shop, versions: { old: { endpoints: [127.0.0.1:1] } } }]\n"
      "admin: " +
      admin + "\n");
}

TEST(Warnings, ATokenOverTheNetworkWithoutTlsIsReadByOthers) {
  EXPECT_THAT(warnings_of_admin("{ address: 0.0.0.0:1, token_file: /t }"),
              ElementsAre("FILE:3:42: token_file: the token goes over the network as it is; add tls to admin"));
  EXPECT_THAT(warnings_of_admin("{ address: 127.0.0.1:1, token_file: /t }"), IsEmpty());
  EXPECT_THAT(
      warnings_of_admin("{ address: 0.0.0.0:1, token_file: /t, tls: { certificates: [{ chain: a, key: b }] } }"),
      IsEmpty());
}

TEST(Warnings, ATokenThatNobodyIsAskedForIsTold) {
  const std::string tls = "tls: { certificates: [{ chain: a, key: b }], client_ca: c";
  EXPECT_THAT(
      warnings_of_admin("{ address: 0.0.0.0:1, token_file: /t, " + tls + " } }"),
      ElementsAre("FILE:3:42: token_file: nobody is asked for the token where everybody must show a certificate; "
                  "take it out, or write client_certificate: request"));
  EXPECT_THAT(warnings_of_admin("{ address: 0.0.0.0:1, token_file: /t, " + tls + ", client_certificate: request } }"),
              IsEmpty());
}

}  // namespace
}  // namespace weir::config
