#include "tests/support/program.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace weir::testing {
namespace {

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string text = *entry;
    std::string name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& [key, value] : added) replaced = replaced || key == name;
    if (!replaced) all.push_back(std::move(text));
  }
  for (const auto& [key, value] : added) all.push_back(key + "=" + value);
  return all;
}

/// As execve(2) takes them: the last one is null.
std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all(texts.size() + 1);
  std::ranges::transform(texts, all.begin(), [](std::string& text) { return text.data(); });
  return all;
}

/// As in a container whose system calls are filtered (seccomp(2)).
bool refuse_io_uring() {
  sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(steps)), steps};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool is_crash(const Exit& end) {
  return end.signal == SIGSEGV || end.signal == SIGABRT || end.signal == SIGBUS || end.signal == SIGFPE ||
         end.signal == SIGILL;
}

}  // namespace

std::string sanitizer_report(const std::string& written) {
  for (const char* beginning :
       {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", ": runtime error: "}) {
    if (const size_t at = written.find(beginning); at != std::string::npos) return written.substr(at, 4000);
  }
  return {};
}

Program::Program(const std::string& path, const std::vector<std::string>& arguments, const ProgramOptions& options) {
  write_file(directory_ / "in", options.input);
  write_file(directory_ / "out", "");
  write_file(directory_ / "err", "");
  std::vector<std::string> words{path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> settings = environment_with(options.environment);
  std::vector<char*> argv = pointers(words), envp = pointers(settings);
  std::string in = directory_ / "in", out = directory_ / "out", err = directory_ / "err";

  id_ = ::fork();
  if (id_ < 0) throw std::runtime_error("cannot fork");
  if (id_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // it does not outlive a test that is killed
  // Between fork and exec only calls that are safe after a fork of a program with threads.
  ::dup2(::open(in.c_str(), O_RDONLY), 0);
  ::dup2(::open(out.c_str(), O_WRONLY | O_APPEND), 1);
  ::dup2(::open(err.c_str(), O_WRONLY | O_APPEND), 2);
  const rlimit few{options.descriptors, options.descriptors};
  if (options.descriptors > 0 && ::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(126);
  if (!options.io_uring && !refuse_io_uring()) ::_exit(126);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
  ::execve(argv[0], argv.data(), envp.data());
  const char message[] = "cannot execute the program\n";
  if (::write(2, message, sizeof message - 1) < 0) ::_exit(127);
  ::_exit(127);
}

Program::~Program() {
  if (running()) {
    signal(SIGKILL);
    wait();
  }
  EXPECT_EQ(sanitizer_report(errors()), "");
  EXPECT_FALSE(exit_ && is_crash(*exit_)) << "it crashed, by signal " << exit_->signal << ":\n" << errors();
}

bool Program::running() { return !wait(Duration(0)); }

void Program::signal(int number) {
  if (!exit_) ::kill(id_, number);
}

std::optional<Exit> Program::wait(Duration patience) {
  wait_until(
      [this] {
        if (exit_) return true;
        int status = 0;
        if (::waitpid(id_, &status, WNOHANG) != id_) return false;
        exit_ = WIFSIGNALED(status) ? Exit{-1, WTERMSIG(status)} : Exit{WEXITSTATUS(status), 0};
        return true;
      },
      patience);
  return exit_;
}

std::string Program::output() const { return read_file(directory_ / "out"); }
std::string Program::errors() const { return read_file(directory_ / "err"); }

bool Program::wait_for_text(std::string_view text, Duration patience) {
  auto seen = [&] { return output().find(text) != std::string::npos || errors().find(text) != std::string::npos; };
  return wait_until([&] { return seen() || !running(); }, patience) && seen();
}

size_t Program::resident_bytes() const {
  std::istringstream status(read_file("/proc/" + std::to_string(id_) + "/status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) * 1024;
  return 0;
}

size_t Program::open_descriptors() const {
  size_t count = 0;
  std::error_code gone;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(id_) + "/fd", gone))
    ++count;
  return count;
}

Finished run(const std::string& path, const std::vector<std::string>& arguments, const ProgramOptions& options,
             Duration patience) {
  Program program(path, arguments, options);
  std::optional<Exit> end = program.wait(patience);
  return {end ? end->code : -1, program.output(), program.errors()};
}

}  // namespace weir::testing
