"""Rounds to medians and ratios, held to what weir is to reach; the table as text."""

import statistics

# More of the proxies' core than this was idle in a closed loop: the other core was the bottleneck.
UNSATURATED = 0.10
# Of a fixed rate; with less, the latencies are those of a queue that grows.
KEPT = 0.98

FIGURES = ("cpu_us", "rps", "p50_us", "p99_us", "p999_us", "cpu_share", "core_idle", "new_share")
LABELS = {"weir": "weir", "nginx": "nginx", "haproxy": "HAProxy", "floor": "floor"}


def summary(line, rounds):
    """`rounds`: one dict per round, name -> what the generator saw."""
    out = {"key": line.key, "title": line.title, "tail": line.tail, "rounds": len(rounds), "subjects": {}, "ratios": {}, "marks": []}
    for name in rounds[0]:
        seen = [each[name] for each in rounds]
        subject = {key: statistics.median(one[key] for one in seen) for key in FIGURES}
        subject["quiet_p99_us"] = quiet([one["p99_us"] for one in seen])
        subject["errors"] = sum(one["errors"] for one in seen)
        subject["unsent"] = sum(one["unsent"] for one in seen)
        subject["first_error"] = next((one["first_error"] for one in seen if one["errors"]), "")
        subject["saturated"] = subject["core_idle"] <= UNSATURATED
        subject["generator_bound"] = line.saturates and not subject["saturated"]
        subject["kept_rate"] = subject["rps"] >= KEPT * line.rate
        subject["rounds"] = seen
        out["subjects"][name] = subject
    for other in rounds[0]:
        if other != "weir":
            out["ratios"][other] = {key: spread([(each["weir"][key], each[other][key]) for each in rounds])
                                    for key in ("cpu_us", "rps", "p99_us", "p999_us")}
    out["marks"] = marks(line, out)
    return out


def quiet(figures):
    """The first quartile. What the machine itself does to a tail comes on top, in some rounds and not in others."""
    return statistics.quantiles(figures, n=4, method="inclusive")[0] if len(figures) > 1 else figures[0]


def spread(pairs):
    """One by the other, round by round: what drifts from round to round falls out."""
    ratios = [one / other for one, other in pairs if other > 0]
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def mark(what, value, limit, most=True):
    """A figure beside what it is to be: at most `limit`, or at least. Judged as printed."""
    value = round(value, 2)
    return {"what": what, "value": value, "limit": limit, "most": most, "met": value <= limit if most else value >= limit}


def marks(line, out):
    found = []
    for other, ratio in out["ratios"].items():
        if line.target(other) and ratio["cpu_us"]:
            found.append(mark(f"CPU/request × {LABELS[other]}", ratio["cpu_us"]["median"], line.target(other)))
    peers = [other for other in out["ratios"] if other != "floor" and out["ratios"][other]["rps"]]
    if line.rps:
        found += [mark(f"requests/s × {LABELS[other]}", out["ratios"][other]["rps"]["median"], line.rps, most=False)
                  for other in peers]
    if line.p99 and peers:
        p99 = {name: one["quiet_p99_us"] for name, one in out["subjects"].items()}
        better = min(peers, key=p99.get)
        found.append(mark(f"p99 × {LABELS[better]}, the better peer", p99["weir"] / p99[better], line.p99))
    return found


def told_mark(one):
    sign = "≤" if one["most"] else "≥"
    return f"{one['what']} {one['value']:.2f}, {sign} {one['limit']:.2f}: {'met' if one['met'] else 'MISSED'}"


def print_line(line):
    print(f"\n{line['title']}  [{line['key']}]")
    print(f"  {'':8}{'µs CPU/request':>15}{'requests/s':>12}{'p50 µs':>9}{'p99 µs':>9}{'p99.9 µs':>10}{'errors':>8}")
    for name, one in line["subjects"].items():
        print(f"  {LABELS[name]:8}{one['cpu_us']:15.2f}{one['rps']:12,.0f}{one['p50_us']:9,.0f}{one['p99_us']:9,.0f}"
              f"{one['p999_us']:10,.0f}{one['errors']:8,}{remark(one)}")
    for other, ratio in line["ratios"].items():
        if ratio["cpu_us"] and ratio["rps"]:
            print(f"  weir × {LABELS[other]:8} CPU/request {told(ratio['cpu_us'])}   requests/s {told(ratio['rps'])}")
    if line["tail"]:
        print(f"  p99 in the quieter quarter of {line['rounds']} rounds: {told_quiet(line)}")
    for one in line["marks"]:
        print(f"  {told_mark(one)}")
    if line["rounds_measured_again"]:
        print(f"  the machine stood still in a round and it was measured again ({line['rounds_measured_again']} times)")


def told_quiet(line):
    return ", ".join(f"{LABELS[name]} {one['quiet_p99_us']:,.0f} µs" for name, one in line["subjects"].items())


def remark(one):
    if one["errors"]:
        return f"   first: {' '.join(one['first_error'].split())[:300]}"
    if not one["kept_rate"]:
        return "   did not keep the rate"
    if one["generator_bound"]:
        return f"   the generator is the bottleneck: {one['core_idle']:.0%} of the proxy's core was idle"
    return ""


def told(ratio):
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
