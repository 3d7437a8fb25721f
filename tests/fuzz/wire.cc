// A fuzzer over live sockets: a grammar makes exchanges that mean something, a running weir stands between their
// two sides, and each side has to see exactly what was meant. Some messages are bent: then no reading may be worse
// than a strict reader's. After each turn a fresh connection has to get its own answer.
//
//   fuzz_wire [--seed N] [--turns N | --seconds N] [--weir PROGRAM]
//
// A finding ends it with 1 and says how to see it again: the same seed makes the same turn.
#include <fmt/format.h>
#include <gtest/gtest-printers.h>
#include <signal.h>

#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "tests/fuzz/wire_meant.h"
#include "tests/support/bend.h"
#include "tests/support/client.h"
#include "tests/support/options.h"
#include "tests/support/origin.h"
#include "tests/support/places.h"
#include "tests/support/proxy.h"

namespace weir::fuzz {
namespace {

using namespace weir::testing;

struct Finding : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string shown(const std::string& bytes) {
  return ::testing::PrintToString(bytes.size() > 3000 ? bytes.substr(0, 3000) + "…" : bytes);
}

void demand(bool holds, const std::string& what) {
  if (!holds) throw Finding(what);
}

Lines own_fields(const Fields& fields) {
  Lines own;
  for (const auto& [name, value] : fields.lines())
    if (name.size() == 4 && lower(name).starts_with("x-f")) own.emplace_back(lower(name), value);
  return own;
}

Lines in_lower_case(Lines fields) {
  for (auto& [name, value] : fields) name = lower(name);
  return fields;
}

/// weir between an origin that answers as planned and a strict reader to compare with; new every so often.
class Bench {
 public:
  explicit Bench(const std::string& program, Dice& dice)
      : origin_([this](Turn& turn) { answer(turn); }), reader_(ok("read")) {
    ConfigText config{.workers = static_cast<int>(1 + dice() % 2),
                      .timeouts = {{"request_head", "300ms"},
                                   {"request_body", "300ms"},
                                   {"client_idle", "2s"},
                                   {"response_head", "2s"},
                                   {"response_body", "300ms"}}};
    config.old_endpoints = {origin_.address()};
    weir_ = std::make_unique<Weir>(program, config);
  }

  /// Pipelined requests and their answers, in packets cut anywhere.
  void meant(Dice& dice, const std::string& name) {
    std::vector<Message> requests, responses;
    std::string bytes;
    for (unsigned i = 0, count = 1 + dice() % 4; i < count; ++i) {
      requests.push_back(make_request(dice, fmt::format("/{}/{}", name, i)));
      responses.push_back(make_response(dice, requests.back()));
      plan(requests.back().meaning.first, responses.back());
      bytes += requests.back().bytes;
      if (requests.back().last) break;
    }
    size_t before = origin_.requests().size();
    Client client(weir_->edge());
    send_cut(client, bytes, dice);
    for (size_t i = 0; i < requests.size(); ++i) {
      Response response = client.receive(requests[i].to_head ? "HEAD" : "GET");
      demand(response.fault.empty(), fmt::format("answer {}: {}\nto {}", i, response.fault, shown(bytes)));
      compare(response, responses[i].meaning, shown(bytes) + "\nanswered " + shown(responses[i].bytes));
      if (lower(response.fields.get("Connection")).find("close") != std::string::npos) break;
    }
    compare(origin_.requests(), before, requests, bytes);
  }

  void bent_request(Dice& dice, const std::string& name) {
    std::string bytes = make_request(dice, fmt::format("/{}/bent", name)).bytes;
    if (bytes.starts_with("\r\n")) bytes.erase(0, 2);
    bend(bytes, dice);
    size_t at_origin = origin_.requests().size(), at_reader = reader_.requests().size();
    send_and_end(weir_->edge(), bytes);
    send_and_end(reader_.address(), bytes);
    for (const Visit& visit : origin_.visits())
      demand(visit.fault.empty(),
             fmt::format("the origin got {}: {}\nof {}", visit.fault, shown(visit.bytes), shown(bytes)));
    if (is_forgiven(bytes)) return;
    std::vector<std::string> forwarded = readings(origin_, at_origin), strict = readings(reader_, at_reader);
    demand(forwarded.size() <= strict.size(), "more requests than a strict reader reads in " + shown(bytes));
    for (size_t i = 0; i < forwarded.size(); ++i)
      demand(forwarded[i] == strict[i], fmt::format("{} is read as {}", shown(bytes), shown(forwarded[i])));
  }

