"""Rounds to medians and ratios; the table and the JSON."""

import statistics

# More of the proxies' core than this was idle in a closed loop: the other core was the bottleneck.
UNSATURATED = 0.10
# Of a fixed rate; with less, the latencies are those of a queue that grows.
KEPT = 0.98


def summary(line, rounds):
    """`rounds`: one dict per round, name -> what the generator saw."""
    out = {"key": line.key, "title": line.title, "subjects": {}, "ratios": {}}
    for name in rounds[0]:
        seen = [each[name] for each in rounds]
        subject = {key: statistics.median(one[key] for one in seen)
                   for key in ("cpu_us", "rps", "p50_us", "p99_us", "p999_us", "cpu_share", "core_idle", "new_share")}
        subject["errors"] = sum(one["errors"] for one in seen)
        subject["unsent"] = sum(one["unsent"] for one in seen)
        subject["first_error"] = next((one["first_error"] for one in seen if one["errors"]), "")
        subject["saturated"] = subject["core_idle"] <= UNSATURATED
        subject["generator_bound"] = line.saturates and not subject["saturated"]
        subject["kept_rate"] = subject["rps"] >= KEPT * line.rate
        subject["rounds"] = seen
        out["subjects"][name] = subject
    for other in rounds[0]:
        if "weir" in rounds[0] and other != "weir":
            out["ratios"][other] = {"cpu": spread(rounds, other, "cpu_us"), "rps": spread(rounds, other, "rps")}
    return out


def spread(rounds, other, key):
    """weir by the other, round by round: what drifts from round to round falls out."""
    ratios = [each["weir"][key] / each[other][key] for each in rounds if each[other][key] > 0]
    if not ratios:
        return None
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


LABELS = {"weir": "weir", "nginx": "nginx", "haproxy": "HAProxy", "floor": "floor"}


def print_line(line):
    print(f"\n{line['title']}  [{line['key']}]")
    print(f"  {'':8}{'µs CPU/request':>15}{'requests/s':>12}{'p50 µs':>9}{'p99 µs':>9}{'errors':>8}")
    for name, one in line["subjects"].items():
        print(f"  {LABELS[name]:8}{one['cpu_us']:15.2f}{one['rps']:12,.0f}{one['p50_us']:9,.0f}{one['p99_us']:9,.0f}"
              f"{one['errors']:8,}{remark(one)}")
    for other, ratio in line["ratios"].items():
        if ratio["cpu"] and ratio["rps"]:
            print(f"  weir × {LABELS[other]:8} CPU/request {told(ratio['cpu'])}   requests/s {told(ratio['rps'])}")
    if line["rounds_measured_again"]:
        print(f"  the machine stood still in a round and it was measured again ({line['rounds_measured_again']} times)")


def remark(one):
    if one["errors"]:
        return f"   first: {' '.join(one['first_error'].split())[:300]}"
    if not one["kept_rate"]:
        return "   did not keep the rate"
    if one["generator_bound"]:
        return f"   not saturated: {one['core_idle']:.0%} of its core was idle"
    return ""


def told(ratio):
    return f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
