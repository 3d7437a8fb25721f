// The response's way: heads and body from the endpoint to the client, with back-pressure.
#pragma once

#include <sys/uio.h>

#include <optional>
#include <string_view>
#include <vector>

#include "proxy/exchange/client.h"
#include "proxy/exchange/record.h"
#include "proxy/http/chunked.h"
#include "proxy/http/forward.h"

namespace weir::proxy {

/// Asked about each final answer of which nothing has gone out.
class AnswerJudge {
 public:
  /// True: the client does not get it, and another try is made.
  virtual bool discards(unsigned status) = 0;
  /// What was asked last would have been followed by another try, had the budget not been used up; told once.
  virtual bool exhausted() = 0;

 protected:
  ~AnswerJudge() = default;
};

/// Bounded memory: a head within its limit, plus one piece that the client has not taken yet.
class ResponseRelay {
 public:
  /// What of the request matters for its response.
  struct Asked {
    bool head = false;         // HEAD: no body comes
    std::string_view upgrade;  // the protocol asked for; must last
    bool keep_alive = false;   // as the client wishes
    unsigned minor = 1;        // HTTP/1.minor of the client
  };

  ResponseRelay(Worker& worker, Client& client, Record& record, uint64_t head_limit);

  void expect(const Asked& asked) { asked_ = asked; }
  /// Lines of weir's own for the response's head; views must last.
  void add_lines(std::string_view lines, bool make_private);

  /// Who may discard an answer; nobody does else. Must last.
  void judge_by(AnswerJudge& judge) { judge_ = &judge; }

  /// Moves what can be moved. `request_read`: the client's request has been read whole, so that the
  /// connection can serve another one.
  void pump(net::Stream& endpoint, bool request_read);

  /// An answer of weir's own instead of a response; not after `began`.
  net::Bytes& out() { return out_; }
  /// Writes what waits for the client; true when nothing does any more.
  bool flush();

  bool began() const { return began_; }      // the head of the response has gone out, or waits to
  bool got_any() const { return got_any_; }  // from the endpoint, on this try
  bool in_body() const { return phase_ == Phase::body; }
  bool finished() const { return phase_ == Phase::done && !waits_for_client(); }
  bool upgraded() const { return phase_ == Phase::upgraded; }
  bool reusable() const { return phase_ == Phase::done && keeps_endpoint_ && !surplus_; }
  bool keeps_client() const { return keeps_client_; }
  bool waits_for_client() const { return !out_.empty() || pipe_.held() > 0; }
  bool moved() { return std::exchange(moved_, false); }
  unsigned status() const { return status_; }
  unsigned discarded() const { return discarded_; }  // the status of the answer that was, on this try
  unsigned interims() const { return interims_; }
  http::Fault fault() const { return fault_; }

  /// For another try: only while nothing has begun.
  void forget_try();

 private:
  enum class Phase : uint8_t { head, body, upgraded, done };

  void ended(bool cleanly);
  bool drain_pipe();
  void splice_body(net::Stream& endpoint);
  bool worth_splicing(const net::Stream& endpoint);
  void take(std::string_view bytes);
  void take_heads(std::string_view& bytes);
  void take_head(http::ResponseHead& head, std::string_view& rest);
  void take_upgrade(const http::ResponseHead& head, std::string_view& rest);
  void take_body(std::string_view bytes);
  size_t take_pieces(std::string_view bytes);
  void begin_body(const http::ResponseHead& head, http::Framing framing);
  void add_piece(std::string_view bytes);
  void write_pieces();
  void finish_body();
  void keep_partial(std::string_view rest);
  void fail(http::Fault fault) { fault_ = fault; }

  static constexpr size_t kPiecesATurn = 16;
  static constexpr size_t kCopied = 8 * 1024;       // up to here copying is cheaper than gathering
  static constexpr uint64_t kSpliced = 128 * 1024;  // from so much of a body left on, splicing is cheaper than copying
  static constexpr unsigned kMaxInterims = 64;

  Worker& worker_;
  Client& client_;
  Record& record_;
  const uint64_t head_limit_;
  Asked asked_;
  std::string_view lines_;
  bool make_private_ = false;
  bool request_read_ = false;

  Phase phase_ = Phase::head;
  http::Fault fault_ = http::Fault::none;
  AnswerJudge* judge_ = nullptr;
  unsigned status_ = 0;
  unsigned discarded_ = 0;
  unsigned interims_ = 0;
  http::BodyKind kind_ = http::BodyKind::none;
  http::BodyOut body_out_ = http::BodyOut::none;
  uint64_t left_ = 0;
  std::optional<http::ChunkReader> chunks_;
  net::Bytes partial_;  // a head that is not whole yet
  net::Bytes out_;      // what the client has not taken yet
  net::Pipe pipe_;      // a large body goes through it uncopied
  std::vector<iovec> pieces_;
  size_t pieces_size_ = 0;
  std::array<char, 20> size_line_{};
  bool began_ = false;
  bool got_any_ = false;
  bool keeps_endpoint_ = false;
  bool keeps_client_ = false;
  bool surplus_ = false;
  bool moved_ = false;
};

}  // namespace weir::proxy