  void bent_response(Dice& dice, const std::string& name) {
    Message request{.bytes = {},
                    .meaning = {.first = fmt::format("GET /{}/bent", name), .fields = {}, .body = {}, .interim = {}}};
    Message response = make_response(dice, request);
    bend(response.bytes, dice);
    plan(request.meaning.first, response);
    Client client(weir_->edge());
    client.send(get(fmt::format("/{}/bent", name)));
    Response seen = client.receive();
    demand(seen.fault.empty(), fmt::format("the client got {}\nof {}", seen.fault, shown(response.bytes)));
    if (client.end() == End::none) client.send(get(fmt::format("/{}/good", name)));
    Response next = client.receive();
    demand(next.status == 0 || next.status == 504 || next.body == fmt::format("good /{}/good", name),
           fmt::format("the next answer is {}\nafter {}", shown(next.body), shown(response.bytes)));
  }

  void fresh(const std::string& name) {
    const std::string target = fmt::format("/{}/good", name);
    Response response = fetch(weir_->edge(), get(target));
    demand(response.body == "good " + target,
           fmt::format("a fresh connection gets {} {}\n{}", response.status, shown(response.body), weir_->log()));
    demand(weir_->program().running(), "weir ended:\n" + weir_->log());
  }

 private:
  void plan(const std::string& request, const Message& response) {
    std::lock_guard lock(mutex_);
    planned_[request] = response;
  }

  void answer(Turn& turn) {
    const Request& request = turn.read_body();
    if (!request.complete) return turn.close();
    Message response{.bytes = {}, .meaning = {}};
    {
      std::lock_guard lock(mutex_);
      auto found = planned_.find(request.method + " " + request.target);
      if (found != planned_.end()) response = found->second;
    }
    if (response.bytes.empty()) {
      const std::string body = "good " + request.target;
      turn.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", body.size(),
                            request.method == "HEAD" ? "" : body));
    } else {
      turn.send(response.bytes);
      if (response.last) turn.close();
    }
  }

  static void send_cut(Client& client, std::string_view bytes, Dice& dice) {
    for (unsigned cuts = dice() % 6; cuts > 0 && bytes.size() > 1; --cuts) {
      size_t at = 1 + dice() % (bytes.size() - 1);
      client.send(bytes.substr(0, at));
      bytes.remove_prefix(at);
    }
    client.send(bytes);
  }

  static void send_and_end(const std::string& address, const std::string& bytes) {
    Client client(address);
    client.send(bytes);
    client.finish();
    client.receive_all();
  }

  static std::vector<std::string> readings(const Origin& origin, size_t from) {
    std::vector<std::string> all;
    std::vector<Request> requests = origin.requests();
    for (size_t i = from; i < requests.size(); ++i)
      if (requests[i].complete) all.push_back(requests[i].method + " " + requests[i].target + "\n" + requests[i].body);
    return all;
  }

  static void compare(const Response& seen, const Meaning& meant, const std::string& of) {
    demand(std::to_string(seen.status) == meant.first,
           fmt::format("status {} for {}\nof {}", seen.status, meant.first, of));
    demand(seen.complete, "the answer is not whole\nof " + of);
    demand(seen.body == meant.body, fmt::format("the body is {}\nof {}", shown(seen.body), of));
    demand(own_fields(seen.fields) == in_lower_case(meant.fields), "the answer's fields differ\nof " + of);
    demand(!seen.fields.has("X-Hop") && !seen.fields.has("Keep-Alive"), "a hop-by-hop field came through\nof " + of);
    std::vector<int> interim;
    for (const Interim& one : seen.interim) interim.push_back(one.status);
    demand(interim == meant.interim, "interim answers differ\nof " + of);
    for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Cookie"})
      demand(!seen.trailers.has(name), fmt::format("trailer {} came through\nof {}", name, of));
  }

