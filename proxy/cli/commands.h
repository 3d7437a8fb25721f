// The commands that weir has; main.cc puts them into a table.
#pragma once

#include "proxy/cli/command.h"

namespace weir::cli {

Action declare_run(CLI::App& app);
Action declare_check(CLI::App& app);
Action declare_reload(CLI::App& app);
Action declare_upgrade(CLI::App& app);
Action declare_demo(CLI::App& app);
Action declare_explain(CLI::App& app);
Action declare_bucket(CLI::App& app);
Action declare_split(CLI::App& app);
Action declare_rollback(CLI::App& app);
Action declare_reopen(CLI::App& app);
Action declare_revert(CLI::App& app);
Action declare_feedback(CLI::App& app);
Action declare_rollout(CLI::App& app);
Action declare_history(CLI::App& app);
Action declare_status(CLI::App& app);
Action declare_man(CLI::App& app);
Action declare_sign(CLI::App& app);
Action declare_schema(CLI::App& app);
Action declare_version(CLI::App& app);
Action declare_completion(CLI::App& app);

}  // namespace weir::cli
