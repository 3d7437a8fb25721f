// A request as somebody describes it on a command line, seen as a listener would let routing see it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "routing/decide.h"
#include "routing/request_view.h"

namespace weir::cli {

/// The words of the command line.
struct Wish {
  std::string from = "127.0.0.1";  // the peer's address
  std::string listener;            // name; empty: the first
  std::string method = "GET";
  std::vector<std::string> headers;  // `Name: value`
  std::string url;                   // `http://host/path?query`, `host/path` or `/path`
};

/// What cannot be understood about a wish, in one sentence; nothing if all of it can.
std::optional<std::string> complaint_of(const Wish& wish);

/// The listener of this name, or the first for none; null if there is none.
const config::Listener* listener_of(const config::Config& config, const std::string& name);

/// Random bits, for the ways without a key that need them.
routing::Chance throw_dice();

/// Owns the bytes that view() points into. Needs a wish without complaint.
class ImaginedRequest {
 public:
  ImaginedRequest(const Wish& wish, const config::Listener& listener);
  ImaginedRequest(const ImaginedRequest&) = delete;
  ImaginedRequest& operator=(const ImaginedRequest&) = delete;

  /// Valid while this lives.
  const routing::RequestView& view() const { return view_; }
  /// What the listener would take away, and why; for people.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void take_url(const std::string& url);
  void take_headers(const std::vector<std::string>& headers, const config::Listener& listener);
  void take_client(const std::string& from, const config::Listener& listener);

  std::string method_, host_, path_, query_;
  std::vector<std::string> header_lines_;
  std::vector<routing::Field> fields_;
  std::vector<std::string> notes_;
  routing::RequestView view_;
};

}  // namespace weir::cli
