"""The last run as README.md's tables."""

from stillness import told as told_stillness
from table import told_quiet

LABELS = {"nginx": "nginx", "haproxy": "HAProxy"}


def markdown(result):
    out = [f"One run of `{command(result)}` ({result['rounds']} rounds of {result['seconds']:g} s, {result['took_s']:.0f} s in all; "
           f"{versions(result)}; kernel {result['kernel']}, load before it {result['load_average_before']:.1f}; "
           f"{told_stillness(result['stillness'])}):", ""]
    if result["lines"]:
        out += ["| | weir µs | × nginx | × HAProxy | req/s × nginx, HAProxy | p99 µs: weir, nginx, HAProxy |",
                "|---|---|---|---|---|---|"]
        out += [row(line) for line in result["lines"]]
        out += ["", *remarks(result["lines"])]
    if result["growth"]:
        out += ["", "| how cost grows | measured | to reach | |", "|---|---|---|---|"]
        out += [f"| {one['title']} | {one['measured']} | {one['wanted']} | {met(one['met'])} |" for one in result["growth"]]
    return "\n".join(out) + "\n"


def command(result):
    chosen = [word for word in result["command"][1:]]
    return " ".join(["./dev bench load", *chosen])


def versions(result):
    told = result["versions"]
    return ", ".join(told[name].split(" - ")[0].split(" 20")[0].removeprefix("nginx version: ")
                     for name in ("nginx", "haproxy") if name in told)


def met(told):
    return "" if told is None else "met" if told else "**missed**"


def row(line):
    ratios = [cell(line, other) for other in LABELS]
    rps = ", ".join(f"{line['ratios'][other]['rps']['median']:.2f}" for other in LABELS)
    p99 = ", ".join(f"{line['subjects'][name]['p99_us']:,.0f}" for name in ("weir", *LABELS))
    return f"| {line['title']} | {line['subjects']['weir']['cpu_us']:.1f} | {' | '.join(ratios)} | {rps} | {p99} |"


def cell(line, other):
    ratio = line["ratios"][other]["cpu_us"]
    told = f"{ratio['median']:.2f} ({ratio['min']:.2f}–{ratio['max']:.2f})"
    one = next((one for one in line["marks"] if one["what"] == f"CPU/request × {LABELS[other]}"), None)
    return told if one is None else f"{told} {'≤' if one['met'] else '**> **'} {one['limit']:.2f}".replace("**> **", "**>**")


def remarks(lines):
    wrong = sum(one["errors"] for line in lines for one in line["subjects"].values())
    out = [f"Responses that were wrong or missing: {wrong}."]
    for line in lines:
        if line["tail"]:
            out.append(f"p99 in the quieter quarter of the {line['rounds']} rounds of “{line['title']}”: {told_quiet(line)}.")
        missed = [f"{one['what']} {one['value']:.2f} (to reach {one['limit']:.2f})" for one in line["marks"]
                  if not one["met"]]
        if missed:
            out.append(f"Missed on “{line['title']}”: {'; '.join(missed)}.")
        bound = [name for name, one in line["subjects"].items() if one["generator_bound"]]
        if bound:
            out.append(f"On “{line['title']}” generator and origins were the bottleneck with {', '.join(bound)}.")
        if "floor" in line["ratios"]:
            ratio = line["ratios"]["floor"]["cpu_us"]
            out.append(f"The floor, a relay that looks at nothing, took {line['subjects']['floor']['cpu_us']:.1f} µs where "
                       f"weir took {line['subjects']['weir']['cpu_us']:.1f}: {ratio['median']:.2f} ×.")
    return out
