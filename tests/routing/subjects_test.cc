#include "routing/subjects.h"

#include <gtest/gtest.h>

#include "routing/reading.h"
#include "tests/routing/given.h"

namespace weir::routing {
namespace {

TEST(Subjects, HeaderNamesAreOneWhateverTheirCase) {
  Subjects subjects;
  const uint32_t staff = subjects.add(SubjectKind::header, "X-Staff");
  EXPECT_EQ(subjects.add(SubjectKind::header, "x-STAFF"), staff);
  EXPECT_EQ(subjects.headers().find("x-staff"), staff);
  EXPECT_EQ(subjects.headers().find("x-stafe"), kNoSubject);
  EXPECT_EQ(subjects.headers().find("x-staff2"), kNoSubject);
  EXPECT_EQ(subjects.headers().find(""), kNoSubject);
}

TEST(Subjects, CookiesAndParametersAreToldApartByCaseAndByKind) {
  Subjects subjects;
  const uint32_t lower = subjects.add(SubjectKind::cookie, "uid");
  EXPECT_NE(subjects.add(SubjectKind::cookie, "UID"), lower);
  EXPECT_NE(subjects.add(SubjectKind::query, "uid"), lower);
  EXPECT_EQ(subjects.cookies().find("uid"), lower);
  EXPECT_EQ(subjects.cookies().find("Uid"), kNoSubject);
}

TEST(Subjects, FindsEachOfThousandNames) {
  Subjects subjects;
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(subjects.add(SubjectKind::header, "X-Tenant-" + std::to_string(i)), i);
  for (uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(subjects.headers().find("x-tenant-" + std::to_string(i)), i);
  EXPECT_EQ(subjects.headers().find("x-tenant-1000"), kNoSubject);
}

TEST(Subjects, PunctuationThatDiffersInTheCaseBitAloneIsDifferent) {
  Subjects subjects;
  subjects.add(SubjectKind::header, "x^y");
  EXPECT_EQ(subjects.headers().find("x~y"), kNoSubject);
}

class AReading : public testing::Test {
 protected:
  void read(Request request) {
    request_ = std::move(request);
    view_ = request_.view();
    reading_.read(subjects_, nullptr, view_);
  }
  std::vector<std::string> values(uint32_t subject) {
    std::vector<std::string> all;
    for (const auto* f = reading_.first(subject); f != nullptr; f = reading_.next(*f)) all.emplace_back(f->value);
    return all;
  }
  using Values = std::vector<std::string>;
  Subjects subjects_;
  Reading reading_;
  Request request_;
  RequestView view_;
};

TEST_F(AReading, HasEveryOccurrenceOfAHeader) {
  const uint32_t subject = subjects_.add(SubjectKind::header, "X-A");
  Request request;
  request.headers = {{"x-a", " 1\t"}, {"X-B", "2"}, {"X-A", ""}};
  read(request);
  EXPECT_EQ(values(subject), (Values{"1", ""}));
}

TEST_F(AReading, HasTheFirstCookieOfANameOverSeveralFields) {
  const uint32_t uid = subjects_.add(SubjectKind::cookie, "uid"), b = subjects_.add(SubjectKind::cookie, "b");
  Request request;
  request.headers = {{"Cookie", "a=1;; noequals ;  uid = \"x=y%20\" ; uid=2"}, {"cookie", "uid=3; b="}};
  read(request);
  EXPECT_EQ(values(uid), (Values{"\"x=y%20\""})) << "neither unquoted nor decoded";
  EXPECT_EQ(values(b), (Values{""}));
}

TEST_F(AReading, HasTheFirstParameterOfAName) {
  const uint32_t a = subjects_.add(SubjectKind::query, "a"), flag = subjects_.add(SubjectKind::query, "flag");
  read(with_query("x=1&a=%41+b=c&a=2&flag"));
  EXPECT_EQ(values(a), (Values{"%41+b=c"}));
  EXPECT_EQ(values(flag), (Values{""}));
}

TEST_F(AReading, ForgetsTheRequestBefore) {
  const uint32_t subject = subjects_.add(SubjectKind::header, "X-A");
  read(with_header("X-A", "1"));
  read(with_path("/a/../b"));
  EXPECT_EQ(values(subject), Values{});
  EXPECT_EQ(reading_.path(), "/b");
  read(with_path("/c"));
  EXPECT_EQ(reading_.path(), "/c");
}

}  // namespace
}  // namespace weir::routing
