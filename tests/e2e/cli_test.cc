// The command line, driven as a user drives it: what each command prints, and what it exits with.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/support/config_text.h"
#include "tests/support/files.h"
#include "tests/support/places.h"
#include "tests/support/program.h"

namespace weir::testing {
namespace {

using Words = std::vector<std::string>;

Finished weir(const Words& words, const std::string& input = "") {
  return run(weir_program(), words, {.environment = {}, .input = input, .directory = {}});
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A sound configuration in a file, with one rule and a split of 10%.
class Cli : public ::testing::Test {
 protected:
  Cli() : file_(directory_ / "weir.yaml") {
    ConfigText text;
    text.old_endpoints = {"127.0.0.1:9001"};
    text.new_endpoints = {"127.0.0.1:9002"};
    text.edge = "127.0.0.1:8080";
    text.admin = "127.0.0.1:9901";
    text.share = "10%";
    text.salt = "checkout-2026-11";
    text.keys = {"cookie:uid"};
    text.listener = {"trusted_proxies: [192.0.2.0/24]", "trusted_headers: [X-Staff]"};
    text.rules = {"{ name: staff, when: { header: { X-Staff: \"1\" } }, send: new }",
                  "{ name: office, when: { client_ip: 203.0.113.0/24 }, send: new }",
                  "{ name: posts, when: { method: POST }, send: old }"};
    write_file(file_, text.text());
  }

  Finished explain(Words words) {
    words.insert(words.begin(), {"explain", "-c", file_});
    return weir(words);
  }

  Directory directory_;
  std::string file_;
};

TEST_F(Cli, EveryWrongUsageExitsTwoWithASentenceAndAHint) {
  const std::vector<Words> wrong{{"check"},
                                 {"check", "-c"},
                                 {"check", "-c", file_, "more"},
                                 {"check", "--colour", "-c", file_},
                                 {"run"},
                                 {"run", "--port", "80"},
                                 {"bucket", "user-1"},
                                 {"bucket", "--salt", "s"},
                                 {"bucket", "--salt", "s", ""},
                                 {"explain", "-c", file_},
                                 {"explain", "-c", file_, "-H", "no colon", "/"},
                                 {"explain", "-c", file_, "--from", "nowhere", "/"},
                                 {"explain", "-c", file_, "-X", "G T", "/"},
                                 {"explain", "-c", file_, "ftp://shop.example/"},
                                 {"explain", "-c", file_, "--listener", "nobody", "/"},
                                 {"demo", "--edge", "nowhere"},
                                 {"demo", "--visitors", "many"},
                                 {"demo", "--smoke", "--config", file_},
                                 {"completion"},
                                 {"completion", "tcsh"},
                                 {"sign", "--service", "shop", "--secret-file", file_},
                                 {"sign", "new", "--service", "shop"},
                                 {"sign", "new", "--service", "shop", "--secret-file", file_, "--for", "forever"},
                                 {"sign", "new", "--service", "shop", "--secret-file", file_, "--for", "31d"},
                                 {"sign", "new", "--service", "a:b", "--secret-file", file_},
                                 {"schema", "more"},
                                 {"chek", "-c", file_},
                                 {"--nothing"}};
  for (const Words& words : wrong) {
    const Finished finished = weir(words);
    EXPECT_EQ(finished.code, 2) << ::testing::PrintToString(words) << finished.errors;
    EXPECT_EQ(finished.output, "") << ::testing::PrintToString(words);
    const auto told = lines(finished.errors);
    ASSERT_EQ(told.size(), 2u) << finished.errors;
    EXPECT_EQ(told[0].rfind("weir", 0), 0u) << told[0];
    EXPECT_EQ(told[1].rfind("try: weir", 0), 0u) << told[1];
  }
}

TEST_F(Cli, NoCommandShowsTheCommands) {
  const Finished finished = weir({});
  EXPECT_EQ(finished.code, 2);
  EXPECT_NE(finished.errors.find("  check "), std::string::npos) << finished.errors;
}

TEST_F(Cli, AMistypedCommandIsAnsweredWithTheNearestOne) {
  EXPECT_NE(weir({"chek"}).errors.find("did you mean `check`?"), std::string::npos);
}

TEST_F(Cli, HelpIsThereForEveryCommandAndExitsZero) {
  for (const std::string& command :
       Words{"run", "check", "reload", "upgrade", "demo", "explain", "split", "rollback", "reopen", "revert", "history",
             "status", "bucket", "sign", "schema", "version", "man", "completion"}) {
    for (const Words& words : {Words{command, "--help"}, Words{command, "-h"}, Words{"help", command}}) {
      const Finished finished = weir(words);
      EXPECT_EQ(finished.code, 0) << command;
      EXPECT_NE(finished.output.find("Usage: weir " + command), std::string::npos) << finished.output;
    }
  }
  EXPECT_EQ(weir({"--help"}).code, 0);
}

TEST_F(Cli, CheckSaysOk) {
  for (const Words& words : {Words{"check", "-c", file_}, Words{"check", "--config", file_}, Words{"-t", "-c", file_},
                             Words{"-c", file_, "-t"}, Words{"-c", file_, "check"}}) {
    const Finished finished = weir(words);
    EXPECT_EQ(finished.code, 0) << finished.errors;
    EXPECT_EQ(finished.output, file_ + ": ok\n");
  }
}

TEST_F(Cli, CheckAcceptsTheExampleThatShips) {
  EXPECT_EQ(weir({"check", "-c", source_directory() + "/config/example.yaml"}).code, 0);
}

TEST_F(Cli, CheckTellsEveryErrorWithItsPlace) {
  write_file(file_,
             "listeners:\n"
             "  - adress: 127.0.0.1:8080\n"
             "services:\n"
             "  - name: shop\n"
             "    versions:\n"
             "      old: { endpoints: [127.0.0.1:port] }\n"
             "workers: none\n");
  const Finished finished = weir({"check", "-c", file_});
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.output, "");
  const std::string told = finished.errors;
  EXPECT_NE(told.find(file_ + ":2:5: "), std::string::npos) << told;
  EXPECT_NE(told.find("address"), std::string::npos) << told;
  EXPECT_NE(told.find(file_ + ":6:26: "), std::string::npos) << told;
  EXPECT_NE(told.find(file_ + ":7:10: "), std::string::npos) << told;
  EXPECT_EQ(told.find('\x1b'), std::string::npos) << "colours are for terminals";
}

TEST_F(Cli, CheckTellsWhatOnlyCompilingFinds) {
  ConfigText text;
  text.old_endpoints = {"127.0.0.1:9001"};
  text.edge = "127.0.0.1:8080";
  text.admin = "127.0.0.1:9901";
  text.rules = {"{ name: broken, when: { path_regex: \"(\" }, send: old }"};
  write_file(file_, text.text());
  const Finished finished = weir({"check", "-c", file_});
  EXPECT_EQ(finished.code, 3);
  EXPECT_EQ(finished.errors.rfind(file_ + ":", 0), 0u) << finished.errors;
}

TEST_F(Cli, CheckWarnsAndStillSaysOk) {
  ConfigText text;
  text.old_endpoints = {"127.0.0.1:9001"};
  text.edge = "127.0.0.1:8080";
  text.admin = "127.0.0.1:9901";
  text.keys = {"cookie:uid", "header:X-User-Id"};
  write_file(file_, text.text());
  const Finished finished = weir({"check", "-c", file_});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.output, file_ + ": ok\n");
  EXPECT_EQ(finished.errors.rfind("warning: " + file_ + ":", 0), 0u) << finished.errors;
}

TEST_F(Cli, AFileThatIsNotThereIsAWrongConfiguration) {
  for (const std::string& command : Words{"check", "run"}) {
    const Finished finished = weir({command, "-c", directory_ / "nothing.yaml"});
    EXPECT_EQ(finished.code, 3);
    EXPECT_EQ(finished.errors.rfind(directory_ / "nothing.yaml: ", 0), 0u) << finished.errors;
  }
}

TEST_F(Cli, BucketsAreThoseOfTheContract) {
  const Finished checkout =
      weir({"bucket", "--salt", "checkout-2026-11", "user-1", "user-2", "7f3a9c2e", "alice@example.com", "Ω"});
  EXPECT_EQ(checkout.code, 0);
  EXPECT_EQ(checkout.output, "user-1\t370301\nuser-2\t302051\n7f3a9c2e\t66771\nalice@example.com\t558258\nΩ\t774528\n");
  const Finished search = weir({"bucket", "user-1", "7f3a9c2e", "alice@example.com", "--salt", "search"});
  EXPECT_EQ(search.output, "user-1\t939486\n7f3a9c2e\t7294\nalice@example.com\t715353\n");
}

TEST_F(Cli, BucketsOfKeysFromStandardInput) {
  const Finished finished = weir({"bucket", "--salt", "checkout-2026-11", "-"}, "user-1\r\n user-2 \n7f3a9c2e");
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.output, "user-1\t370301\nuser-2\t302051\n7f3a9c2e\t66771\n");
}

