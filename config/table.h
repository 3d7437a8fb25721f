// The table: every key of the file, its type, what it means, its default. The binder and the JSON
// Schema are both made of it.
#pragma once

#include "config/config.h"
#include "config/type.h"

namespace weir::config {

/// The whole file.
const Type<Config>& file_table();

/// The parts that the files of the table hold for each other.
Type<Service> service_table();
Type<Rule> rule_table();
Type<Split> split_table();
Type<Health> health_table();
Type<Queue> queue_table();
Type<Retry> retry_table();
Type<std::optional<Outlier>> outlier_table();
Type<Rollout> rollout_table();
Type<ListenerTls> listener_tls_table();
Type<ListenerTls> admin_tls_table();
Type<Hsts> hsts_table();
Type<VersionTls> version_tls_table();

}  // namespace weir::config
