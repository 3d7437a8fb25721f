#include "routing/region.h"

#include <maxminddb.h>
#include <netinet/in.h>

#include <cstring>

#include "routing/ascii.h"

namespace weir::routing {
namespace {

struct Close {
  void operator()(MMDB_s* database) const {
    MMDB_close(database);
    delete database;
  }
};
using Database = std::unique_ptr<MMDB_s, Close>;

/// The database, or what is wrong with the file.
Database open_database(const std::string& path, std::string& error) {
  auto* raw = new MMDB_s{};
  const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, raw);
  if (status == MMDB_SUCCESS) return Database(raw);
  error = MMDB_strerror(status);
  if (status == MMDB_IO_ERROR) error += std::string(" (") + std::strerror(errno) + ")";
  delete raw;
  return nullptr;
}

/// A union, so that the address is read as the type it was written as.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

SocketAddress socket_address(const config::IpAddress& ip) {
  SocketAddress address{};
  if (ip.is_v4()) {
    address.v4.sin_family = AF_INET;
    std::memcpy(&address.v4.sin_addr, ip.bytes.data() + 12, 4);
  } else {
    address.v6.sin6_family = AF_INET6;
    std::memcpy(&address.v6.sin6_addr, ip.bytes.data(), 16);
  }
  return address;
}

}  // namespace

struct Regions::Source {
  std::string header;
  Database database;
  std::vector<std::string> field;
  std::vector<const char*> field_path;  // of `field`, ended by null, as libmaxminddb takes it

  std::string_view find(const RequestView& request) const {
    return database == nullptr ? find_header(request) : find_address(request.client_ip);
  }
  std::string_view find_header(const RequestView& request) const {
    if (!request.from_trusted_proxy) return {};
    for (const Field& f : request.fields) {
      if (equal_without_case(f.name, header)) return trim(f.value);
    }
    return {};
  }
  std::string_view find_address(const config::IpAddress& ip) const {
    const SocketAddress address = socket_address(ip);
    int error = 0;
    MMDB_lookup_result_s result = MMDB_lookup_sockaddr(database.get(), &address.any, &error);
    if (error != MMDB_SUCCESS || !result.found_entry) return {};
    MMDB_entry_data_s data{};
    if (MMDB_aget_value(&result.entry, &data, field_path.data()) != MMDB_SUCCESS) return {};
    if (!data.has_data || data.type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    return {data.utf8_string, data.data_size};
  }
};

Regions::Regions() = default;
Regions::~Regions() = default;

config::Result<std::shared_ptr<const Regions>> Regions::open(const std::vector<config::RegionSource>& sources) {
  config::Problems problems;
  std::shared_ptr<Regions> regions(new Regions);
  for (const config::RegionSource& written : sources) {
    Source source;
    source.header = written.header;
    source.field = written.field;
    if (!written.mmdb.empty()) {
      std::string error;
      source.database = open_database(written.mmdb, error);
      if (source.database == nullptr) {
        problems.push_back({written.where, "regions: cannot read \"" + written.mmdb + "\": " + error});
        continue;
      }
    }
    regions->sources_.push_back(std::move(source));
  }
  if (!problems.empty()) return problems;
  for (Source& source : regions->sources_) {
    for (const std::string& name : source.field) source.field_path.push_back(name.c_str());
    source.field_path.push_back(nullptr);
  }
  return std::shared_ptr<const Regions>(std::move(regions));
}

std::string_view Regions::find(const RequestView& request) const {
  for (const Source& source : sources_) {
    const std::string_view region = source.find(request);
    if (!region.empty()) return region;
  }
  return kUnknownRegion;
}

}  // namespace weir::routing
