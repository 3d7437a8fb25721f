// The admin's listening socket: TCP, or a unix socket that is left behind by nobody and taken from nobody.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/config.h"
#include "config/problem.h"
#include "proxy/net/address.h"

namespace weir::admin {

/// A plain value; the descriptor belongs to whoever got it.
struct Listening {
  int descriptor = -1;
  net::SocketAddress address;  // as bound: with the port that the kernel chose for 0
  std::string path;            // of a unix socket, else empty
  dev_t device = 0;            // which file `path` was when bound
  ino_t inode = 0;
};

/// Binds and listens, non-blocking, close-on-exec. A name is resolved here and now; the first of its addresses that
/// can be bound is taken. A unix socket gets mode 0660; a stale one is replaced, one that answers is a problem.
config::Result<Listening> listen_on(const config::Admin& admin);

/// A socket of this address that listens already.
config::Result<Listening> taken_over(const config::Admin& admin, int descriptor);

/// Removes the unix socket's file, if it is still the one that was bound.
void remove_file(const Listening& listening);

}  // namespace weir::admin
