// What operators changed is found again: after a kill, beside an edited file, on a disk that is full.
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/e2e/operated.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

TEST(State, AShareSetAtRunTimeOutlivesAKill) {
  Operated shop;
  ASSERT_EQ(shop.put("12.5%").status, 200);
  const int64_t revision = shop.revision();
  shop.restart();
  EXPECT_EQ(shop.share(), "12.5%");
  EXPECT_EQ(shop.revision(), revision);
  EXPECT_EQ(shop.version(), "new");
  ASSERT_EQ(shop.history().size(), 1u);
}

TEST(State, KilledInTheMiddleOfChangesItFindsTheLastThatWasAnswered) {
  for (int round = 0; round < 10; ++round) {
    Operated shop;
    std::atomic<int> answered{0};
    std::thread changes([&] {
      Client client(shop.weir->admin());
      for (int i = 1; i <= 10'000; ++i) {
        if (!client.send(Operated::put_request(fmt::format("{:.4f}%", i / 10'000.0)))) return;
        const Response response = client.receive("PUT");
        if (response.status != 200) return;
        answered = i;
      }
    });
    EXPECT_TRUE(wait_until([&] { return answered >= 3 + 5 * round; }));
    shop.weir->program().signal(SIGKILL);
    changes.join();
    const int last = answered;
    shop.restart();
    // One more may have been written and not answered: the old or the new state, never half.
    const int64_t revision = shop.revision();
    EXPECT_TRUE(revision == last + 1 || revision == last + 2) << revision << " after " << last << " answers";
    EXPECT_EQ(static_cast<int64_t>(shop.history().size()), revision - 1);
    const double share = std::stod(shop.share());
    EXPECT_NEAR(share, static_cast<double>(revision - 1) / 10'000.0, 1e-9);
  }
}

TEST(State, AFileEditedWhileWeirWasDownWinsAndIsToldAsByTheStart) {
  Operated shop({.share = "5%"});
  ASSERT_EQ(shop.put("20%").status, 200);
  shop.restart();
  EXPECT_EQ(shop.share(), "20%");
  ConfigText edited = shop.weir->config();
  edited.share = "30%";
  shop.restart_with(edited);
  EXPECT_EQ(shop.share(), "30%");
  EXPECT_EQ(shop.history().at(0).at("by").as_string(), "start");
}

TEST(State, AReloadThatLeavesTheSplitAloneLeavesWhatWasSetAtRunTime) {
  Operated shop({.share = "5%"});
  ASSERT_EQ(shop.put("20%").status, 200);
  ConfigText config = shop.weir->config();
  config.timeouts["connect"] = "3s";
  shop.weir->reload(config);
  EXPECT_EQ(shop.share(), "20%");
  config.share = "6%";
  shop.weir->reload(config);
  EXPECT_EQ(shop.share(), "6%");
  EXPECT_EQ(shop.revision(), 3);
}

TEST(State, ARolledBackCandidateStaysClosedThroughReloadsAndKills) {
  Operated shop({.share = "50%", .rules = {R"({ name: staff, when: { header: { X-Staff: "1" } }, send: new })"}});
  EXPECT_EQ(shop.version("X-Staff: 1\r\n"), "new");
  ASSERT_EQ(shop.post("rollback").status, 200);
  const auto nobody = [&] { return shop.version("X-Staff: 1\r\n") == "old" && shop.version() == "old"; };
  EXPECT_TRUE(nobody());
  ConfigText config = shop.weir->config();
  config.share = "100%";
  shop.weir->reload(config);
  EXPECT_TRUE(nobody());
  EXPECT_EQ(shop.put("10%").status, 409);
  shop.restart();
  EXPECT_TRUE(nobody());
  config.share = "90%";
  shop.restart_with(config);
  EXPECT_TRUE(nobody());
  ASSERT_EQ(shop.post("reopen").status, 200);
  EXPECT_EQ(shop.version("X-Staff: 1\r\n"), "new");
  EXPECT_EQ(shop.share(), "0%");
}

TEST(State, AClosedVersionIsNotMadeStableByAReload) {
  Operated shop({.share = "50%"});
  ASSERT_EQ(shop.post("rollback").status, 200);
  ConfigText config = shop.weir->config();
  config.replaced.emplace_back("stable: old", "stable: new");
  write_file(shop.weir->file(), config.text());
  EXPECT_TRUE(shop.weir->program().wait_for_text("which is closed"));
  EXPECT_EQ(shop.version(), "old");
}

TEST(State, ASecondWeirOnTheSameDirectoryDoesNotStart) {
  Operated shop;
  ConfigText config = shop.weir->config();
  config.edge = fmt::format("{}:{}", own_loopback(), free_port(own_loopback()));
  config.admin = fmt::format("{}:{}", own_loopback(), free_port(own_loopback()));
  Directory directory;
  write_file(directory / "weir.yaml", config.text());
  const Finished second = run(weir_program(), {"run", "-c", directory / "weir.yaml"});
  EXPECT_NE(second.code, 0);
  EXPECT_NE(second.errors.find("is used by another weir"), std::string::npos) << second.errors;
  EXPECT_EQ(shop.version(), "old");
}

TEST(State, AReloadThatChangesTheDirectoryIsRefusedAndNamesTheKey) {
  Operated shop;
  ConfigText config = shop.weir->config();
  config.top = {fmt::format("state: {{ directory: {}/elsewhere }}", shop.state.path())};
  config.share = "100%";
  write_file(shop.weir->file(), config.text());
  EXPECT_TRUE(shop.weir->program().wait_for_text("state: cannot change while weir runs"));
  EXPECT_EQ(shop.version(), "old");
}

void limit_files(Program& program, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  ASSERT_EQ(prlimit(program.id(), RLIMIT_FSIZE, &limit, nullptr), 0);
}

/// Files of the program may not grow over what the journal has not reached or would need to be written anew, but its
/// log may: a full disk. The journal has a history by then, and `new` this share.
void fill_disk(Operated& shop, const std::string& share) {
  for (int i = 1; i < 80; ++i) ASSERT_EQ(shop.put(fmt::format("{}%", i)).status, 200);
  ASSERT_EQ(shop.put(share).status, 200);
  limit_files(shop.weir->program(), read_file(shop.state / "journal").size() / 2);
}

TEST(State, AFullDiskRefusesAChangeKeepsServingAndTakesItWhenThereIsRoom) {
  Operated shop;
  fill_disk(shop, "5%");
  const int64_t revision = shop.revision();
  const Response refused = shop.put("20%");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_NE(refused.body.find("could not be remembered"), std::string::npos) << refused.body;
  EXPECT_EQ(shop.share(), "5%");
  EXPECT_EQ(shop.version(), "old");
  EXPECT_EQ(shop.revision(), revision);
  limit_files(shop.weir->program(), RLIM_INFINITY);
  EXPECT_EQ(shop.put("20%").status, 200);
  EXPECT_EQ(shop.revision(), revision + 1);
  shop.restart();
  EXPECT_EQ(shop.revision(), revision + 1);
}

TEST(State, AFullDiskRefusesAChangeOfTheFileToo) {
  Operated shop;
  fill_disk(shop, "5%");
  ConfigText config = shop.weir->config();
  config.share = "50%";
  write_file(shop.weir->file(), config.text());
  EXPECT_TRUE(shop.weir->program().wait_for_text("split: not changed, since it could not be remembered"));
  EXPECT_EQ(shop.share(), "5%");
}

TEST(State, ARollbackOnAFullDiskIsInForceToldLoudlyAndRememberedAsSoonAsThereIsRoom) {
  Operated shop;
  fill_disk(shop, "50%");
  EXPECT_EQ(shop.version(), "new");
  const Response answer = shop.post("rollback");
  EXPECT_EQ(answer.status, 200) << answer;
  EXPECT_NE(answer.body.find(R"("remembered":false)"), std::string::npos) << answer.body;
  EXPECT_EQ(shop.version(), "old");
  EXPECT_TRUE(shop.weir->program().wait_for_text("NOT REMEMBERED"));
  limit_files(shop.weir->program(), RLIM_INFINITY);
  EXPECT_TRUE(shop.weir->program().wait_for_text("everything in force is remembered now", kPatience * 2));
  shop.restart();
  EXPECT_EQ(shop.version(), "old");
  EXPECT_EQ(shop.put("10%").status, 409);
}

/// A program that runs weir where `path` is a read-only disk: in a mount namespace of its own.
std::string weir_without_writing(const Directory& directory, const std::string& path) {
  const std::string program = directory / "weir";
  write_file(program, fmt::format("#!/bin/sh\nexec unshare {0} /bin/sh -c 'mount --bind {1} {1} && "
                                  "mount -o remount,ro,bind {1} && exec {2} \"$@\"' sh \"$@\"\n",
                                  geteuid() == 0 ? "-m" : "-rm", path, weir_program()));
  chmod(program.c_str(), 0755);
  return program;
}

TEST(State, OnAReadOnlyDiskWhatWasRememberedIsInForceAndAChangeIsRefusedWithTheReason) {
  Operated shop;
  ASSERT_EQ(shop.put("20%").status, 200);
  const int64_t revision = shop.revision();
  const ConfigText config = shop.weir->config();
  shop.weir->program().signal(SIGKILL);
  ASSERT_TRUE(shop.weir->program().wait());
  Directory directory;
  shop.weir = std::make_unique<Weir>(weir_without_writing(directory, shop.state.path()), config);
  EXPECT_TRUE(shop.weir->program().wait_for_text("Read-only file system"));
  EXPECT_EQ(shop.share(), "20%");
  EXPECT_EQ(shop.version(), "new");
  const Response refused = shop.put("50%");
  EXPECT_EQ(refused.status, 503) << refused;
  EXPECT_NE(refused.body.find("Read-only file system"), std::string::npos) << refused.body;
  EXPECT_EQ(shop.revision(), revision);
  const Response emergency = shop.post("rollback");
  EXPECT_EQ(emergency.status, 200) << emergency;
  EXPECT_NE(emergency.body.find(R"("remembered":false)"), std::string::npos) << emergency.body;
  EXPECT_EQ(shop.version(), "old");
  EXPECT_TRUE(shop.weir->program().wait_for_text("NOT REMEMBERED"));
}

TEST(State, WhereNothingWasEverRememberedAReadOnlyDiskIsToldAndWeirServes) {
  Directory directory;
  Operated shop({.share = "100%"});
  ConfigText config = shop.weir->config();
  config.top = {fmt::format("state: {{ directory: {}/empty }}", directory.path())};
  std::filesystem::create_directory(directory / "empty");
  shop.weir->program().signal(SIGKILL);
  ASSERT_TRUE(shop.weir->program().wait());
  shop.weir = std::make_unique<Weir>(weir_without_writing(directory, directory / "empty"), config);
  EXPECT_TRUE(shop.weir->program().wait_for_text("Read-only file system"));
  EXPECT_EQ(shop.version(), "new");
  EXPECT_EQ(shop.put("50%").status, 503);
}

}  // namespace
}  // namespace weir::testing
