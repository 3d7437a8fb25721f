#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>

#include "proxy/cli/commands.h"

namespace weir::cli {
namespace {

constexpr const char* kHead = R"(.SH NAME
weir \- an edge proxy that sends each request to the old or the new version of a service
.SH SYNOPSIS
.B weir
.I COMMAND
.RI [ OPTION \&... ]
.SH DESCRIPTION
weir stands before the old and the new version of a service and sends each request to one of them: by rules, else by a
hashed cohort, so that a user who has met the new version stays with it. The share of the new version is changed while
weir runs and counts from the next request on.
.PP
Commands that ask a running weir reach it at its admin address:
.BR \-\-admin ,
the variable
.BR WEIR_ADMIN ,
or 127.0.0.1:9901. Options may stand anywhere on the line.
.SH COMMANDS
)";

constexpr const char* kTail = R"(.SH ENVIRONMENT
.TP
.B WEIR_ADMIN
The admin address of the running weir, where
.B \-\-admin
names none.
.TP
.B WEIR_TOKEN_FILE
A file with the admin's token, where
.B \-\-token\-file
names none.
.TP
.B WEIR_CA, WEIR_CERT, WEIR_KEY
PEM files for an admin that speaks TLS, where
.BR \-\-ca ,
.B \-\-cert
and
.B \-\-key
name none.
.TP
.B NO_COLOR
If set, nothing is coloured. Nothing is, either, what does not go to a terminal.
.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage, 3 the configuration is wrong, 4 somebody else changed it first.
.SH SIGNALS
.TP
.B TERM, INT
Let requests under way finish, then exit 0; a second one exits at once.
.TP
.B HUP
Loads the configuration again.
.TP
.B USR1
Opens the access log again.
.TP
.B USR2
Starts the program anew and hands over to it, as
.B weir upgrade
does.
)";

/// Text as roff takes it: backslashes and hyphens escaped, no line that begins as a request.
std::string escaped(const std::string& text) {
  std::string out;
  bool at_begin = true;
  for (const char c : text) {
    if (at_begin && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    at_begin = c == '\n';
  }
  return out;
}

/// What stands under a command's help: sentences fill, examples keep their lines.
std::string footer_of(const std::string& footer) {
  std::string out;
  bool verbatim = false;
  std::istringstream lines(footer);
  for (std::string line; std::getline(lines, line);) {
    const bool example = line.starts_with("  ");
    if (example != verbatim) out += example ? ".nf\n" : ".fi\n";
    verbatim = example;
    out += line.empty() ? ".PP\n" : escaped(line) + "\n";
  }
  return verbatim ? out + ".fi\n" : out;
}

std::string names_of(const CLI::Option& option) {
  std::string names;
  const auto add = [&](const std::string& name) { names += (names.empty() ? "" : ", ") + name; };
  for (const std::string& name : option.get_snames()) add("-" + name);
  for (const std::string& name : option.get_lnames()) add("--" + name);
  if (names.empty()) return option.get_name(true);
  const bool takes_value = option.get_items_expected_max() > 0;
  return takes_value ? names + " " + option.get_type_name() : names;
}

/// A command's purpose as a sentence.
std::string sentence(std::string purpose) {
  if (!purpose.empty() && purpose[0] >= 'a' && purpose[0] <= 'z')
    purpose[0] = static_cast<char>(purpose[0] - 'a' + 'A');
  return escaped(purpose) + ".";
}

std::string section_of(const CLI::App& command, const std::string& name) {
  std::string out = fmt::format(".SS weir {}\n{}\n", escaped(name), sentence(command.get_description()));
  const auto words = command.get_subcommands([](const CLI::App*) { return true; });
  if (words.empty()) {
    for (const CLI::Option* option : command.get_options()) {
      out += fmt::format(".TP\n.B {}\n{}\n", escaped(names_of(*option)), escaped(option->get_description()));
    }
    out += ".PP\n" + footer_of(command.get_footer());
  }
  for (const CLI::App* word : words) out += section_of(*word, name + " " + word->get_name());
  return out;
}

int print_page(const CLI::App& program) {
  fmt::print(".TH WEIR 1 \"\" \"weir {}\"\n{}", WEIR_VERSION, kHead);
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    fmt::print("{}", section_of(*command, command->get_name()));
  }
  fmt::print("{}", kTail);
  return kDone;
}

}  // namespace

Action declare_man(CLI::App& app) {
  app.footer(R"(Examples:
  weir man | man -l -
  weir man > /usr/local/share/man/man1/weir.1)");
  return [program = app.get_parent()] { return print_page(*program); };
}

}  // namespace weir::cli
