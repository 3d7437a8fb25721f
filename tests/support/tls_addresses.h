// Addresses that every client of a test's speaks TLS to, and how.
#pragma once

#include <string>

#include "tests/support/tls.h"

namespace weir::testing {

/// As note_tls_address, with other options than the house's.
void note_tls_address(const std::string& address, TlsOptions options);

/// It speaks plain text again: the kernel may give its port to somebody else.
void forget_tls_address(const std::string& address);

/// An address of this process' own, not taken yet, that is to speak TLS: for an admin, which must be named before weir
/// starts.
std::string chosen_tls_address(TlsOptions options);
/// A weir starts there: if it was chosen so it speaks TLS from here on, whoever had its port meanwhile.
void note_chosen_tls_address(const std::string& address);

}  // namespace weir::testing