TEST_F(Cli, AnEmptyLineAmongKeysIsToldAndTheOthersAreDone) {
  const Finished finished = weir({"bucket", "--salt", "checkout-2026-11", "-"}, "user-1\n\nuser-2\n");
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.output, "user-1\t370301\nuser-2\t302051\n");
  EXPECT_NE(finished.errors.find("line 2"), std::string::npos);
}

TEST_F(Cli, ExplainTellsTheBucketAndTheShare) {
  const Finished finished = explain({"-H", "Cookie: uid=7f3a9c2e", "http://shop.example/"});
  EXPECT_EQ(finished.code, 0) << finished.errors;
  EXPECT_EQ(finished.output,
            "shop · no rule matches (3 tried) · cookie:uid → bucket 66771 < 100000 (10%) → new, 127.0.0.1:9002\n");
}

TEST_F(Cli, ExplainKnowsTheMethod) {
  const std::string told = explain({"-X", "POST", "-H", "Cookie: uid=7f3a9c2e", "shop.example/cart?a=b"}).output;
  EXPECT_NE(told.find("rule posts"), std::string::npos) << told;
  EXPECT_NE(told.find("→ old"), std::string::npos) << told;
}

TEST_F(Cli, ExplainDropsATrustedHeaderOfAStranger) {
  const Finished stranger = explain({"-H", "X-Staff: 1", "-H", "Cookie: uid=user-1", "/"});
  EXPECT_NE(stranger.output.find("→ old"), std::string::npos) << stranger.output;
  EXPECT_NE(stranger.errors.find("X-Staff is dropped"), std::string::npos) << stranger.errors;
  const Finished proxy = explain({"--from", "192.0.2.1", "-H", "X-Staff: 1", "-H", "Cookie: uid=user-1", "/"});
  EXPECT_NE(proxy.output.find("rule staff"), std::string::npos) << proxy.output;
  EXPECT_EQ(proxy.errors, "");
}

