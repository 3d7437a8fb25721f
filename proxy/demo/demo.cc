#include "proxy/demo/demo.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <variant>

#include "proxy/demo/config_file.h"
#include "proxy/demo/origin.h"
#include "proxy/demo/ports.h"
#include "proxy/demo/show.h"
#include "proxy/demo/smoke.h"
#include "proxy/server.h"

namespace weir::demo {
namespace {

namespace fs = std::filesystem;
constexpr const char* kEdge = "127.0.0.1:8080";
constexpr const char* kAdmin = "127.0.0.1:9901";
constexpr const char* kOldOrigin = "127.0.0.1:9001";
constexpr const char* kNewOrigin = "127.0.0.1:9002";
constexpr const char* kAnyPort = "127.0.0.1:0";
constexpr int kFailed = 1, kWrongConfiguration = 3;

int give_up(const std::string& sentence, int code = kFailed) {
  fmt::print(stderr, "weir demo: {}\n", sentence);
  return code;
}

int give_up(const config::Problems& problems, int code) {
  for (const config::Problem& problem : problems) fmt::print(stderr, "{}\n", problem.text());
  return code;
}

/// A directory of our own, removed with what is in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((fs::temp_directory_path() / "weir-demo-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  /// Empty if it could not be made.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// What of a demo must be there before weir starts.
struct Scene {
  std::string config_file;
  Places places;
  std::unique_ptr<Origin> old_origin, new_origin;
};

std::string port_taken(const std::string& address, const char* option, const char* other) {
  return fmt::format(
      "{} is in use: end what listens there (`ss -ltnp` names it), or choose another address: "
      "weir demo {} {}",
      address, option, other);
}

/// Nothing if both addresses are free.
std::optional<std::string> taken(const Places& places) {
  if (is_taken(places.edge)) return port_taken(places.edge, "--edge", "127.0.0.1:8081");
  if (!places.admin.empty() && is_taken(places.admin)) return port_taken(places.admin, "--admin", "127.0.0.1:9902");
  return std::nullopt;
}

/// The usual ports if they are free; a smoke run takes any, so that it never meets another demo.
Places new_places(const Options& options) {
  Places places{.edge = kEdge, .admin = kAdmin};
  if (options.smoke) {
    const std::vector<uint16_t> ports = free_ports(2);
    if (ports.size() == 2) {
      places.edge = fmt::format("127.0.0.1:{}", ports[0]);
      places.admin = fmt::format("127.0.0.1:{}", ports[1]);
    }
  }
  if (!options.edge.empty()) places.edge = options.edge;
  if (!options.admin.empty()) places.admin = options.admin;
  return places;
}

/// The sentence says what a person who gave an address meets in a file that has another.
std::optional<std::string> disagreement(const Options& options, const Places& places) {
  const auto differs = [&](const std::string& asked, const std::string& written) {
    return !asked.empty() && asked != written;
  };
  if (!differs(options.edge, places.edge) && !differs(options.admin, places.admin)) return std::nullopt;
  return fmt::format(
      "{} is kept as it is and says listener {}, admin {}; change the addresses there, or remove the file",
      options.config_file, places.edge, places.admin.empty() ? "none" : places.admin);
}

std::unique_ptr<Origin> listen_at(const char* version, const std::string& address) {
  const auto parsed = config::parse_address(address);
  return parsed ? Origin::listen(version, *parsed) : nullptr;
}

std::unique_ptr<Origin> listen_at_or_anywhere(const char* version, const char* address) {
  auto origin = listen_at(version, address);
  return origin ? std::move(origin) : listen_at(version, kAnyPort);
}

/// Either a scene, or the exit code after what was told.
std::variant<Scene, int> new_scene(const Options& options, std::string config_file) {
  Scene scene{.config_file = std::move(config_file), .places = new_places(options)};
  if (const auto complaint = taken(scene.places)) return give_up(*complaint);
  scene.old_origin = listen_at_or_anywhere(kOld, options.smoke ? kAnyPort : kOldOrigin);
  scene.new_origin = listen_at_or_anywhere(kNew, options.smoke ? kAnyPort : kNewOrigin);
  if (!scene.old_origin || !scene.new_origin)
    return give_up("the kernel has no port left on 127.0.0.1 for the origins");
  scene.places.old_origin = scene.old_origin->address();
  scene.places.new_origin = scene.new_origin->address();
  if (!replace_file(scene.config_file, config_text(scene.places))) {
    return give_up(fmt::format("{} cannot be written: {}", scene.config_file, std::strerror(errno)));
  }
  return scene;
}

std::variant<Scene, int> kept_scene(const Options& options) {
  const auto places = places_of(options.config_file);
  if (!places) return give_up(places.problems(), kWrongConfiguration);
  if (const auto complaint = disagreement(options, *places)) return give_up(*complaint);
  if (const auto complaint = taken(*places)) return give_up(*complaint);
  Scene scene{.config_file = options.config_file, .places = *places};
  scene.old_origin = listen_at(kOld, places->old_origin);
  scene.new_origin = listen_at(kNew, places->new_origin);
  if (scene.old_origin && scene.new_origin) return scene;
  return give_up(
      fmt::format("{}, where {} has an origin, is in use: end what listens there, or change the "
                  "port in the file",
                  scene.old_origin ? places->new_origin : places->old_origin, options.config_file));
}

int run_show(proxy::Server& server, const Options& options, const Scene& scene) {
  Show show(server, {.config_file = scene.config_file,
                     .edge = scene.places.edge,
                     .admin = scene.places.admin,
                     .visitors = options.visitors,
                     .redraw = options.terminal,
                     .break_new = [&](bool broken) { scene.new_origin->break_down(broken); }});
  show.start();
  return server.run();
}

int run_smoke(proxy::Server& server, const Scene& scene) {
  bool right = false;
  const Count count = [&server] {
    std::promise<metrics::Summary> promise;
    boost::asio::post(server.control(), [&] { promise.set_value(metrics::summarize(server.registry())); });
    return promise.get_future().get();
  };
  std::thread sender([&] {
    right = smoke(*config::parse_address(scene.places.edge), scene.config_file, count);
    boost::asio::post(server.control(), [&server] { server.stop(); });
  });
  const int code = server.run();
  sender.join();
  return code != 0 ? code : right ? 0 : kFailed;
}

}  // namespace

int run(const Options& options) {
  std::optional<TemporaryDirectory> directory;
  std::string file = options.config_file;
  if (file.empty()) {
    directory.emplace();
    if (directory->path().empty()) return give_up("no temporary directory can be made: is TMPDIR writable?");
    file = directory->path() + "/demo.yaml";
  }
  auto made = fs::exists(file) ? kept_scene(options) : new_scene(options, file);
  if (const int* code = std::get_if<int>(&made)) return *code;
  const Scene& scene = std::get<Scene>(made);
  spdlog::set_level(spdlog::level::err);  // the demo says itself what weir would log while it starts
  const auto server = proxy::Server::create(scene.config_file);
  if (!server) return give_up(server.problems(), kFailed);
  return options.smoke ? run_smoke(**server, scene) : run_show(**server, options, scene);
}

}  // namespace weir::demo
