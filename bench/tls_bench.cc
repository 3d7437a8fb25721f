// What lies between OpenSSL and a socket, three ways: OpenSSL's own calls on the descriptor, memory that is filled and
// emptied beside it (BIO_s_mem), and what Stream has (proxy/net/tls.h). Only the server's half of an exchange is timed.
#include <benchmark/benchmark.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "proxy/net/stream.h"
#include "proxy/net/tls_server.h"

namespace weir::net {
namespace {

/// A certificate of P-256 that signs itself, written to a file, its key to another.
void write_identity(const std::string& chain, const std::string& key) {
  const Owned<EVP_PKEY> secret(EVP_EC_gen("P-256"));
  const Owned<X509> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86'400);
  X509_set_pubkey(certificate.get(), secret.get());
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("shop.example"), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), secret.get(), EVP_sha256());
  std::FILE* file = std::fopen(chain.c_str(), "w");
  if (file == nullptr) throw std::runtime_error(chain);
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  file = std::fopen(key.c_str(), "w");
  PEM_write_PrivateKey(file, secret.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

std::shared_ptr<const TlsServer> made_server() {
  std::string directory = std::filesystem::temp_directory_path() / "weir-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) throw std::runtime_error(directory);
  config::ListenerTls tls;
  tls.certificates = {{.chain = directory + "/chain.pem", .key = directory + "/key.pem"}};
  write_identity(tls.certificates[0].chain, tls.certificates[0].key);
  auto loaded = TlsServer::load(tls, "bench", std::make_shared<TicketKeys>(), Dates::must_hold);
  std::filesystem::remove_all(directory);
  if (!loaded) throw std::runtime_error(loaded.problems().front().what);
  return loaded->server;
}

/// OpenSSL calls recv(2) and send(2) itself, once for each record that leaves.
class Descriptor {
 public:
  Descriptor(int fd, const TlsServer& server) : fd_(fd), ssl_(server.session()) {
    SSL_set_fd(ssl_.get(), fd);
    SSL_set_accept_state(ssl_.get());
  }
  ~Descriptor() { ::close(fd_); }
  bool shake_hands() { return SSL_do_handshake(ssl_.get()) == 1; }
  size_t read(std::span<char> into) {
    size_t size = 0;
    SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
    return size;
  }
  void write(std::string_view bytes) {
    for (size_t size = 0; !bytes.empty(); bytes.remove_prefix(size))
      SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
  }

 private:
  int fd_;
  Owned<SSL> ssl_;
};

/// What was received is put into memory, what is to be sent is taken out of it, in one piece.
class Memory {
 public:
  Memory(int fd, const TlsServer& server) : fd_(fd), ssl_(server.session()) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }
  ~Memory() { ::close(fd_); }
  bool shake_hands() {
    take_in();
    const bool done = SSL_do_handshake(ssl_.get()) == 1;
    give_out();
    return done;
  }
  size_t read(std::span<char> into) {
    take_in();
    size_t size = 0;
    SSL_read_ex(ssl_.get(), into.data(), into.size(), &size);
    return size;
  }
  void write(std::string_view bytes) {
    for (size_t size = 0; !bytes.empty(); bytes.remove_prefix(size))
      SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &size);
    give_out();
  }

 private:
  void take_in() {
    const ssize_t got = ::recv(fd_, room_.data(), room_.size(), MSG_DONTWAIT);
    if (got > 0) BIO_write(SSL_get_rbio(ssl_.get()), room_.data(), static_cast<int>(got));
  }
  void give_out() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &bytes);
    if (size > 0) ::send(fd_, bytes, static_cast<size_t>(size), MSG_NOSIGNAL);
    BIO_reset(SSL_get_wbio(ssl_.get()));
  }

  int fd_;
  Owned<SSL> ssl_;
  std::array<char, 17 * 1024> room_;
};

class OfStream {
 public:
  OfStream(int fd, const std::shared_ptr<const TlsServer>& server) {
    stream_.adopt(fd);
    stream_.serve_tls(server, "");
  }
  bool shake_hands() {
    stream_.on_events(EPOLLIN);
    return stream_.shake_hands().state == IoState::ok;
  }
  size_t read(std::span<char> into) {
    stream_.on_events(EPOLLIN);
    return stream_.read(into).size;
  }
  void write(std::string_view bytes) { stream_.write(bytes); }

 private:
  Loop loop_;
  Stream stream_{loop_};
};

/// OpenSSL's client at the other end.
struct Client {
  explicit Client(int fd) : fd(fd) {
    SSL_set_fd(ssl.get(), fd);
    SSL_set_connect_state(ssl.get());
  }
  ~Client() { ::close(fd); }
  void write(std::string_view bytes) {
    size_t size = 0;
    SSL_write_ex(ssl.get(), bytes.data(), bytes.size(), &size);
  }
  void read(size_t wanted) {
    for (size_t size = 0; wanted > 0; wanted -= size) {
      if (SSL_read_ex(ssl.get(), room.data(), room.size(), &size) != 1) throw std::runtime_error("the answer was cut");
    }
  }

  int fd;
  Owned<SSL_CTX> context{SSL_CTX_new(TLS_client_method())};
  Owned<SSL> ssl{SSL_new(context.get())};
  std::array<char, 16 * 1024> room;
};

/// A request of 100 bytes is read, and an answer written.
template <class Layer>
void exchange(benchmark::State& state) {
  std::array<int, 2> ends;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw std::runtime_error("sockets");
  const int room = 1 << 20;
  for (const int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  const auto server = made_server();
  Layer layer = [&] {
    if constexpr (std::is_same_v<Layer, OfStream>)
      return Layer(ends[0], server);
    else
      return Layer(ends[0], *server);
  }();
  Client client(ends[1]);
  bool met = false, welcomed = false;
  for (int step = 0; step < 20 && !(met && welcomed); ++step) {
    met = met || SSL_do_handshake(client.ssl.get()) == 1;
    welcomed = welcomed || layer.shake_hands();
  }
  if (!met || !welcomed) throw std::runtime_error("no hands were shaken");
  const std::string request(100, 'r'), answer(static_cast<size_t>(state.range(0)), 'a');
  std::array<char, 16 * 1024> into;
  for (auto _ : state) {
    client.write(request);
    const auto began = std::chrono::steady_clock::now();
    if (layer.read(into) != request.size()) throw std::runtime_error("the request was cut");
    layer.write(answer);
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    client.read(answer.size());
  }
}
BENCHMARK(exchange<Descriptor>)->Arg(256)->Arg(64 * 1024)->UseManualTime();
BENCHMARK(exchange<Memory>)->Arg(256)->Arg(64 * 1024)->UseManualTime();
BENCHMARK(exchange<OfStream>)->Arg(256)->Arg(64 * 1024)->UseManualTime();

}  // namespace
}  // namespace weir::net
