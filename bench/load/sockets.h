// Loopback TCP for the programs that measure.
#pragma once

#include <cstdint>

namespace weir::load {

/// Listens on 127.0.0.`host`, without blocking. Ends the program if the port cannot be had.
int listen_on(uint16_t port, uint8_t host = 1);

/// The next connection that waits, without blocking; -1 when there is none.
int accept_from(int listener);

/// Connects to 127.0.0.1 and waits for it (at once, but for a full backlog). -1, with errno, if refused.
/// What follows on the socket is meant for MSG_DONTWAIT.
int connect_to(uint16_t port);

/// An epoll descriptor. Ends the program if there is none.
int new_epoll();

/// Says `what` with errno's text and ends the program with 1.
[[noreturn]] void give_up(const char* what);

}  // namespace weir::load
