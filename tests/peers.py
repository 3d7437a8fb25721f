#!/usr/bin/python3
"""Puts weir's corpus to nginx and HAProxy too, by the same runner: tests/peers.py [--verbose] [PEER...]

Only what any HTTP/1.1 proxy may be asked: what weir alone promises (its fields, limits, metrics, logs) is left out.
Prints how many of each kind pass; --verbose names those that do not.
"""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RUNNER = os.path.join(ROOT, "build/release/tests/e2e_test")

KINDS = {
    "framing and smuggling": ["*RefusedHead*", "*RefusedBody*", "*ForwardedBody*", "Head.*", "Chunk.*", "Disguise.*",
                              "LineEnd.*", "IgnoredBody.*", "RequestLine.*", "Host.*"],
    "RFC 9112": [],
    "RFC 9110": [],
    "forwarding": ["*UnchangedTarget*", "*Methods*", "Target.*", "Body.*", "Expect.*", "Interim.*", "RequestFields.*",
                   "ResponseFields.*"],
    "responses": ["*BadGateway*", "*CutShort*", "*BodyWhereNoneBelongs*", "BadOrigin.*", "HeadMethod.*", "*NoBody*",
                  "ClosedUpstream.*", "Http10Client.*", "Origin10.*", "Response.*", "UnaskedResponse.*",
                  "EarlyResponse.*", "Endings.*"],
    "connections": ["KeepAlive.*", "Pipelining.*", "Upgrade.*", "Cut.*", "Timeout.*", "Abuse.*"],
}

# What only weir promises, or what its peers would have to be configured for.
WEIR_ALONE = [
    "RequestFields.AStrangersForwardedFieldsAreReplaced", "RequestFields.WhoSendsNoneGetsThem",
    "RequestFields.ATrustedProxys*", "RequestFields.ConnectionCannotTakeWeirsOwnFieldsAway",
    "RequestFields.AnAddressListOfNonsenseHarmsNobody", "RequestFields.TrustIsByAddress",
    "RequestFields.EveryRequestHasAnIdOfItsOwn", "RequestFields.WeirsOwnNamesCannotBeSentByAClient",
    "RequestFields.ATrustedHeaderIsDroppedFromAnybodyElse", "ResponseFields.NothingTellsTheVersion*",
    "BadOrigin.ThatClosesWithoutAnAnswerIsTold", "BadOrigin.ThatResetsIsTold", "BadOrigin.ThatSpeaksSomethingElse*",
    "BadOrigin.ThatNeverAnswersIs504*", "BadOrigin.ThatRefusesIsTold*", "BadOrigin.ThatCannotBeReached*",
    "BadOrigin.WhoseInterimHeadsNeverEndIsStopped", "BadOrigin.WithAnEndlessHeadIsStopped",
    "Timeout.OfAVersionWinsOverTheFiles", "Timeout.AClientThatSaysNothingIsClosed",
    "Host.TheOneThatIsRoutedByIsTheOneThatIsForwarded", "Head.HostsThatAreRightPassUnchanged",
    "KeepAlive.AnIdleOriginConnectionIsClosedAfterItsTime", "KeepAlive.AHundredRequestsUseOneConnectionOnEachSide",
    "KeepAlive.AnotherClientGetsTheSameOriginConnection", "KeepAlive.AGetOnAConnectionThatDiesUnderItIsSentAgain",
    "Upgrade.ASilentTunnelEndsAfterItsTime", "Endings.*",
    # limits that a peer has no key for, and what a peer's own answers are
    "Limit.*", "Expect.IsAnsweredFinallyWhereNoEndpointIs", "Section9_3_2.WeirsOwnAnswerToAHeadHasNoBody",
    "Section6_6_1.WeirsOwnAnswersHaveADate",
]


def names():
    """The corpus by kind: every test that the patterns of a kind name, RFC 9110's told from 9112's by its file."""
    def listed(patterns):
        wanted = ":".join(patterns) + "-" + ":".join(WEIR_ALONE)
        lines = subprocess.run([RUNNER, "--gtest_list_tests", "--gtest_filter=" + wanted], check=True,
                               capture_output=True, text=True).stdout.splitlines()
        suite, found = "", []
        for line in lines:
            if line.startswith(" "):
                found.append(suite + line.split("#")[0].strip())
            elif line.endswith("."):
                suite = line.strip()
        return found

    by_kind = {kind: listed(patterns) for kind, patterns in KINDS.items() if patterns}
    sections = {}
    for rfc in ("9112", "9110"):
        with open(os.path.join(ROOT, "tests/e2e/rfc%s_test.cc" % rfc), encoding="utf-8") as text:
            named = [line[5:line.index(")")].replace(", ", ".") for line in text if line.startswith("TEST(")]
            sections[rfc] = [name for name in named if name not in WEIR_ALONE]
    by_kind["RFC 9112"], by_kind["RFC 9110"] = sections["9112"], sections["9110"]
    return by_kind


def run(peer, tests):
    """The tests of the list that pass with this peer."""
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report.json")
        subprocess.run([RUNNER, "--gtest_filter=" + ":".join(tests), "--gtest_output=json:" + report],
                       env=dict(os.environ, WEIR_E2E_PEER=peer), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        if not os.path.exists(report):
            sys.exit("peers.py: the run with %s left no report" % peer)
        with open(report, encoding="utf-8") as text:
            suites = json.load(text)["testsuites"]
    return {suite["name"] + "." + test["name"] for suite in suites for test in suite["testsuite"]
            if not test.get("failures")}


def main():
    words = sys.argv[1:]
    peers = [word for word in words if not word.startswith("-")] or ["weir", "nginx", "haproxy"]
    if not set(peers) <= {"weir", "nginx", "haproxy"} or set(words) - set(peers) - {"--verbose"}:
        sys.stderr.write(__doc__)
        sys.exit(2)
    by_kind = names()
    every = [test for tests in by_kind.values() for test in tests]
    passed = {peer: run(peer, every) for peer in peers}
    print("| | " + " | ".join(peers) + " | of |\n|---|" + "---|" * (len(peers) + 1))
    for kind, tests in [*by_kind.items(), ("all", every)]:
        print("| %s | %s | %d |" % (kind, " | ".join(str(sum(test in passed[peer] for test in tests)) for peer in peers),
                                    len(tests)))
    if "--verbose" in words:
        for peer in peers:
            for test in every:
                if test not in passed[peer]:
                    print("%s: %s" % (peer, test))


main()
