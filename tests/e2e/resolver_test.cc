// Endpoints by name: looked up again as what the resolver says changes (contract §3).
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/e2e/edge.h"
#include "tests/support/places.h"

namespace weir::testing {
namespace {

/// weir in a mount namespace of its own, whose /etc/hosts is the test's to edit.
struct Names {
  Names() {
    write_file(hosts, "");
    write_file(directory / "nsswitch.conf", "hosts: files\n");
    write_file(weir, fmt::format("#!/bin/sh\nexec unshare {} /bin/sh -c 'mount --bind {} /etc/hosts && mount --bind {} "
                                 "/etc/nsswitch.conf && exec {} \"$@\"' sh \"$@\"\n",
                                 geteuid() == 0 ? "-m" : "-rm", hosts, directory / "nsswitch.conf", weir_program()));
    chmod(weir.c_str(), 0755);
  }
  Directory directory;
  const std::string hosts = directory / "hosts";
  const std::string weir = directory / "weir";
};

constexpr Duration kLookedUpAgain = kPatience + Duration{10'000};

TEST(Names, AnEndpointWhoseNameDoesNotResolveIsDownUntilItDoes) {
  Names names;
  Origin origin(ok("found"));
  ConfigText config;
  config.old_endpoints = {"origin.test" + origin.address().substr(origin.address().rfind(':'))};
  Weir weir(names.weir, config);
  const auto up = [&] { return weir.metrics().sum("weir_endpoint_up"); };

  EXPECT_EQ(up(), 0);
  Client client(weir.edge());
  client.send(get("/"));
  const Response refused = client.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.fields.get("Proxy-Status"), "weir; error=destination_unavailable");

  write_file(names.hosts, "127.0.0.1 origin.test\n");
  ASSERT_TRUE(wait_until([&] { return up() == 1; }, kLookedUpAgain)) << "the name was not looked up again";
  client.send(get("/"));
  EXPECT_EQ(client.receive().body, "found");

  write_file(names.hosts, "");
  ASSERT_TRUE(wait_until([&] { return up() == 0; }, kLookedUpAgain)) << "an address that is gone stays in use";
  client.send(get("/"));
  EXPECT_EQ(client.receive().status, 503);
}

/// A lookup reads /etc/hosts, and here waits for somebody to write it: nobody does.
TEST(Names, AReloadThatIsAskedForWhileANameIsLookedUpIsAnswered) {
  Names names;
  ASSERT_EQ(::unlink(names.hosts.c_str()), 0);
  ASSERT_EQ(::mkfifo(names.hosts.c_str(), 0600), 0);
  Origin origin(ok("served"));
  ConfigText config;
  config.old_endpoints = {origin.address()};
  Weir weir(names.weir, config);
  ConfigText more = weir.config();
  more.old_endpoints.push_back("slow.test:1");
  write_file(weir.file(), more.text());
  const std::string reload =
      "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  Client first(weir.admin()), second(weir.admin());
  first.send(reload);
  second.send(reload);
  EXPECT_EQ(first.receive("POST").status, 200);
  EXPECT_EQ(second.receive("POST").status, 200);
  EXPECT_EQ(fetch(weir.edge(), get("/")).body, "served");
}

}  // namespace
}  // namespace weir::testing
