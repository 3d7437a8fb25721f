"""What requests feel of a split that changes, and of more requests than can be served."""

from found import found
from jobs import service, weir_file
from lines import generate
from memory import Watch
from proxies import PROGRAMS, SLOW_MS
from table import quiet

CHANGES, A_ROUND, EVERY_MS = 1_000, 12, 40
RATE = 10_000
STEADY = ("--connections", "64", "--rate", str(RATE))
AT_ONCE = 32  # requests that an endpoint takes
CONNECTIONS = 1_024
OFFERED = 3  # times the peak


def changes(field, args):
    """Everybody moves from old to new and back, by renames of the file; rounds beside steady ones."""
    seconds = A_ROUND * EVERY_MS / 1000
    changed_file = field.directory / "weir-changed.yaml"
    changed_file.unlink(missing_ok=True)  # a run before made it another name of one of these

    def file_of(facts):
        for version, share in (("old", "0%"), ("new", "100%")):
            changed_file.with_name(f"{changed_file.name}.{version}").write_text(file_with(facts, share))
        return file_with(facts, "0%")

    field.start_proxy("weir-changed", PROGRAMS["weir"], file_of)
    field.start_proxy("weir-steady", PROGRAMS["weir"], lambda facts: file_with(facts, "0%"))
    rounds, late = [], []
    for _ in range(-(-CHANGES // A_ROUND)):
        back(changed_file)
        rounds.append({"steady": generate(field, field.subjects["weir-steady"], STEADY, seconds),
                       "changed": generate(field, field.subjects["weir-changed"],
                                           (*STEADY, "--change", str(changed_file), "--every", str(EVERY_MS)), seconds + 0.02)})
        late += rounds[-1]["changed"]["last_wrong_ms"]
    late.sort()
    steady, changed = (quiet([each[name]["p999_us"] for each in rounds]) for name in ("steady", "changed"))
    return [found(f"{len(late):,} changes of the split at {RATE:,} requests/s, from the rename to the last request on the wrong side",
                  f"p50 {late[len(late) // 2]:.1f} ms, p99 {late[int(len(late) * 0.99)]:.1f}, p100 {late[-1]:.1f}", "p100 ≤ 20 ms",
                  late[-1] <= 20, [one for each in rounds for one in each.values()], last_wrong_ms=late),
            found(f"p99.9 of all requests meanwhile, in the quieter quarter of {len(rounds)} rounds",
                  f"{changed:,.0f} µs, {changed / steady:.2f} × its steady value of {steady:,.0f}", "≤ 1.10",
                  round(changed / steady, 2) <= 1.10, rounds=rounds)]


def file_with(facts, share):
    return weir_file(facts, [service(facts, share=share)])


def back(file):
    """As it was at first."""
    again = file.with_name(f"{file.name}.again")
    again.write_text(file.with_name(f"{file.name}.old").read_text())
    again.rename(file)


def overload(field, args):
    """The endpoints take so many requests at once and need their time for each: that is what can be done."""
    each = f", max_connections: {AT_ONCE}"
    field.start_proxy("weir", PROGRAMS["weir"],
                      lambda facts: weir_file(facts, [service(facts, share="50%", origins="slow_", each=each)]))
    subject = field.subjects["weir"]
    nominal = 2 * AT_ONCE * 1000 / SLOW_MS

    def offer(rate):
        return generate(field, subject, ("--connections", str(CONNECTIONS), "--rate", str(int(rate)), "--refusals"),
                        args.seconds, warm_up=0.5)

    below = [offer(share * nominal) for share in (0.6, 0.8, 1.0, 1.2)]
    peak = max(one["rps"] for one in below)
    with Watch(subject) as watch:
        over = offer(OFFERED * peak)
    goodput, moved = over["rps"] / peak, watch.moved() / (1 << 20)
    refused = over["refused_p99_us"] / 1000
    return [found(f"offered {OFFERED} × what the endpoints take, goodput",
                  f"{goodput:.0%} of the peak of {peak:,.0f}/s; {over['refused']:,} refused", "≥ 90%", goodput >= 0.9,
                  [*below, over], peak=peak, over=over),
            found("the rest is refused within", f"p50 {over['refused_p50_us'] / 1000:.1f} ms, p99 {refused:.1f} ms "
                  f"(the endpoints take {SLOW_MS} ms)", f"p99 ≤ {SLOW_MS} ms", over["refused"] > 0 and refused <= SLOW_MS),
            found("and resident memory moves by", f"{moved:.1f} MiB with {CONNECTIONS:,} connections", "≤ 16 MiB", moved <= 16,
                  moved_mib=moved)]