  static void compare(const std::vector<Request>& seen, size_t from, const std::vector<Message>& meant,
                      const std::string& bytes) {
    demand(seen.size() - from <= meant.size(), "the origin saw more requests than were sent in " + shown(bytes));
    demand(seen.size() > from, "the origin saw nothing of " + shown(bytes));
    for (size_t i = from; i < seen.size(); ++i) {
      const Request& request = seen[i];
      const Meaning& meaning = meant[i - from].meaning;
      demand(request.fault.empty() && request.complete, "the origin could not read " + shown(bytes));
      demand(request.method + " " + request.target == meaning.first,
             fmt::format("the origin saw {} {}\nof {}", request.method, request.target, shown(bytes)));
      demand(request.body == meaning.body,
             fmt::format("the origin saw the body {}\nof {}", shown(request.body), shown(bytes)));
      demand(own_fields(request.fields) == in_lower_case(meaning.fields),
             "the origin saw other fields than those of " + shown(bytes));
      demand(!request.fields.has("X-Hop") && !request.fields.has("Keep-Alive"),
             "a hop-by-hop field came through of " + shown(bytes));
      for (const char* name : {"Host", "Content-Length", "Transfer-Encoding", "Cookie"})
        demand(!request.trailers.has(name), fmt::format("trailer {} came through of {}", name, shown(bytes)));
    }
  }

  std::mutex mutex_;
  std::map<std::string, Message> planned_;
  Origin origin_, reader_;
  std::unique_ptr<Weir> weir_;
};

struct Options {
  uint32_t seed = 1;
  unsigned turns = 0;  // 0: as long as `seconds` say
  unsigned seconds = 10;
  std::string program = weir_program();
};

void turn(Bench& bench, uint32_t seed) {
  Dice dice(seed);
  const std::string name = fmt::format("f{}", seed);
  switch (dice() % 5) {
    case 0:
      bench.bent_request(dice, name);
      break;
    case 1:
      bench.bent_response(dice, name);
      break;
    default:
      bench.meant(dice, name);
  }
  bench.fresh(name);
}

int run(const Options& options) {
  constexpr uint64_t kTurnsABench = 300;  // origins remember all that they saw
  const Deadline end = within(std::chrono::seconds(options.seconds));
  std::unique_ptr<Bench> bench;
  Dice dice(options.seed);
  uint64_t turns = 0;
  auto more = [&] { return options.turns > 0 ? turns < options.turns : Clock::now() < end; };
  std::cout << fmt::format("wire: seed {}\n", options.seed) << std::flush;
  for (; more(); ++turns) {
    const uint32_t seed = options.seed + static_cast<uint32_t>(turns);
    if (turns % kTurnsABench == 0) bench = std::make_unique<Bench>(options.program, dice);
    try {
      turn(*bench, seed);
    } catch (const Finding& finding) {
      std::cout << fmt::format("wire: FINDING at seed {}: {}\nsee it again with: {} --turns 1 --seed {} --weir {}\n",
                               seed, finding.what(), "build/release/tests/fuzz/fuzz_wire", seed, options.program);
      return 1;
    }
  }
  std::cout << fmt::format("wire: {} turns, nothing found\n", turns);
  return 0;
}

int wrong_usage(const std::string& what) {
  std::cerr << "fuzz_wire: " << what << "\nusage: fuzz_wire [--seed N] [--turns N | --seconds N] [--weir PROGRAM]\n";
  return 2;
}

}  // namespace
}  // namespace weir::fuzz

int main(int count, char** words) {
  using namespace weir::fuzz;
  Options options;
  const auto wrong = weir::testing::read_options(
      count, words,
      {{"seed", &options.seed}, {"turns", &options.turns}, {"seconds", &options.seconds}, {"weir", &options.program}});
  if (wrong) return wrong_usage(*wrong);
  signal(SIGPIPE, SIG_IGN);
  return run(options);
}
