"""Two weirs beside each other: what more rules, services, endpoints and workers add to a request,
and what it saves that sends leave together."""

import os
import statistics
from pathlib import Path

from found import found
from jobs import ENDPOINTS, rules as rules_of, service, weir_file
from lines import generate
from proxies import PROGRAMS
from table import spread

WEIR = PROGRAMS["weir"]
CLOSED = ("--connections", "64")
BROWSER = tuple(word for field in (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Accept-Language: en-GB,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br", "Cookie: session=9f86d081884c7d65; plan=basic", "X-Tenant: tenant-100000",
    "X-Build: build-7") for word in ("--header", field))


def rules(field, args):
    pair(field, lambda facts: weir_file(facts, [service(facts)]),
         lambda facts: weir_file(facts, [service(facts, rules=rules_of(1000))]))
    return grown(field, args, "rules 0 → 1,000, a browser's request that none matches", (*CLOSED, *BROWSER), 1.05)


def services(field, args):
    pair(field, lambda facts: weir_file(facts, [service(facts)]),
         lambda facts: weir_file(facts, [service(facts, f"service-{i}", f"host-{i}.example") for i in range(1000)]),
         host="host-0.example")
    to_one = ("--host", "host-500.example")
    return [*grown(field, args, "services 1 → 1,000, requests to one of them", (*CLOSED, *to_one), 1.03),
            *grown(field, args, "services 1 → 1,000, requests to all by turns, each with connections of its own",
                   (*CLOSED, "--host", "host-%.example"), None)]


def endpoints(field, args):
    pair(field, lambda facts: weir_file(facts, [service(facts, origins="many_")]),
         lambda facts: weir_file(facts, [service(facts, origins="many_", endpoints=ENDPOINTS)]))
    return grown(field, args, f"endpoints per version 1 → {ENDPOINTS}", CLOSED, 1.02)


def workers(field, args):
    """With two cores only, both workers share them with the generator and the origins; so does the one they are held to."""
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    pair(field, lambda facts: weir_file(facts, [service(facts)]),
         lambda facts: weir_file(facts, [service(facts)], workers=2), cores=cores)
    before = thread_times(field.subjects["weir-more"])
    out = grown(field, args, "workers 1 → 2, 512 connections, all on all cores", ("--connections", "512"), 1.10, cores)
    spent = sorted((time - before.get(thread, 0) for thread, time in thread_times(field.subjects["weir-more"]).items()),
                   reverse=True)[:2]
    busier = spent[0] / max(sum(spent), 1)
    return [*out, found("the busier of two workers", f"{busier:.0%} of their time", "≤ 60%", busier <= 0.6, share=busier)]


def sends(field, args):
    """Of two weirs the first finds io_uring switched off, for the moment of its start and for the whole machine."""
    switch = Path("/proc/sys/kernel/io_uring_disabled")
    title = "a call for each send → one for those of a turn"
    if not os.access(switch, os.W_OK):
        return [found(title, f"not measured: {switch} cannot be written here (it needs Linux 6.6 and root)")]
    before = switch.read_text()
    switch.write_text("2")
    try:
        field.start_proxy("weir-plain", WEIR, lambda facts: weir_file(facts, [service(facts)]))
    finally:
        switch.write_text(before)
    field.start_proxy("weir-more", WEIR, lambda facts: weir_file(facts, [service(facts)]))
    return [one for count in (64, 512)
            for one in grown(field, args, f"{title}, {count} connections", ("--connections", str(count)), None)]


def pair(field, plain, more, cores=None, host="shop.example"):
    field.start_proxy("weir-plain", WEIR, plain, cores, host)
    field.start_proxy("weir-more", WEIR, more, cores, host)


def grown(field, args, title, options, limit, cores=None):
    rounds = [{name: generate(field, field.subjects[name], options, args.seconds, cores=cores)
               for name in ("weir-plain", "weir-more")} for _ in range(args.rounds)]
    ratio = spread([(each["weir-more"]["cpu_us"], each["weir-plain"]["cpu_us"]) for each in rounds])
    plain, more = (statistics.median(each[name]["cpu_us"] for each in rounds) for name in ("weir-plain", "weir-more"))
    measured = (f"CPU/request {plain:.2f} → {more:.2f} µs, {percent(ratio['median'])} "
                f"({percent(ratio['min'])} … {percent(ratio['max'])})")
    met = None if limit is None else round(ratio["median"], 3) <= limit
    return [found(title, measured, f"≤ {percent(limit)}" if limit else "", met,
                  [one for each in rounds for one in each.values()], ratio=ratio, plain_us=plain, more_us=more)]


def percent(ratio):
    return f"{100 * (ratio - 1):+.1f}%"


def thread_times(subject):
    """Nanoseconds that each thread has run."""
    times = {}
    for process in subject.processes:
        for task in Path(f"/proc/{process}/task").iterdir():
            times[task.name] = int((task / "schedstat").read_text().split()[0])
    return times
