#include "proxy/net/pem.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace weir::net {

namespace {

constexpr off_t kLargest = 64 << 20;

/// What is encrypted and ought not to be: nobody is at hand to be asked.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<BIO> memory(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Objects of one kind until there are no more; what stands between them is passed over.
template <class T, class Read>
std::vector<Owned<T>> read_each(const std::string& text, Read read) {
  std::vector<Owned<T>> found;
  const Owned<BIO> bio = memory(text);
  while (T* one = read(bio.get(), nullptr, no_passphrase, nullptr)) found.emplace_back(one);
  const auto error = ERR_peek_last_error();
  // No further beginning is the end; anything else is a broken one.
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  if (at_end) {
    ERR_clear_error();
  } else {
    found.clear();
  }
  return found;
}

template <class T, class Read>
std::vector<Owned<T>> read_file(const std::string& path, const std::string& key, const std::string& noun,
                                const config::Where& where, config::Problems& problems, Files files, Read read) {
  std::string why;
  const auto text = read_bytes(path, why, files);
  if (!text) {
    problems.push_back({where, key + ": " + path + " cannot be read: " + why + "; name a PEM file that can"});
    return {};
  }
  ERR_clear_error();
  auto found = read_each<T>(*text, read);
  if (found.empty()) {
    const std::string complaint = openssl_complaint();
    problems.push_back({where, key + ": " + path + " holds no " + noun + " in PEM form" +
                                   (complaint.empty() ? "" : " (" + complaint + ")") + "; name one that does"});
  }
  return found;
}

struct Passphrase {
  std::string text;
  bool asked = false;
};

int give_passphrase(char* into, int size, int, void* passphrase) {
  auto& known = *static_cast<Passphrase*>(passphrase);
  known.asked = true;
  if (known.text.empty() || known.text.size() > static_cast<size_t>(size)) return -1;
  std::memcpy(into, known.text.data(), known.text.size());
  return static_cast<int>(known.text.size());
}

Owned<EVP_PKEY> read_key(const config::Certificate& files, config::Problems& problems, Files kind) {
  const auto wrong = [&](const std::string& what) { problems.push_back({files.where, what}); };
  std::string why;
  Passphrase passphrase;
  if (!files.passphrase_file.empty()) {
    const auto text = read_bytes(files.passphrase_file, why, kind);
    if (!text) {
      wrong("passphrase_file: " + files.passphrase_file + " cannot be read: " + why + "; name a file that can");
      return nullptr;
    }
    passphrase.text = text->substr(0, text->find_first_of("\r\n"));
  }
  const auto text = read_bytes(files.key, why, kind);
  if (!text) {
    wrong("key: " + files.key + " cannot be read: " + why + "; name a PEM file that weir's user may read");
    return nullptr;
  }
  ERR_clear_error();
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(memory(*text).get(), nullptr, give_passphrase, &passphrase));
  if (key) return key;
  const std::string complaint = openssl_complaint();
  if (passphrase.asked && files.passphrase_file.empty()) {
    wrong("key: " + files.key + " is encrypted; name a passphrase_file beside it");
  } else if (passphrase.asked) {
    wrong("key: " + files.key + " is not opened by the passphrase in " + files.passphrase_file);
  } else {
    wrong("key: " + files.key + " holds no private key in PEM form" +
          (complaint.empty() ? "" : " (" + complaint + ")") + "; name one that does");
  }
  return nullptr;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  return text;
}

std::string text_of(const ASN1_STRING* string) {
  unsigned char* bytes = nullptr;
  const int size = ASN1_STRING_to_UTF8(&bytes, string);
  if (size < 0) return {};
  std::string text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return lower(std::move(text));
}

}  // namespace

std::optional<std::string> read_bytes(const std::string& path, std::string& why, Files files) {
  why.clear();
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | (files == Files::regular ? O_NONBLOCK : 0));
  struct stat status {};
  const bool there = file >= 0 && ::fstat(file, &status) == 0;
  if (!there) why = std::strerror(errno);
  if (there && files == Files::regular && !S_ISREG(status.st_mode)) why = "it is no regular file";
  std::string bytes;
  std::array<char, 16 * 1024> piece;
  for (ssize_t got = 1; why.empty() && got != 0;) {
    got = ::read(file, piece.data(), piece.size());
    if (got > 0) bytes.append(piece.data(), static_cast<size_t>(got));
    if (got < 0 && errno != EINTR) why = std::strerror(errno);
    if (static_cast<off_t>(bytes.size()) > kLargest) why = "it is larger than 64 MiB";
  }
  if (why.empty() && bytes.empty()) why = "it is empty";
  if (file >= 0) ::close(file);
  return why.empty() ? std::optional(std::move(bytes)) : std::nullopt;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&parts)));
}

std::string text_of(const X509_NAME* name) {
  const Owned<BIO> text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(size)};
}

std::string openssl_complaint() {
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  const char* const reason = error != 0 ? ERR_reason_error_string(error) : nullptr;
  return reason ? reason : "";
}

std::vector<std::string> Identity::names() const {
  std::vector<std::string> found;
  auto* const alternatives =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) found.push_back(text_of(name->d.dNSName));
  }
  GENERAL_NAMES_free(alternatives);
  if (!found.empty()) return found;
  const X509_NAME* const subject = X509_get_subject_name(certificate.get());
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) found.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return found;
}

std::chrono::sys_seconds Identity::not_before() const { return time_of(X509_get0_notBefore(certificate.get())); }
std::chrono::sys_seconds Identity::not_after() const { return time_of(X509_get0_notAfter(certificate.get())); }

std::vector<Owned<X509>> read_certificates(const std::string& path, const std::string& key, const config::Where& where,
                                           config::Problems& problems, Files files) {
  return read_file<X509>(path, key, "certificate", where, problems, files, PEM_read_bio_X509);
}

std::vector<Owned<X509_CRL>> read_revocations(const std::string& path, const std::string& key,
                                              const config::Where& where, config::Problems& problems) {
  return read_file<X509_CRL>(path, key, "revocation list", where, problems, Files::regular, PEM_read_bio_X509_CRL);
}

std::optional<Identity> read_identity(const config::Certificate& files, config::Problems& problems, Files kind) {
  auto chain = read_certificates(files.chain, "chain", files.where, problems, kind);
  Identity identity{nullptr, {}, read_key(files, problems, kind)};
  if (chain.empty() || !identity.key) return std::nullopt;
  identity.certificate = std::move(chain.front());
  chain.erase(chain.begin());
  identity.chain = std::move(chain);
  if (X509_check_private_key(identity.certificate.get(), identity.key.get()) != 1) {
    ERR_clear_error();
    problems.push_back({files.where, "key: " + files.key + " does not belong to the first certificate of " +
                                         files.chain + "; name the key it was issued for"});
    return std::nullopt;
  }
  return identity;
}

}  // namespace weir::net
