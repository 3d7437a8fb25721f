#include "proxy/control/audiences.h"

#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstring>

namespace weir::control {

void Audiences::begin(const std::optional<config::State>& state) {
  if (!state) return;
  book_.emplace(state->directory);
  close_window_later();
}

void Audiences::close_window_later() {
  timer_.expires_after(routing::rollout::kWindow);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    close_window();
    close_window_later();
  });
}

void Audiences::close_window() {
  const auto current = publisher_.current();
  for (size_t i = 0; i < current->services.size(); ++i) {
    const auto& audience = current->services[i].audience;
    if (audience != nullptr) book_->add(current->config().services[i].name, audience->take());
  }
  const bool well = book_->save();
  if (!well && !std::exchange(told_, true)) {
    spdlog::warn("how many users there are is not kept: {}: {}", book_->file(), std::strerror(errno));
  }
  if (well) told_ = false;
}

}  // namespace weir::control
