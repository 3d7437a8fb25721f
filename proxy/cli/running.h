// A running weir, as a command of an operator's names and asks it.
#pragma once

#include <boost/json.hpp>
#include <functional>
#include <optional>
#include <string>

#include "proxy/cli/admin_client.h"
#include "proxy/cli/command.h"

namespace weir::cli {

/// The options that every such command has.
struct Running {
  std::string admin;       // --admin, WEIR_ADMIN, 127.0.0.1:9901; https:// before it: by TLS
  AdminTls tls;            // --ca, --cert, --key; WEIR_CA, WEIR_CERT, WEIR_KEY
  std::string token_file;  // --token-file, WEIR_TOKEN_FILE
  std::string actor;       // --actor; $USER@host
  bool json = false;
};

/// The admin of the weir that runs with this file: its address and token, where options and environment name none.
/// False: the file has no admin listener, which is told on standard error.
bool ask_weir_of(const config::Config& config, const std::string& command, Running& running);

/// `--admin`, `--token-file`, `--ca`, `--cert`, `--key` and `--json`; with `Changes::yes` also `--actor`.
enum class Changes { no, yes };
void add_running_options(CLI::App& app, Running& running, Changes changes);

/// An answer that was understood: its status is 2xx, its body JSON.
struct Answer {
  AdminReply reply;
  boost::json::value json;
};

/// Or the exit code, everything having been told on standard error.
using AnswerOr = std::variant<Answer, int>;

/// What to do with an answer that is no 2xx, before it is told as an error: gives the exit code if it did.
using OnRefusal = std::function<std::optional<int>(const AdminReply&)>;

/// Asks for `command` (as in messages). Refusals are told with what the API says of them.
AnswerOr ask_running(const Running& running, const std::string& command, AdminRequest request,
                     const OnRefusal& on_refusal = {});

/// Who makes a change: --actor, or $USER@host.
std::string actor_of(const Running& running);

/// A segment of a path.
std::string encoded(std::string_view segment);

/// Says on standard error that something went wrong, and what to do; gives kFailed.
int failed(const std::string& command, const std::string& what, const std::string& advice);

/// The API's answer as it came, with a line's end.
int print_json(const Answer& answer);

}  // namespace weir::cli
