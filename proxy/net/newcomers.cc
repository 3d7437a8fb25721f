#include "proxy/net/newcomers.h"

#include "proxy/net/stream.h"

namespace weir::net {

void Newcomers::add(Stream& stream) {
  stream.place_ = static_cast<Place>(streams_.size());
  streams_.push_back(&stream);
}

void Newcomers::remove(Stream& stream) {
  streams_[stream.place_] = streams_.back();
  streams_[stream.place_]->place_ = stream.place_;
  streams_.pop_back();
  stream.place_ = kNone;
}

void Newcomers::watch_all() {
  while (!streams_.empty()) {
    Stream& stream = *streams_.back();
    if (!stream.watch()) stream.cut_off();
  }
}

}  // namespace weir::net
