// The forms of single values: each read by one function and described by one pattern.
#pragma once

#include <string>

#include "config/config.h"
#include "config/type.h"

namespace weir::config {

/// Of a listener, service, version or rule: it becomes a label of metrics and a part of URLs.
Type<std::string> name();
/// Any text that is not empty; `noun` as in `a file's path`.
Type<std::string> some_text(const std::string& noun);
/// Any text, the empty one too.
Type<std::string> any_text();

/// Where to listen; port 0 lets the kernel choose. A listener can also be a socket that weir is started with.
Type<Address> listener_address();
Type<Address> admin_address();
Type<Address> endpoint_address();
Type<Cidr> cidr();

Type<Share> share();
Type<Milliseconds> duration();
Type<Milliseconds> duration_or_zero();
Type<std::chrono::seconds> seconds();
/// Bytes; a plain 0 is no limit.
Type<uint64_t> size();

Type<std::string> header_name();
Type<std::string> cookie_name();
Type<std::string> query_name();
/// What a client's certificate is looked at by: `subject` or `fingerprint`.
Type<std::string> certificate_part();
Type<CohortKey> cohort_key();

/// A host to match: a name, `*.suffix` or an IP literal, without a port.
Type<std::string> host_pattern();
/// A host name alone.
Type<std::string> host_name();
Type<std::string> path_prefix();
/// One status or a range of them, as 200 or 200-399.
Type<StatusRange> status_range();
/// A path that a probe asks for: printable, without a query.
Type<std::string> probe_path();
Type<std::string> method();
/// A window of the week in which nothing climbs.
Type<FreezeWindow> freeze_window();
Type<HookUrl> hook_url();

}  // namespace weir::config
