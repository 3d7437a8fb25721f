// A user's rating, which weir takes itself: its body is read here, joined to the version of who sent it by the cohort
// key, and goes no further.
#include <fmt/format.h>

#include "proxy/exchange/course.h"

namespace weir::proxy {

namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::string_view field(const http::RequestHead& head, std::string_view name) {
  for (const routing::Field& field : head.fields.list) {
    if (http::same_name(field.name, name)) return field.value;
  }
  return {};
}

/// Why this is no rating, whatever its body says; status 0: it may be one.
struct Objection {
  unsigned status = 0;
  std::string_view why;
};

Objection objection(const http::RequestHead& head, const Admission& admission) {
  if (head.method != "POST") return {405, "405: ratings come by POST\n"};
  // Where another site's page sends it, its reader has not said anything.
  if (field(head, "Sec-Fetch-Site") == "cross-site") return {403, "403: not from another site's pages\n"};
  if (!admission.decision.bucket)
    return {403, "403: without a cohort key nobody can tell which version this is about\n"};
  if (admission.framing.kind == http::BodyKind::chunked) return {411, "411: say Content-Length\n"};
  return {};
}

}  // namespace

/// Who rates which version is known by the head alone.
void Exchange::begin_rating(const http::RequestHead& head, const Admission& admission) {
  record_.own_answer(*admission.service, admission.decision);
  service_ = admission.service;
  const Objection no = objection(head, admission);
  if (no.status == 405) methods_ = "POST";
  if (no.status != 0) return answer_rating(no.status, no.why);
  const routing::Decision& decision = admission.decision;
  rating_ = std::make_unique<evidence::Rating>();
  rating_->version = service_->plan->versions[decision.version].name;
  rating_->bucket = static_cast<uint32_t>(*decision.bucket);
  rating_->version_by_chance = given_by_chance(*service_, decision);
  rating_->event = event_of(*service_, decision, admission.client_ip);
  rating_->event.metric = evidence::Metric::feedback;
  const bool waits = head.minor > 0 && http::same_name(field(head, "Expect"), "100-continue") && !request_->body_done();
  if (waits) response_->out().append(kContinue);
}

/// Until the body is there: whether to wait for more of it.
bool Exchange::hear() {
  if (settled_) return false;
  response_->flush();
  request_->collect();
  if (request_->fault() != http::Fault::none) {
    settle(request_->fault());
  } else if (request_->client_ended() || client_.stream.broken()) {
    settle(http::Fault::client_gone);
  } else if (request_->body_done()) {
    take_rating();
  } else if (client_.patience.expired()) {
    settle(http::Fault::body_timeout);
  } else {
    if (request_->moved() || !client_.patience.running()) {
      client_.patience.limit(view_->config().timeouts.request_body);
    }
    return true;
  }
  return false;
}

void Exchange::take_rating() {
  using Taken = evidence::Mailbox::Taken;
  auto [words, wrong] = evidence::read_words(request_->head().view());
  if (!words) return answer_rating(422, "422: " + wrong + "\n");
  rating_->words = std::move(*words);
  rating_->at = std::chrono::system_clock::now();
  switch (service_->site->feedback->put(std::move(*rating_), net::monotonic())) {
    case Taken::yes:
      return answer_rating(202, "thank you\n");
    case Taken::too_often: {
      const auto every = std::chrono::ceil<std::chrono::seconds>(service_->config->feedback->every);
      return answer_rating(429, "429: one rating at a time\n", fmt::format("Retry-After: {}\r\n", every.count()));
    }
    case Taken::full:
      return answer_rating(503, "503: too many ratings at once\n");
  }
}

void Exchange::answer_rating(unsigned status, std::string_view body, std::string lines) {
  settled_ = true;
  answer(http::Fault::none, status, body, std::move(lines));
}

}  // namespace weir::proxy
