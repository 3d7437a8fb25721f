#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "proxy/cli/commands.h"

namespace weir::cli {
namespace {

/// One option of a command as a shell must know it.
struct Flag {
  std::vector<std::string> names;  // `-c`, `--config`
  std::string purpose;
  bool takes_value = false;
  bool takes_file = false;
};

struct Entry {
  std::string name;
  std::string purpose;
  std::vector<Flag> flags;         // of its words, if it has some, too
  std::vector<std::string> words;  // `show`, `set` of split; the shells of completion
};

void add_flags(const CLI::App& command, std::vector<Flag>& flags) {
  for (const CLI::Option* option : command.get_options()) {
    Flag flag{.purpose = option->get_description()};
    for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
    if (flag.names.empty()) continue;  // positional
    flag.takes_value = option->get_items_expected_max() > 0;
    flag.takes_file = option->get_type_name() == "FILE";
    const bool known = std::any_of(flags.begin(), flags.end(), [&](const Flag& f) { return f.names == flag.names; });
    if (!known) flags.push_back(std::move(flag));
  }
}

const auto kAll = [](const CLI::App*) { return true; };

Entry entry_of(const CLI::App& command) {
  Entry entry{command.get_name(), command.get_description(), {}, {}};
  add_flags(command, entry.flags);
  for (const CLI::App* word : command.get_subcommands(kAll)) {
    entry.words.push_back(word->get_name());
    add_flags(*word, entry.flags);
  }
  if (entry.name == "completion") entry.words = {"bash", "zsh", "fish"};
  return entry;
}

/// Every command in the table, read from CLI11, so that the scripts cannot drift from it.
std::vector<Entry> entries_of(CLI::App& program) {
  std::vector<Entry> entries;
  for (const CLI::App* command : program.get_subcommands(kAll)) entries.push_back(entry_of(*command));
  return entries;
}

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> all_names(const std::vector<Flag>& flags) {
  std::vector<std::string> names;
  for (const Flag& flag : flags) names.insert(names.end(), flag.names.begin(), flag.names.end());
  return names;
}

/// Names of the options, over all commands, that take a file, or some other value.
std::vector<std::string> names_that_take(const std::vector<Entry>& entries, bool file) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    for (const Flag& flag : entry.flags) {
      if (flag.takes_value && flag.takes_file == file) names.insert(names.end(), flag.names.begin(), flag.names.end());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string bash_script(const std::vector<Entry>& entries) {
  std::string commands, cases;
  for (const Entry& entry : entries) {
    commands += entry.name + " ";
    std::vector<std::string> words = entry.words;
    for (std::string& name : all_names(entry.flags)) words.push_back(std::move(name));
    cases += fmt::format("    {}) words='{}' ;;\n", entry.name, joined(words));
  }
  return fmt::format(R"(# bash completion of weir; load it with: source <(weir completion bash)
_weir() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words=
  COMPREPLY=()
  case $previous in
    {}) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    {}) return ;;
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W '{}--help' -- "$current")
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}}
complete -o filenames -F _weir weir
)",
                     joined(names_that_take(entries, true), " | "), joined(names_that_take(entries, false), " | "),
                     commands, cases);
}

/// `text` for the inside of single quotes in zsh and fish, where zsh's `[`, `]` and `:` mean something.
std::string quoted_for_zsh(const std::string& text) {
  std::string quoted;
  for (char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else if (c == '[' || c == ']' || c == ':')
      quoted += std::string("\\") + c;
    else
      quoted += c;
  }
  return quoted;
}

std::string zsh_script(const std::vector<Entry>& entries) {
  std::string commands, cases;
  for (const Entry& entry : entries) {
    commands += fmt::format("    '{}:{}'\n", entry.name, quoted_for_zsh(entry.purpose));
    cases += fmt::format("    {})\n      _arguments", entry.name);
    for (const Flag& flag : entry.flags) {
      const char* value = !flag.takes_value ? "" : flag.takes_file ? ":file:_files" : ":value: ";
      for (const std::string& name : flag.names) {
        cases += fmt::format(" \\\n        '*{}[{}]{}'", name, quoted_for_zsh(flag.purpose), value);
      }
    }
    if (!entry.words.empty()) cases += fmt::format(" \\\n        '1:word:({})'", joined(entry.words));
    cases += " ;;\n";
  }
  return fmt::format(R"(#compdef weir
# zsh completion of weir; put it into a file named _weir in a directory of $fpath
_weir() {{
  local -a commands
  commands=(
{}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{}  esac
}}
if [ "$funcstack[1]" = _weir ]; then _weir "$@"; else compdef _weir weir; fi
)",
                     commands, cases);
}

std::string quoted_for_fish(const std::string& text) {
  std::string quoted;
  for (char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted;
}

std::string fish_script(const std::vector<Entry>& entries) {
  std::string script = "# fish completion of weir; load it with: weir completion fish | source\ncomplete -c weir -f\n";
  for (const Entry& entry : entries) {
    script += fmt::format("complete -c weir -n __fish_use_subcommand -a {} -d '{}'\n", entry.name,
                          quoted_for_fish(entry.purpose));
    const std::string here = fmt::format("complete -c weir -n '__fish_seen_subcommand_from {}'", entry.name);
    for (const Flag& flag : entry.flags) {
      script += here;
      for (const std::string& name : flag.names) {
        script +=
            name.starts_with("--") ? fmt::format(" -l {}", name.substr(2)) : fmt::format(" -s {}", name.substr(1));
      }
      script += flag.takes_file ? " -r -F" : flag.takes_value ? " -x" : "";
      script += fmt::format(" -d '{}'\n", quoted_for_fish(flag.purpose));
    }
    if (!entry.words.empty()) script += fmt::format("{} -a '{}'\n", here, joined(entry.words));
  }
  return script;
}

int print_script(CLI::App& program, const std::string& shell) {
  const std::vector<Entry> entries = entries_of(program);
  if (shell == "bash")
    fmt::print("{}", bash_script(entries));
  else if (shell == "zsh")
    fmt::print("{}", zsh_script(entries));
  else if (shell == "fish")
    fmt::print("{}", fish_script(entries));
  else
    return wrong_usage("completion", fmt::format("there is no script for `{}`: bash, zsh or fish", shell));
  return kDone;
}

}  // namespace

Action declare_completion(CLI::App& app) {
  const auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "bash, zsh or fish")->required()->type_name("");
  app.footer(R"(Examples:
  source <(weir completion bash)                  now; put the line into ~/.bashrc to keep it
  weir completion zsh > "${fpath[1]}/_weir"
  weir completion fish > ~/.config/fish/completions/weir.fish)");
  return [program = app.get_parent(), shell] { return print_script(*program, *shell); };
}

}  // namespace weir::cli
