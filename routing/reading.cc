#include "routing/reading.h"

#include "routing/ascii.h"
#include "routing/path.h"

namespace weir::routing {
namespace {

constexpr std::string_view kCookie = "cookie";

/// Cuts the part before `separator` off `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

}  // namespace

void Reading::note(uint32_t subject, std::string_view value) {
  const auto index = static_cast<uint32_t>(found_.size());
  Mark& mark = marks_[subject];
  if (mark.epoch == epoch_) {
    found_[mark.last].next = index;
  } else {
    mark.epoch = epoch_;
    mark.first = index;
  }
  mark.last = index;
  found_.push_back({trim(value), subject, kEnd});
}

void Reading::note_first(uint32_t subject, std::string_view value) {
  if (marks_[subject].epoch != epoch_) note(subject, value);
}

void Reading::read_cookies(const NameTable& cookies, std::string_view field) {
  while (!field.empty()) {
    const std::string_view pair = next_part(field, ';');
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const uint32_t subject = cookies.find(trim(pair.substr(0, equals)));
    if (subject != kNoSubject) note_first(subject, pair.substr(equals + 1));
  }
}

void Reading::read_query(const NameTable& queries, std::string_view query) {
  while (!query.empty()) {
    std::string_view value = next_part(query, '&');
    const uint32_t subject = queries.find(next_part(value, '='));
    if (subject != kNoSubject) note_first(subject, value);
  }
}

/// Without a certificate its parts are absent.
void Reading::read_certificate(const NameTable& parts, const RequestView& request) {
  const bool shown = !request.client_subject.empty() || !request.client_fingerprint.empty();
  const auto read = [&](std::string_view part, std::string_view value) {
    const uint32_t subject = parts.find(part);
    if (subject != kNoSubject && shown) note(subject, value);
  };
  read("subject", request.client_subject);
  read("fingerprint", request.client_fingerprint);
}

void Reading::read(const Subjects& subjects, const Regions* regions, const RequestView& request) {
  request_ = &request;
  regions_ = regions;
  ++epoch_;
  found_.clear();
  if (marks_.size() < subjects.size()) marks_.resize(subjects.size());
  has_path_ = has_region_ = false;
  const bool wants_cookies = !subjects.cookies().empty();
  for (const Field& field : request.fields) {
    const uint32_t subject = subjects.headers().find(field.name);
    if (subject != kNoSubject) note(subject, field.value);
    if (wants_cookies && equal_without_case(field.name, kCookie)) read_cookies(subjects.cookies(), field.value);
  }
  if (!subjects.queries().empty()) read_query(subjects.queries(), request.query);
  if (!subjects.client_cert().empty()) read_certificate(subjects.client_cert(), request);
}

std::string_view Reading::path() {
  if (!has_path_) path_ = normalise_path(request_->path, path_scratch_);
  has_path_ = true;
  return path_;
}

std::string_view Reading::region() {
  if (!has_region_) lower_into(region_as_told(), region_);
  has_region_ = true;
  return region_;
}

}  // namespace weir::routing
