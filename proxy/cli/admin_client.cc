#include "proxy/cli/admin_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "routing/ascii.h"

namespace weir::cli {
namespace {

std::string bytes_of(const config::Address& address, const AdminRequest& request) {
  const bool is_unix = address.kind == config::Address::Kind::unix_path;
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weir/{}\r\nConnection: close\r\n",
                                  request.method, request.target, is_unix ? "localhost" : address.text, WEIR_VERSION);
  for (const auto& [name, value] : request.fields) bytes += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty()) bytes += "Content-Type: application/json\r\n";
  if (request.method != "GET") bytes += fmt::format("Content-Length: {}\r\n", request.body.size());
  return bytes + "\r\n" + request.body;
}

std::string lower(std::string_view text) {
  std::string copy(text);
  std::transform(copy.begin(), copy.end(), copy.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return copy;
}

/// An answer as the admin writes them: a length, never chunks (RFC 9112 §6.2). Nothing for anything else.
std::optional<AdminReply> read_reply(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos || !bytes.starts_with("HTTP/1.") || bytes.size() < 12) return std::nullopt;
  AdminReply reply;
  const auto [rest, error] = std::from_chars(bytes.data() + 9, bytes.data() + 12, reply.status);
  if (error != std::errc{} || rest != bytes.data() + 12) return std::nullopt;
  std::string_view lines = bytes.substr(0, end + 2);
  for (lines.remove_prefix(lines.find("\r\n") + 2); !lines.empty(); lines.remove_prefix(lines.find("\r\n") + 2)) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const size_t colon = std::min(line.find(':'), line.size());
    reply.fields.emplace(lower(line.substr(0, colon)), routing::trim(line.substr(std::min(colon + 1, line.size()))));
  }
  reply.body = bytes.substr(end + 4);
  if (reply.field("content-length") != std::to_string(reply.body.size())) return std::nullopt;
  return reply;
}

}  // namespace

std::string AdminReply::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

std::variant<AdminReply, NoReply> ask_admin(const Door& door, const AdminRequest& request, AdminPatience patience) {
  const std::string& name = door.address.text;
  auto opened = Line::open(door, Clock::now() + patience.connect);
  if (auto* failed = std::get_if<NoReply>(&opened)) return std::move(*failed);
  Line& line = std::get<Line>(opened);
  const auto end = Clock::now() + patience.answer;
  std::string bytes;
  const bool sent = line.send_all(bytes_of(door.address, request), end);
  const Line::Read read = line.receive_all(bytes, end);
  if (read == Line::Read::late) {
    return NoReply{fmt::format("{} did not answer within {} s", name, patience.answer.count() / 1000),
                   "what was asked may have been done: look with `weir split show` and `weir history`"};
  }
  if (bytes.empty() && !line.refusal().empty()) {
    return NoReply{
        fmt::format("{} refused the connection: {}", name, line.refusal()),
        "show a certificate that admin.tls.client_ca has signed: --cert FILE and --key FILE, or WEIR_CERT and "
        "WEIR_KEY"};
  }
  auto reply = read_reply(bytes);
  if (reply) return std::move(*reply);
  const bool silent = bytes.empty() || !sent;
  return NoReply{
      fmt::format("{} {}", name,
                  silent ? "closed the connection without an answer" : "did not answer as weir's admin does"),
      "is this the address of weir's `admin:`, and not of a listener or of another program?"};
}

}  // namespace weir::cli
