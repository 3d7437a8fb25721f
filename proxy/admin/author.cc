#include "proxy/admin/author.h"

#include <fmt/format.h>

#include "proxy/admin/strict_json.h"

namespace weir::admin {

namespace {

constexpr size_t kMaxActor = 200;
constexpr std::string_view kOwnCommandLine = "weir/";

/// A certificate's subject as the history shows it: what is no printable text as RFC 4514 writes bytes.
std::string shown_subject(const std::string& subject) {
  if (subject.empty()) return "a certificate without a subject";
  if (is_printable(subject)) return subject;
  std::string text;
  for (const unsigned char byte : subject) {
    text += byte >= ' ' && byte <= '~' ? std::string(1, static_cast<char>(byte)) : fmt::format("\\{:02X}", byte);
  }
  return text;
}

}  // namespace

std::optional<Response> read_author(const Request& request, control::Author& author) {
  const auto wrong = [](std::string_view what) { return problem(400, what, "X-Weir-Actor"); };
  if (request.actors.size() > 1) return wrong("is there more than once");
  const std::string actor = request.actors.empty() ? "" : request.actors.front();
  if (actor.size() > kMaxActor) return wrong("is longer than 200 bytes");
  if (!is_printable(actor)) return wrong("must be printable text in UTF-8");
  // Who is known by a certificate stays known, whatever name is given.
  const std::string subject = request.certificate ? shown_subject(*request.certificate) : "";
  author.name = !actor.empty() ? actor : !subject.empty() ? subject : request.peer;
  author.from = subject.empty() ? request.peer : request.peer + " " + subject;
  const bool cli = request.user_agents.size() == 1 && request.user_agents.front().starts_with(kOwnCommandLine);
  author.by = cli ? "cli" : "api";
  return std::nullopt;
}

}  // namespace weir::admin