TEST_F(Cli, ExplainBelievesXForwardedForOfATrustedProxyOnly) {
  const std::string forwarded = "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 192.0.2.9";
  EXPECT_NE(explain({"--from", "192.0.2.1", "-H", forwarded, "/"}).output.find("rule office"), std::string::npos);
  EXPECT_EQ(explain({"--from", "198.51.100.1", "-H", forwarded, "/"}).output.find("rule office"), std::string::npos);
  EXPECT_NE(explain({"--from", "203.0.113.1", "/"}).output.find("rule office"), std::string::npos);
}

TEST_F(Cli, ExplainImaginesAClientsCertificate) {
  ConfigText text;
  text.edge = "127.0.0.1:8443";
  text.admin = "127.0.0.1:9901";
  text.old_endpoints = {"127.0.0.1:9001"};
  text.new_endpoints = {"127.0.0.1:9002"};
  text.listener = {"tls: { certificates: [{ chain: a.pem, key: a.key }], client_ca: ca.pem }"};
  text.rules = {"{ name: alice, when: { client_cert: { subject: \"CN=alice,O=Shop\" } }, send: new }"};
  write_file(file_, text.text());
  const Finished alice = explain({"--client-cert-subject", "CN=alice,O=Shop", "https://shop.example/"});
  EXPECT_NE(alice.output.find("rule alice"), std::string::npos) << alice.output << alice.errors;
  EXPECT_EQ(explain({"--client-cert-subject", "CN=bob", "/"}).output.find("rule alice"), std::string::npos);
  EXPECT_EQ(explain({"--client-cert-fingerprint", "no hex", "/"}).code, 2);
}

