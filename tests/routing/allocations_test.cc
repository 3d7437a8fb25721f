// Counts what deciding allocates: the reason why this file replaces `new` for its program.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "routing/decide.h"
#include "tests/routing/given.h"

namespace {
thread_local uint64_t allocations = 0;
}

__attribute__((noinline)) void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
__attribute__((noinline)) void* operator new(size_t size) {
  void* memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
__attribute__((noinline)) void operator delete(void* memory) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, size_t) noexcept { std::free(memory); }
__attribute__((noinline)) void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace weir::routing {
namespace {

// RE2 itself allocates when a set matches; nothing else may.
TEST(Decide, AllocatesNothingOnceAThreadIsWarm) {
  config::Service service = shop();
  service.match = {{"*.shop.example", "/", {}}};
  service.cohort.without_key = config::WithoutKey::mint;
  config::Conditions api, office;
  api.path_prefix = "/never/here/at/all";
  office.client_ip = {config::parse_cidr("10.0.0.0/8").value()};
  service.rules = {send_rule("staff", header_is("X-Staff", "a value too long for a small string"), "new"),
                   send_rule("api", api, "new"), send_rule("office", office, "new"),
                   send_rule("bots", header_is("User-Agent", "(?i)bot|crawler", Is::regex), "old"),
                   send_rule("digits", header_is("User-Agent", "[0-9]{9}x", Is::regex), "old")};
  const auto snapshot = compiled(service);
  Request request = with_cookie("uid=7f3a9c2e; other=a value that is long enough to allocate");
  request.headers.emplace_back("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Firefox/120");
  request.headers.emplace_back("X-Staff", "another value too long for a small string");
  request.host = "WWW.some-long-label-of-a-host.Shop.Example.:8080";
  request.path = "/products/../some/%61rea//that/is/long";
  const RequestView view = request.view();
  const auto once = [&] {
    const auto found = find_service(*snapshot, view);
    return found && decide(snapshot->services[*found], view, {}, {}).version == 1;
  };
  ASSERT_TRUE(once());
  const uint64_t before = allocations;
  bool all = true;
  for (int i = 0; i < 100; ++i) all &= once();
  EXPECT_EQ(allocations, before);
  EXPECT_GT(before, 0u) << "the counter counts";
  EXPECT_TRUE(all);
}

}  // namespace
}  // namespace weir::routing
