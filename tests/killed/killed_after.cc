// Preloaded into a weir under test: kills it (SIGKILL) right after it has changed for the N-th time what outlives it.
//
// N stands in the file that WEIR_KILLED_AFTER names, and is counted down in it; where there is no such file, nobody is
// killed. A change is a record appended to a journal, or a journal renamed over the one before.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

void count_down() {
  const char* const path = std::getenv("WEIR_KILLED_AFTER");
  const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  char text[16] = {};
  const long left = ::read(file, text, sizeof text - 1) > 0 ? std::strtol(text, nullptr, 10) : 0;
  if (left == 1) ::kill(::getpid(), SIGKILL);
  if (left > 1) {
    const int size = std::snprintf(text, sizeof text, "%ld\n", left - 1);
    if (::ftruncate(file, 0) == 0) [[maybe_unused]]
      const ssize_t written = ::pwrite(file, text, static_cast<size_t>(size), 0);
  }
  ::close(file);
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int rename(const char* from, const char* to) noexcept {
  const int result = real<int(const char*, const char*)>("rename")(from, to);
  if (result == 0) count_down();
  return result;
}

extern "C" int fdatasync(int file) {
  const int result = real<int(int)>("fdatasync")(file);
  if (result == 0) count_down();
  return result;
}
