// How weir stands, in the one line that `systemctl status` shows. Control thread.
#pragma once

#include <string>

#include "proxy/publication.h"

namespace weir::proxy {

/// `Serving 2 services on 3 listeners; shop: new 25%; search: new 0%, closed`, and behind it what the last load of
/// the configuration failed with (`trouble`, if not empty).
std::string standing(const Publication& publication, const std::string& trouble);

}  // namespace weir::proxy
