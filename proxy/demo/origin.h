// One of the demo's two built-in servers: a small shop that says which version it is.
#pragma once

#include <memory>
#include <string>

#include "config/config.h"

namespace weir::demo {

/// An HTTP/1.1 server on loopback with a thread of its own. Answers every request, after a few hundred
/// microseconds of pretended work, with a page that names the version; the header field
/// `X-Shop-Version` names it too. Ends, and joins its thread, when destroyed.
class Origin {
 public:
  /// Listens on an IP literal; port 0 asks the kernel for one. Null if that cannot be.
  static std::unique_ptr<Origin> listen(std::string version, const config::Address& address);
  ~Origin();
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  /// As bound: `127.0.0.1:9001`.
  std::string address() const;
  /// From now on every answer is a 500, or no longer. Any thread.
  void break_down(bool broken);

 private:
  struct Shop;
  explicit Origin(std::unique_ptr<Shop> shop);
  std::unique_ptr<Shop> shop_;
};

}  // namespace weir::demo
