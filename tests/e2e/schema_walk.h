// One key of the schema, changed alone, and where the change is seen from outside.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/e2e/edge.h"
#include "tests/support/authority.h"

namespace weir::testing {

/// weir before an origin for each version, with files that a configuration may name. In a configuration
/// DIR is the directory of these files, THIRD and FOURTH are more origins, FULL an endpoint that accepts nobody.
class Stage {
 public:
  explicit Stage(ConfigText config);

  Response fetch(const std::string& request) { return testing::fetch(weir->edge(), request); }

  Directory directory;
  Authority authority{directory.path()};
  Origin old_origin{"old"}, new_origin{"new"}, third{"third"}, fourth{"fourth"};
  Socket full;
  std::vector<Socket> queue;
  std::unique_ptr<Weir> weir;
};

/// Looks at weir from outside: what is seen, as text.
using Look = std::function<std::string(Stage&)>;

struct Key {
  std::string path;          // as in the schema: `services[].rules[].name`
  ConfigText before, after;  // differ in this key alone
  Look look;
};
void PrintTo(const Key& key, std::ostream* out);

/// Every key that is not merely the house of others.
std::vector<Key> file_keys();     // listeners, admin, workers, regions, access_log, limits, timeouts
std::vector<Key> service_keys();  // services and all below, but
std::vector<Key> health_keys();   // health, outlier, slow_start, queue, retry
std::vector<Key> rollout_keys();  // a service's rollout
std::vector<Key> tls_keys();      // whatever is about TLS, wherever it stands

/// The files that tls_keys() names.
void write_certificates(const Directory& directory, Authority& authority);

/// A MaxMind database that says of every IPv4 address: country.iso_code and other.code.
std::string mmdb(const std::string& country, const std::string& other);

/// Status and body of the answer to this request.
Look answer_to(std::string request);
/// Longer than a tenth of a second takes on however busy a machine: who has not acted by then waits.
inline constexpr Duration kWaits{3000};
/// Whether weir does anything on this connection within kWaits: `acts` or `waits`.
std::string acts(Client& client);
/// The same for a client that got half of a response.
std::string with_half_a_response(Stage& stage);

}  // namespace weir::testing
