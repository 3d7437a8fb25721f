// An admin server that runs, for tests that talk to it over a socket.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "proxy/admin/server.h"
#include "tests/proxy/admin_fake_operator.h"
#include "tests/proxy/admin_view.h"

namespace weir::admin {

/// An admin server on a thread of its own, as the control thread is in weir.
class Running {
 public:
  explicit Running(Options options) {
    Sources sources{[this] { return ready.load(); }, [this] { return page; }, [this] { return view; }, &control};
    auto opened = Server::open(io_, std::move(options), std::move(sources));
    if (!opened) {
      problem = opened.problems().at(0).what;
      return;
    }
    server_ = std::move(*opened);
    address = server_->address().text();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Running() {
    if (!thread_.joinable()) return;
    stop();
    work_.reset();
    thread_.join();
  }

  /// Does something on the server's thread, and waits until it is done.
  void on_its_thread(const std::function<void()>& what) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// Ends the server, on its thread.
  void stop() {
    on_its_thread([this] { server_.reset(); });
  }

  std::atomic<bool> ready{true};
  FakeOperator control;  // looked at and changed on its thread, or before the first request
  View view = make_view();
  std::string page = "# TYPE a counter\na_total 1\n";
  std::string address, problem;

 private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

inline Options options_at(const std::string& address) {
  Options options;
  options.admin.address = *config::parse_address(address);
  return options;
}

inline std::string get(const std::string& target, const std::string& lines = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n" + lines + "\r\n";
}

}  // namespace weir::admin
