// The keys about TLS, and where a change of each is seen.
#include <fmt/format.h>
#include <signal.h>

#include "tests/e2e/schema_walk.h"
#include "tests/support/tls_addresses.h"

namespace weir::testing {
namespace {

const std::string kCertificate = "certificates: [{ chain: DIR/a.pem, key: DIR/a.key }]";

/// A listener's tls with these further keys.
ConfigText tls(const std::string& more = "") {
  return {.listener = {"tls: { " + kCertificate + (more.empty() ? "" : ", " + more) + " }"}};
}

ConfigText certificate(const std::string& text) { return {.listener = {"tls: { certificates: [{ " + text + " }] }"}}; }

TlsOptions believing(const Stage& stage) { return {.ca = stage.authority.ca(), .server_name = "shop.example"}; }

/// What a client sees once hands are shaken.
Look met(std::function<std::string(TlsSide&)> told, TlsOptions options = {}) {
  return [=](Stage& stage) -> std::string {
    Client client(stage.weir->edge(), {.tls = options});
    return client.secured() ? told(*client.wire().tls()) : "refused";
  };
}

/// The status that a client gets which shows this certificate (of DIR), or none.
Look answer_to_bearer(const std::string& name) {
  return [=](Stage& stage) {
    TlsOptions options = believing(stage);
    if (!name.empty()) {
      options.chain = stage.directory / name + ".pem";
      options.key = stage.directory / name + ".key";
    }
    Client client(stage.weir->edge(), {.tls = options});
    client.send(get("/"));
    return std::to_string(client.receive().status);
  };
}

/// What the endpoint is told of a client that shows this certificate.
Look told_of_bearer(const std::string& name) {
  return [=](Stage& stage) {
    answer_to_bearer(name)(stage);
    return stage.old_origin.requests().back().fields.get("Client-Cert");
  };
}

/// How a reload ends when this file of DIR has become nonsense.
Look after_spoiling(const std::string& file) {
  return [=](Stage& stage) {
    write_file(stage.directory / file, "nonsense");
    const auto loads = [&](const char* result) {
      return stage.weir->metrics().sum("weir_config_reloads_total", {{"result", result}});
    };
    stage.weir->program().signal(SIGHUP);
    wait_until([&] { return loads("success") + loads("failure") > 0; });
    return fmt::format("{}", loads("failure"));
  };
}

std::string coming_back(Stage& stage) {
  TlsOptions options = believing(stage);
  Client first(stage.weir->edge(), {.tls = options});
  first.send(get("/"));
  first.receive();
  options.session = first.wire().tls()->session();
  return Client(stage.weir->edge(), {.tls = options}).wire().tls()->resumed() ? "resumed" : "full";
}

std::string silent_client(Stage& stage) {
  Client client(stage.weir->edge());
  return acts(client);
}

std::string silent_client_before_another(Stage& stage) {
  Client first(stage.weir->edge());
  wait_until([&] { return stage.weir->metrics().sum("weir_connections", {{"listener", "edge"}}) == 1; });
  Client second(stage.weir->edge());
  return acts(first);
}

Look field_over_tls(const std::string& name) {
  return [=](Stage& stage) {
    Client client(stage.weir->edge(), {.tls = believing(stage)});
    client.send(get("/"));
    return client.receive().fields.get(name);
  };
}

ConfigText hsts(const std::string& text) {
  ConfigText config = tls();
  config.listener.push_back("hsts: { " + text + " }");
  return config;
}

std::string where_to(Stage& stage) { return stage.fetch(get("/")).fields.get("Location"); }

std::vector<Key> listener_keys() {
  const auto version = [](TlsSide& side) { return side.version(); };
  const auto cipher = [](TlsSide& side) { return side.cipher(); };
  const auto group = [](TlsSide& side) { return side.group(); };
  const auto protocol = [](TlsSide& side) { return side.protocol(); };
  const auto chain = [](TlsSide& side) { return std::to_string(side.peer_chain()); };
  const std::string locked = "chain: DIR/locked.pem, key: DIR/locked.key, passphrase_file: DIR/";
  return {
      {"listeners[].tls.certificates[].chain", certificate("chain: DIR/a.pem, key: DIR/a.key"),
       certificate("chain: DIR/a-and-signer.pem, key: DIR/a.key"), met(chain)},
      {"listeners[].tls.certificates[].key", certificate("chain: DIR/a.pem, key: DIR/a.key"),
       certificate("chain: DIR/a.pem, key: DIR/a-copy.key"), after_spoiling("a.key")},
      {"listeners[].tls.certificates[].passphrase_file", certificate(locked + "passphrase"),
       certificate(locked + "passphrase-copy"), after_spoiling("passphrase")},
      {"listeners[].tls.min_version", tls(), tls("min_version: 1.3"), met(version, {.max_version = "1.2"})},
      {"listeners[].tls.ciphers", tls(), tls("ciphers: [TLS_CHACHA20_POLY1305_SHA256]"), met(cipher)},
      {"listeners[].tls.groups", tls(), tls("groups: [secp384r1]"), met(group)},
      {"listeners[].tls.alpn", tls(), tls("alpn: []"), met(protocol, {.protocols = "http/1.1"})},
      {"listeners[].tls.session_tickets", tls(), tls("session_tickets: false"), coming_back},
      {"listeners[].tls.client_ca", tls(), tls("client_ca: DIR/authority.pem"), answer_to_bearer("")},
      {"listeners[].tls.client_certificate", tls("client_ca: DIR/authority.pem"),
       tls("client_ca: DIR/authority.pem, client_certificate: request"), answer_to_bearer("")},
      {"listeners[].tls.client_crl", tls("client_ca: DIR/authority.pem"),
       tls("client_ca: DIR/authority.pem, client_crl: DIR/a.crl"), answer_to_bearer("a")},
      {"listeners[].tls.forward_client_certificate", tls("client_ca: DIR/authority.pem"),
       tls("client_ca: DIR/authority.pem, forward_client_certificate: true"), told_of_bearer("a")},
      {"listeners[].hsts.max_age", hsts("max_age: 1d"), hsts("max_age: 2d"),
       field_over_tls("Strict-Transport-Security")},
      {"listeners[].hsts.include_subdomains", hsts("max_age: 365d"), hsts("max_age: 365d, include_subdomains: true"),
       field_over_tls("Strict-Transport-Security")},
      {"listeners[].hsts.preload", hsts("max_age: 365d, include_subdomains: true"),
       hsts("max_age: 365d, include_subdomains: true, preload: true"), field_over_tls("Strict-Transport-Security")},
      {"listeners[].redirect_to_https", {}, {.listener = {"redirect_to_https: 443"}}, where_to},
  };
}

/// Who may ask an admin that believes nobody without a certificate.
struct Operators {
  Directory directory;
  Authority authority{directory.path(), "operators"};
  CertificateFiles one = authority.issue("operator", {.names = {"operator.example"}});
};

Operators& operators() {
  static Operators all;
  return all;
}

/// weir whose admin speaks TLS, and is asked as `asked` says.
ConfigText admin_tls(const std::string& keys, const TlsOptions& asked = {}) {
  ConfigText config;
  config.admin = chosen_tls_address(asked);
  config.admin_lines = {"tls: { " + keys + " }"};
  return config;
}

/// What whoever shakes hands with the admin sees.
Look met_at_admin(std::function<std::string(TlsSide&)> told, TlsOptions options = {}) {
  return [=](Stage& stage) -> std::string {
    Client client(stage.weir->admin(), {.tls = options});
    return client.secured() ? told(*client.wire().tls()) : "refused";
  };
}

/// The status of the services' page for who shows the certificate a, or none; 0: no answer.
Look services_for(bool bearer) {
  return [=](Stage& stage) -> std::string {
    TlsOptions options;
    if (bearer) options = {.chain = stage.directory / "a.pem", .key = stage.directory / "a.key"};
    Client client(stage.weir->admin(), {.tls = options});
    if (!client.secured()) return "0";
    client.send(get("/api/v1/services", "localhost"));
    return std::to_string(client.receive().status);
  };
}

std::vector<Key> admin_keys() {
  const std::string path = "admin.tls";
  const auto version = [](TlsSide& side) { return side.version(); };
  const auto cipher = [](TlsSide& side) { return side.cipher(); };
  const auto group = [](TlsSide& side) { return side.group(); };
  const auto chain = [](TlsSide& side) { return std::to_string(side.peer_chain()); };
  const auto own = [](const std::string& text) { return admin_tls("certificates: [{ " + text + " }]"); };
  const auto with = [](const std::string& more) { return admin_tls(kCertificate + ", " + more); };
  const std::string locked = "chain: DIR/locked.pem, key: DIR/locked.key, passphrase_file: DIR/";
  const std::string asks = "client_ca: DIR/authority.pem, client_certificate: request";
  const auto by_operator = [](const std::string& more) {
    return admin_tls(kCertificate + ", client_ca: " + operators().authority.ca() + more,
                     {.chain = operators().one.chain, .key = operators().one.key});
  };
  return {
      {path + ".certificates[].chain", own("chain: DIR/a.pem, key: DIR/a.key"),
       own("chain: DIR/a-and-signer.pem, key: DIR/a.key"), met_at_admin(chain)},
      {path + ".certificates[].key", own("chain: DIR/a.pem, key: DIR/a.key"),
       own("chain: DIR/a.pem, key: DIR/a-copy.key"), after_spoiling("a.key")},
      {path + ".certificates[].passphrase_file", own(locked + "passphrase"), own(locked + "passphrase-copy"),
       after_spoiling("passphrase")},
      {path + ".min_version", admin_tls(kCertificate), with("min_version: 1.3"),
       met_at_admin(version, {.max_version = "1.2"})},
      {path + ".ciphers", admin_tls(kCertificate), with("ciphers: [TLS_CHACHA20_POLY1305_SHA256]"),
       met_at_admin(cipher)},
      {path + ".groups", admin_tls(kCertificate), with("groups: [secp384r1]"), met_at_admin(group)},
      {path + ".client_ca", admin_tls(kCertificate), with(asks), services_for(false)},
      {path + ".client_certificate", by_operator(", client_certificate: request"), by_operator(""),
       services_for(false)},
      {path + ".client_crl", with(asks), with(asks + ", client_crl: DIR/a.crl"), services_for(true)},
  };
}

/// A rule of `shop` that sends who has such a certificate to new.
ConfigText rule(const std::string& test) {
  ConfigText config = tls("client_ca: DIR/authority.pem");
  config.rules = {"{ when: { client_cert: " + test + " }, send: new }"};
  return config;
}

std::string body_for_bearer(Stage& stage) {
  Client client(stage.weir->edge(), {.tls = TlsOptions{.ca = stage.authority.ca(),
                                                       .server_name = "shop.example",
                                                       .chain = stage.directory / "a.pem",
                                                       .key = stage.directory / "a.key"}});
  client.send(get("/"));
  return client.receive().body;
}

/// An origin that speaks TLS by the certificate a, and asks for one of this authority if `asks`.
Look answer_of_secure_origin(bool asks) {
  return [=](Stage& stage) {
    TlsOptions tls{.chain = stage.directory / "a.pem", .key = stage.directory / "a.key"};
    if (asks) tls.ca = stage.authority.ca();
    Origin secure(ok("secure"), stage.weir->config().old_endpoints.at(0), tls);
    return answer_to(get("/"))(stage);
  };
}

std::vector<Key> version_keys() {
  const std::string path = "services[].versions.*.tls";
  const auto version = [](const std::string& text) {
    const std::string address = fmt::format("{}:{}", own_loopback(), free_port(own_loopback()));
    return ConfigText{.old_endpoints = {address}, .old_version = {"tls: { " + text + " }"}};
  };
  const std::string own = "ca: DIR/authority.pem, verify: ca, certificate: { chain: DIR/";
  return {
      {path + ".sni", version("ca: DIR/authority.pem, sni: shop.example"),
       version("ca: DIR/authority.pem, sni: shop.elsewhere"), answer_of_secure_origin(false)},
      {path + ".verify", version("ca: DIR/authority.pem, verify: full"), version("ca: DIR/authority.pem, verify: ca"),
       answer_of_secure_origin(false)},
      {path + ".ca", version("verify: ca"), version("verify: ca, ca: DIR/authority.pem"),
       answer_of_secure_origin(false)},
      {path + ".certificate.chain", version(own + "a.pem, key: DIR/a.key }"),
       version(own + "a-and-signer.pem, key: DIR/a.key }"), after_spoiling("a.pem")},
      {path + ".certificate.key", version(own + "a.pem, key: DIR/a.key }"),
       version(own + "a.pem, key: DIR/a-copy.key }"), after_spoiling("a.key")},
      {path + ".certificate.passphrase_file",
       version(own + "locked.pem, key: DIR/locked.key, passphrase_file: DIR/passphrase }"),
       version(own + "locked.pem, key: DIR/locked.key, passphrase_file: DIR/passphrase-copy }"),
       after_spoiling("passphrase")},
  };
}

std::vector<Key> rule_keys() {
  const std::string path = "services[].rules[].when.client_cert.*";
  return {
      {path + ".regex", rule("{ subject: { regex: CN=a } }"), rule("{ subject: { regex: CN=b } }"), body_for_bearer},
      {path + ".prefix", rule("{ subject: { prefix: CN=a } }"), rule("{ subject: { prefix: CN=b } }"), body_for_bearer},
      {path + ".present", rule("{ fingerprint: { present: true } }"), rule("{ fingerprint: { present: false } }"),
       body_for_bearer},
  };
}

ConfigText with_limit(const std::string& handshakes) {
  ConfigText config = tls();
  config.limits["handshakes"] = handshakes;
  return config;
}

ConfigText with_timeout(const std::string& time) {
  ConfigText config = tls();
  config.timeouts["tls_handshake"] = time;
  return config;
}

}  // namespace

std::vector<Key> tls_keys() {
  std::vector<Key> all = listener_keys();
  for (Key& key : version_keys()) all.push_back(std::move(key));
  for (Key& key : rule_keys()) all.push_back(std::move(key));
  for (Key& key : admin_keys()) all.push_back(std::move(key));
  all.push_back({"limits.handshakes", with_limit("1"), with_limit("2"), silent_client_before_another});
  all.push_back({"timeouts.tls_handshake", with_timeout("100ms"), with_timeout("1h"), silent_client});
  return all;
}

void write_certificates(const Directory& directory, Authority& authority) {
  const auto a = authority.issue("a", {.names = {"shop.example", "127.0.0.1"}, .subject = "a"});
  authority.issue("locked", {.names = {"shop.example"}, .passphrase = "open"});
  authority.revoke("a.crl", {a.chain});
  write_file(directory / "passphrase", "open\n");
  write_file(directory / "passphrase-copy", "open\n");
  write_file(directory / "a-copy.key", read_file(a.key));
  write_file(directory / "a-and-signer.pem", read_file(a.chain) + read_file(authority.ca()));
}

}  // namespace weir::testing
