// Request heads that have more than one reading, or none, are refused; odd ones that have one are served.
#include "tests/e2e/edge.h"

namespace weir::testing {
namespace {

using std::string_literals::operator""s;

struct Case {
  const char* name;
  std::string bytes;
  int status = 400;  // 0: any refusal
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
std::string name_of(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

/// A GET with these further lines behind a good Host.
std::string with(std::string_view lines) { return get("/", "shop.example", lines); }
std::string with_host(std::string_view host) { return get("/", host); }
std::string with_target(std::string_view target) { return get(target); }
std::string with_line(const std::string& line) { return line + "\r\nHost: shop.example\r\n\r\n"; }

class RefusedHead : public ::testing::TestWithParam<Case> {};

TEST_P(RefusedHead, IsAnsweredAndNothingReachesTheOrigin) {
  Edge edge;
  expect_refused(edge, GetParam().bytes, GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    RequestLine, RefusedHead,
    ::testing::Values(
        Case{"SpaceBeforeTheMethod", with_line(" GET / HTTP/1.1")},
        Case{"TabBeforeTheMethod", with_line("\tGET / HTTP/1.1")}, Case{"TabsBetween", with_line("GET\t/\tHTTP/1.1")},
        Case{"TwoSpacesBeforeTheTarget", with_line("GET  / HTTP/1.1")},
        Case{"TwoSpacesBeforeTheVersion", with_line("GET /  HTTP/1.1")},
        Case{"SpaceBehindTheVersion", with_line("GET / HTTP/1.1 ")},
        Case{"SpaceInTheTarget", with_line("GET /a b HTTP/1.1")}, Case{"NoTarget", with_line("GET HTTP/1.1")},
        Case{"NoVersion", with_line("GET /")}, Case{"OnlyAMethod", with_line("GET")},
        Case{"NoMethod", with_line(" / HTTP/1.1")}, Case{"MethodWithAt", with_line("G@T / HTTP/1.1")},
        Case{"MethodWithParentheses", with_line("(GET) / HTTP/1.1")},
        Case{"MethodWithColon", with_line("GET: / HTTP/1.1")}, Case{"MethodWithNul", with_line("GE\0T / HTTP/1.1"s)},
        Case{"MethodWithUtf8", with_line("GÉT / HTTP/1.1")}, Case{"VersionInLowerCase", with_line("GET / http/1.1")},
        Case{"VersionWithoutMinor", with_line("GET / HTTP/1"), 0},
        Case{"VersionWithADotOnly", with_line("GET / HTTP/1."), 0},
        Case{"VersionWithThreeDigits", with_line("GET / HTTP/1.10"), 0},
        Case{"VersionWithALeadingZero", with_line("GET / HTTP/01.1"), 0},
        Case{"VersionWithAComma", with_line("GET / HTTP/1,1"), 0},
        Case{"VersionOfAnotherProtocol", with_line("GET / ICAP/1.1"), 0},
        Case{"VersionThatIsNone", with_line("GET / HTTP/x.y"), 0}, Case{"VersionTwo", with_line("GET / HTTP/2.0"), 505},
        Case{"VersionThree", with_line("GET / HTTP/3.0"), 505},
        Case{"VersionZeroNineNamed", with_line("GET / HTTP/0.9"), 0},
        Case{"VersionNine", with_line("GET / HTTP/9.9"), 505},
        Case{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0}, Case{"Http09Line", "GET /\r\n\r\n"},
        Case{"BareLfBehindTheLine", "GET / HTTP/1.1\nHost: shop.example\r\n\r\n"},
        Case{"BareCrBehindTheLine", "GET / HTTP/1.1\rHost: shop.example\r\n\r\n"},
        Case{"CrInTheTarget", with_line("GET /a\rb HTTP/1.1")},
        Case{"AResponseInsteadOfARequest", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
        Case{"TlsHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + std::string(64, '\x8a'), 0},
        Case{"Socks5", "\x05\x01\x00"s, 0}, Case{"PlainText", "hello there\r\n\r\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Target, RefusedHead,
    ::testing::Values(Case{"WithoutASlash", with_target("foo")}, Case{"Fragment", with_target("/a#b")},
                      Case{"FragmentBehindAQuery", with_target("/a?b#c")}, Case{"AsteriskOfAGet", with_target("*")},
                      Case{"Nul", with_target("/a\0b"s)}, Case{"Control", with_target("/a\x01")},
                      Case{"Delete", with_target("/a\x7f")}, Case{"AbsoluteWithoutAHost", with_target("http:///x")},
                      Case{"AbsoluteWithABadPort", with_target("http://shop.example:x/")},
                      Case{"AbsoluteWithASpace", with_target("http://shop .example/")},
                      Case{"AuthorityOfAGet", with_target("shop.example:80")}),
    name_of);

INSTANTIATE_TEST_SUITE_P(Method, RefusedHead,
                         ::testing::Values(Case{"Connect", with_line("CONNECT shop.example:443 HTTP/1.1"), 0},
                                           Case{"ConnectOfAPath", with_line("CONNECT /x HTTP/1.1"), 0},
                                           Case{"Trace", with_line("TRACE / HTTP/1.1"), 405}),
                         name_of);

INSTANTIATE_TEST_SUITE_P(
    Field, RefusedHead,
    ::testing::Values(Case{"SpaceBeforeTheColon", with("Transfer-Encoding : chunked\r\n")},
                      Case{"TabBeforeTheColon", with("X-A\t: 1\r\n")}, Case{"SpaceInTheName", with("X A: 1\r\n")},
                      Case{"NoColon", with("X-A\r\n")}, Case{"NoName", with(": 1\r\n")},
                      Case{"NameWithParenthesis", with("X(A: 1\r\n")}, Case{"NameWithSlash", with("X/A: 1\r\n")},
                      Case{"NameWithAt", with("X@A: 1\r\n")}, Case{"NameWithLatin1", with("X\xe9: 1\r\n")},
                      Case{"NameWithNul", with("X\0A: 1\r\n"s)}, Case{"NameWithControl", with("X\x01: 1\r\n")},
                      Case{"NulInAValue", with("X-A: a\0b\r\n"s)}, Case{"ControlInAValue", with("X-A: a\x01\r\n")},
                      Case{"VerticalTabInAValue", with("X-A: a\vb\r\n")},
                      Case{"DeleteInAValue", with("X-A: a\x7f\r\n")},
                      Case{"BareCrInAValue", with("X-A: a\rTransfer-Encoding: chunked\r\n")},
                      Case{"BareCrAtTheEnd", with("X-A: a\r\r\n")}, Case{"BareLfInAValue", with("X-A: a\nX-B: b\r\n")},
                      Case{"BareLfHead", "GET / HTTP/1.1\nHost: shop.example\n\n"},
                      Case{"BareLfAtTheEnd", "GET / HTTP/1.1\r\nHost: shop.example\r\n\n"},
                      Case{"FoldedBySpace", with("X-A: a\r\n b\r\n")}, Case{"FoldedByTab", with("X-A: a\r\n\tb\r\n")},
                      Case{"FoldedBehindNothing", with("X-A:\r\n b\r\n")},
                      Case{"FoldedByTabBehindNothing", with("X-A:\r\n\tb\r\n")},
                      Case{"FoldedTwice", with("X-A:\r\n b\r\n c\r\n")},
                      Case{"FoldedHidingALength", with("X-A:\r\n Content-Length: 5\r\n")},
                      Case{"NameCutByALine", with("Transfer-Encoding\r\n: chunked\r\n")},
                      Case{"OnlyBlanksInALine", with("X-A: 1\r\n   \r\nX-B: 1\r\n")},
                      Case{"FoldedEmptyLine", with("X-A: a\r\n \r\n")},
                      Case{"FirstLineFolded", "GET / HTTP/1.1\r\n X-A: b\r\nHost: shop.example\r\n\r\n"},
                      Case{"FoldedHost", "GET / HTTP/1.1\r\nHost:\r\n shop.example\r\n\r\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Host, RefusedHead,
    ::testing::Values(Case{"None", "GET / HTTP/1.1\r\nX-A: 1\r\n\r\n"},
                      Case{"TwoDifferent", with("Host: evil.example\r\n")},
                      Case{"TwoEqual", with("Host: shop.example\r\n")},
                      Case{"TwoWithAnAbsoluteTarget", get("http://shop.example/", "a.example", "Host: b.example\r\n")},
                      Case{"List", with_host("shop.example, evil.example")}, Case{"Space", with_host("shop example")},
                      Case{"Path", with_host("shop.example/x")}, Case{"User", with_host("user@shop.example")},
                      Case{"Query", with_host("shop.example?x")}, Case{"Fragment", with_host("shop.example#x")},
                      Case{"Backslash", with_host("shop\\example")}, Case{"Quotes", with_host("\"shop\"")},
                      Case{"Angles", with_host("<shop>")}, Case{"PortOfLetters", with_host("shop.example:http")},
                      Case{"TwoPorts", with_host("shop.example:80:80")}, Case{"OpenBracket", with_host("[::1")},
                      Case{"Scheme", with_host("http://shop.example")}, Case{"Nul", with_host("shop\0.example"s)},
                      Case{"Http10WithTwo", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"}),
    name_of);

TEST(Head, AnEmptyLineBeforeItIsForgiven) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, "\r\n" + get("/x")).target, "/x");
}

TEST(Head, AnAbsoluteTargetWinsOverHost) {
  Edge edge;
  Request request = expect_forwarded(edge, get("http://other.example/x?y=1", "shop.example"));
  EXPECT_EQ(request.target, "/x?y=1");
  EXPECT_EQ(request.fields.get("Host"), "other.example");
}

TEST(Head, AnAbsoluteTargetWithoutAPathMeansTheRoot) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, get("http://shop.example?q=1")).target, "/?q=1");
}

TEST(Head, AnAbsoluteTargetKeepsItsPort) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, get("http://shop.example:8080/")).fields.get("Host"), "shop.example:8080");
}

TEST(Head, AUserInATargetDoesNotReachTheOriginsHost) {
  Edge edge;
  edge.fetch(get("http://user:secret@shop.example/"));
  for (const Request& request : edge.origin.requests()) EXPECT_EQ(request.fields.get("Host"), "shop.example");
}

TEST(Head, HostsThatAreRightPassUnchanged) {
  for (const char* host : {"shop.example", "SHOP.example:8080", "127.0.0.1", "[::1]", "[2001:db8::1]:80",
                           "shop.example.", "a_b.example", "xn--bcher-kva.example"}) {
    SCOPED_TRACE(host);
    Edge edge;
    EXPECT_EQ(expect_forwarded(edge, get("/", host)).fields.get("Host"), host);
  }
}

TEST(Head, AnHttp10RequestWithoutHostBecomesAWellFormedOne) {
  Edge edge;
  EXPECT_EQ(edge.fetch("GET /x HTTP/1.0\r\n\r\n").status, 200);
  EXPECT_EQ(edge.origin.only_request().target, "/x");
}

TEST(Head, ValuesMayHoldTabsLatin1AndNothing) {
  Edge edge;
  Request request = expect_forwarded(edge, with("X-Tab: a\tb\r\nX-Latin: \xe9\r\nX-Empty:\r\nX-Blank:   \r\n"));
  EXPECT_EQ(request.fields.get("X-Tab"), "a\tb");
  EXPECT_EQ(request.fields.get("X-Latin"), "\xe9");
  EXPECT_EQ(request.fields.all("X-Empty"), std::vector<std::string>{""});
  EXPECT_EQ(request.fields.all("X-Blank"), std::vector<std::string>{""});
}

TEST(Head, BlanksAroundAValueDoNotMatter) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, with("X-A:1\r\nX-B: \t 2 \t\r\n")).fields.get("X-B"), "2");
}

TEST(Head, EveryTokenCharacterIsAName) {
  Edge edge;
  EXPECT_EQ(expect_forwarded(edge, with("!#$%&'*+-.^_`|~09aZ: 1\r\n")).fields.get("!#$%&'*+-.^_`|~09aZ"), "1");
}

TEST(Head, AByteAtATimeIsTheSameRequest) {
  Edge edge;
  Client client = edge.client();
  client.send_byte_by_byte(post("/slow?x=1", "hello", "X-A: 1\r\n"));
  EXPECT_EQ(client.receive("POST").status, 200);
  Request request = edge.origin.only_request();
  EXPECT_EQ(request.target, "/slow?x=1");
  EXPECT_EQ(request.body, "hello");
}

TEST(Head, ConnectionCannotTakeTheFramingAway) {
  {
    Edge edge;
    expect_safe(edge, post("/", "hello", "Connection: Content-Length\r\n"), "hello");
  }
  {
    Edge edge;
    expect_safe(edge, get("/", "shop.example", "Connection: Host\r\n"), "");
  }
  Edge edge;
  expect_safe(edge,
              "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n"
              "Connection: Transfer-Encoding\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
              "hello");
}

}  // namespace
}  // namespace weir::testing
