// One client connection: reads heads, has them served one after the other, ends well.
#pragma once

#include <memory>

#include "proxy/entrance.h"
#include "proxy/exchange/client.h"
#include "proxy/exchange/exchange.h"
#include "proxy/http/head.h"
#include "proxy/net/task.h"
#include "proxy/worker.h"

namespace weir::proxy {

/// In its entrance's ring while it lives; ends itself. Worker's thread.
class Session : private net::Link {
 public:
  /// Takes the descriptor over. `peer` is empty over a unix socket.
  static void start(Entrance& entrance, int fd, std::optional<config::IpAddress> peer);
  /// Those of this entrance look whether there is a reason to end.
  static void wake_all(Entrance& entrance);
  /// Ends those of this entrance at once, whatever is under way.
  static void end_all(Entrance& entrance);

 private:
  enum class Reading : uint8_t { head, wait, refused, over };

  Session(Entrance& entrance, std::optional<config::IpAddress> peer);
  ~Session();

  Worker& worker() const { return entrance_.worker(); }
  net::Detached run();
  net::Task<Outcome> answer(Reading reading, http::RequestHead& head, const Behind& behind);
  bool opening();
  bool shaking_hands();
  void handshake_over(const net::Io& io);
  Reading read_head(http::RequestHead& head, Behind& behind);
  Reading parse(http::RequestHead& head, std::string_view bytes);
  bool worth_parsing() const;
  bool has_outlived(const net::TlsServer* now) const;
  bool has_reason_to_end();
  bool ready_for_another(Outcome& outcome);
  bool lingering();
  void trust_anew();

  Entrance& entrance_;
  net::Waiter waiter_;  // outlives the stream, which wakes it to its end
  net::Stream stream_;
  Patience patience_;
  std::unique_ptr<net::Handshake> handshake_;  // while it is under way
  net::Bytes input_;                           // read, and not used yet
  net::Detached coroutine_;
  std::shared_ptr<metrics::ListenerSeries> counted_in_;
  std::shared_ptr<const ListenerSite> site_;  // that `trusted_` was judged by
  config::IpAddress peer_{};
  net::Nanos began_{};     // of the request that is being read; 0: not a byte of it yet
  unsigned unbroken_ = 0;  // requests since it last waited
  uint32_t parsed_ = 0;    // bytes of input_ that were found to be no whole head
  http::Fault fault_ = http::Fault::none;
  bool has_peer_ : 1 = false;
  bool trusted_ : 1 = false;
  bool opened_ : 1 = false;    // PROXY header read, if one is due
  bool served_ : 1 = false;    // at least one request
  bool met_ : 1 = false;       // the TLS handshake is over, if one is due
  bool strange_ : 1 = false;   // it failed: there is nobody to serve
  bool outlived_ : 1 = false;  // the listener has other terms by now
  bool hurried_ = false;       // its listener is gone, and it has no request yet
};

}  // namespace weir::proxy
