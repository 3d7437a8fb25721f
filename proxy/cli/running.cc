#include "proxy/cli/running.h"

#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "proxy/cli/terminal.h"

namespace weir::cli {
namespace {

std::string environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? otherwise : value;
}

bool is_plain(std::string_view text) {
  for (const unsigned char c : text) {
    if (c < ' ' || c == 0x7f) return false;
  }
  return true;
}

/// The token without its line's end; or the exit code.
std::variant<std::string, int> read_token(const std::string& path, const std::string& command) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string token;
  if (!std::getline(file, token)) {
    const char* why = errno != 0 ? std::strerror(errno) : "is empty";
    return failed(command, fmt::format("the token file {}: {}", path, why),
                  "--token-file or WEIR_TOKEN_FILE names a file that holds the token of admin.token_file");
  }
  while (!token.empty() && std::strchr("\r\t ", token.back()) != nullptr) token.pop_back();
  if (is_plain(token)) return token;
  return failed(command, fmt::format("the token file {} holds no token", path), "it should be one line of text");
}

std::string advice_for(unsigned status) {
  switch (status) {
    case 400:
      return "if the admin speaks TLS, name it by https://: --admin https://HOST:PORT";
    case 401:
      return "name the file with the admin's token: --token-file FILE or WEIR_TOKEN_FILE";
    case 403:
      return "name the admin by its address, or list the name in admin.hosts";
    case 404:
      return "`weir split show` lists services and versions";
    case 409:
      return "`weir split show` tells the state; `weir reopen SERVICE` opens a closed version";
    case 422:
      return "shares are written with %: new=25%";
    default:
      return "weir's log says more";
  }
}

/// The sentence of a refusal: the `detail` of its problem+json (RFC 9457), or its status.
std::string detail_of(const AdminReply& reply) {
  boost::json::error_code error;
  const auto json = boost::json::parse(reply.body, error);
  if (!error && json.is_object()) {
    for (const char* name : {"detail", "title"}) {
      const auto* text = json.as_object().if_contains(name);
      if (text != nullptr && text->is_string()) return std::string(text->as_string());
    }
  }
  return fmt::format("the admin answered {}", reply.status);
}

}  // namespace

void add_running_options(CLI::App& app, Running& running, Changes changes) {
  app.add_option("--admin", running.admin,
                 "the running weir's admin address, https:// before it for TLS (WEIR_ADMIN, 127.0.0.1:9901)")
      ->type_name("ADDRESS");
  app.add_option("--token-file", running.token_file, "the file with the admin's token (WEIR_TOKEN_FILE)")
      ->type_name("FILE");
  app.add_option("--ca", running.tls.ca,
                 "who signed the admin's certificate, where it speaks TLS (WEIR_CA, the system's)")
      ->type_name("FILE");
  app.add_option("--cert", running.tls.certificate, "the certificate to show to it, in place of a token (WEIR_CERT)")
      ->type_name("FILE");
  app.add_option("--key", running.tls.key, "its key (WEIR_KEY; in the certificate's file)")->type_name("FILE");
  if (changes == Changes::yes) {
    app.add_option("--actor", running.actor, "who makes the change, for the history ($USER@host)")->type_name("NAME");
  }
  app.add_flag("--json", running.json, "the API's answer as it came");
}

namespace {

constexpr std::string_view kSecure = "https://", kPlain = "http://";

/// Options, then the environment; nothing: TLS is spoken by none of them.
AdminTls tls_of(const Running& running) {
  AdminTls tls = running.tls;
  if (tls.ca.empty()) tls.ca = environment("WEIR_CA", "");
  if (tls.certificate.empty() && tls.key.empty()) {
    tls.certificate = environment("WEIR_CERT", "");
    tls.key = tls.certificate.empty() ? "" : environment("WEIR_KEY", "");
  }
  if (!tls.ca.empty()) tls.known.clear();
  return tls;
}

/// Where the admin is, and how it is spoken to; or the exit code.
std::variant<Door, int> door_of(const Running& running, const std::string& command) {
  const std::string admin = running.admin.empty() ? environment("WEIR_ADMIN", "127.0.0.1:9901") : running.admin;
  std::string_view text = admin;
  const bool secure = text.starts_with(kSecure), plain = text.starts_with(kPlain);
  if (secure || plain) text.remove_prefix(secure ? kSecure.size() : kPlain.size());
  if ((secure || plain) && text.ends_with('/')) text.remove_suffix(1);
  const auto address = config::parse_address(text);
  if (!address) {
    return wrong_usage(command, fmt::format("`{}` is not an address: write 127.0.0.1:9901, https://HOST:PORT or "
                                            "unix:/path",
                                            admin));
  }
  if (!running.tls.key.empty() && running.tls.certificate.empty())
    return wrong_usage(command, "--key says nothing without --cert");
  const bool named = !running.tls.ca.empty() || !running.tls.certificate.empty();
  const bool is_unix = address->kind == config::Address::Kind::unix_path;
  if (is_unix && (named || secure)) return wrong_usage(command, "TLS is not spoken over a unix socket");
  if (plain && named) return wrong_usage(command, "--ca and --cert say nothing where http:// does");
  const AdminTls tls = tls_of(running);
  const bool wanted = !is_unix && !plain && (secure || !tls.ca.empty() || !tls.certificate.empty());
  return Door{*address, wanted ? std::optional(tls) : std::nullopt};
}

}  // namespace