TEST_F(Cli, ExplainAsJsonIsOneObject) {
  const std::string told = explain({"--json", "-H", "Cookie: uid=7f3a9c2e", "http://shop.example/"}).output;
  EXPECT_EQ(told.front(), '{');
  EXPECT_NE(told.find("\"bucket\":66771"), std::string::npos) << told;
  EXPECT_NE(told.find("\"version\":\"new\""), std::string::npos) << told;
  // The option may stand anywhere on the line.
  EXPECT_EQ(weir({"--json", "explain", "-c", file_, "-H", "Cookie: uid=7f3a9c2e", "http://shop.example/"}).output,
            told);
}

TEST_F(Cli, ExplainOfAWrongFileExitsThree) {
  write_file(file_, "listeners: []\n");
  EXPECT_EQ(explain({"/"}).code, 3);
}

TEST_F(Cli, TheSchemaIsJson) {
  const Finished schema = weir({"schema"});
  EXPECT_EQ(schema.code, 0);
  const Finished parsed = run("/usr/bin/python3", {"-c", "import json,sys; print(json.load(sys.stdin)['$schema'])"},
                              {.environment = {}, .input = schema.output, .directory = {}});
  EXPECT_EQ(parsed.output, "https://json-schema.org/draft/2020-12/schema\n") << parsed.errors;
}

TEST_F(Cli, VersionNamesTheCompilerAndTheLibraries) {
  for (const std::string& word : Words{"version", "--version"}) {
    const Finished finished = weir({word});
    EXPECT_EQ(finished.code, 0);
    for (const char* part :
         {"weir 0.", "compiler", "boost", "cli11", "fmt", "maxminddb", "re2", "xxhash", "yaml-cpp"}) {
      EXPECT_NE(finished.output.find(part), std::string::npos) << part << " in\n" << finished.output;
    }
  }
}

TEST_F(Cli, TheBashCompletionIsBash) {
  const Finished script = weir({"completion", "bash"});
  ASSERT_EQ(script.code, 0);
  write_file(directory_ / "completion", script.output);
  const Finished parsed = run("/usr/bin/bash", {"-n", directory_ / "completion"});
  EXPECT_EQ(parsed.code, 0) << parsed.errors;
}

TEST_F(Cli, TheBashCompletionCompletes) {
  write_file(directory_ / "completion", weir({"completion", "bash"}).output);
  const auto complete = [&](const std::string& words, int at) {
    return run("/usr/bin/bash", {"-c", "source " + (directory_ / "completion") + "; COMP_WORDS=(" + words +
                                           "); COMP_CWORD=" + std::to_string(at) + "; _weir; echo ${COMPREPLY[*]}"})
        .output;
  };
  EXPECT_EQ(complete("weir che", 1), "check\n");
  EXPECT_EQ(complete("weir bucket --s", 2), "--salt\n");
  EXPECT_EQ(complete("weir completion z", 2), "zsh\n");
  EXPECT_EQ(complete("weir split se", 2), "set\n");
  EXPECT_EQ(complete("weir split set shop --dr", 4), "--dry-run\n");
  EXPECT_EQ(complete("weir check -c " + file_.substr(0, file_.size() - 3), 3), file_ + "\n");
}

TEST_F(Cli, EveryCompletionKnowsEveryCommand) {
  for (const std::string& shell : Words{"bash", "zsh", "fish"}) {
    const Finished script = weir({"completion", shell});
    EXPECT_EQ(script.code, 0);
    for (const char* word :
         {"run", "check", "demo", "explain", "split", "rollback", "reopen", "revert", "history", "status", "bucket",
          "sign", "schema", "version", "man", "salt", "listener", "dry-run", "if-revision"}) {
      EXPECT_NE(script.output.find(word), std::string::npos) << word << " in " << shell;
    }
  }
}

}  // namespace
}  // namespace weir::testing