bool ask_weir_of(const config::Config& config, const std::string& command, Running& running) {
  if (!running.admin.empty() || !environment("WEIR_ADMIN", "").empty()) return true;
  if (!config.admin) {
    failed(command, "the file has no `admin`, so that the running weir cannot be asked",
           "add admin: { address: \"127.0.0.1:9901\" }, or send the process a signal");
    return false;
  }
  running.admin = config.admin->address.text;
  if (config.admin->tls) {
    running.admin = "https://" + running.admin;
    for (const auto& certificate : config.admin->tls->certificates) running.tls.known.push_back(certificate.chain);
  }
  if (running.token_file.empty() && environment("WEIR_TOKEN_FILE", "").empty())
    running.token_file = config.admin->token_file;
  return true;
}

int failed(const std::string& command, const std::string& what, const std::string& advice) {
  fmt::print(stderr, "{}\ntry: {}\n", alarming(fmt::format("weir {}: {}", command, what), STDERR_FILENO), advice);
  return kFailed;
}

AnswerOr ask_running(const Running& running, const std::string& command, AdminRequest request,
                     const OnRefusal& on_refusal) {
  const auto found = door_of(running, command);
  if (const int* code = std::get_if<int>(&found)) return *code;
  const Door& door = std::get<Door>(found);
  const std::string token_file = running.token_file.empty() ? environment("WEIR_TOKEN_FILE", "") : running.token_file;
  if (!token_file.empty()) {
    const auto token = read_token(token_file, command);
    if (const int* code = std::get_if<int>(&token)) return *code;
    request.fields.emplace_back("Authorization", "Bearer " + std::get<std::string>(token));
  }
  auto asked = ask_admin(door, request);
  if (const auto* none = std::get_if<NoReply>(&asked)) return failed(command, none->what, none->advice);
  Answer answer{std::get<AdminReply>(std::move(asked)), {}};
  const unsigned status = answer.reply.status;
  if (status / 100 != 2) {
    const auto code = on_refusal ? on_refusal(answer.reply) : std::nullopt;
    if (code) return *code;
    if (running.json) fmt::print("{}\n", answer.reply.body);
    return failed(command, detail_of(answer.reply), advice_for(status));
  }
  boost::json::error_code error;
  answer.json = boost::json::parse(answer.reply.body, error);
  if (error)
    return failed(command, fmt::format("{} answered with what is no JSON", door.address.text), "is it weir's admin?");
  return answer;
}

std::string actor_of(const Running& running) {
  if (!running.actor.empty()) return is_plain(running.actor) ? running.actor : "?";
  std::string user = environment("USER", "");
  if (user.empty()) {
    const passwd* entry = ::getpwuid(::geteuid());
    user = entry == nullptr ? fmt::format("uid {}", ::geteuid()) : entry->pw_name;
  }
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  const std::string name = host[0] == '\0' ? user : fmt::format("{}@{}", user, host.data());
  return is_plain(name) ? name : "?";
}

std::string encoded(std::string_view segment) {
  std::string text;
  for (const unsigned char c : segment) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    text += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return text;
}

int print_json(const Answer& answer) {
  const std::string& body = answer.reply.body;
  fmt::print("{}{}", body, body.ends_with('\n') ? "" : "\n");
  return kDone;
}

}  // namespace weir::cli
