"""How still the machine is: a shared one takes its cores away now and then, and no proxy's tail is shorter than that."""

import os
import time

AWAY_NS = 1_000_000


def stillness(cores, seconds=1.0):
    """What a process that only reads the clock sees on each core: how often in a second it was away for more than 1 ms,
    and the longest time (ms)."""
    allowed = os.sched_getaffinity(0)
    try:
        return [watch(core, seconds) for core in cores]
    finally:
        os.sched_setaffinity(0, allowed)


def watch(core, seconds):
    os.sched_setaffinity(0, {core})
    often, longest = 0, 0
    last = time.monotonic_ns()
    end = last + int(seconds * 1e9)
    while last < end:
        now = time.monotonic_ns()
        away = now - last
        if away > longest:
            longest = away
        often += away > AWAY_NS
        last = now
    return {"core": core, "away_a_second": often / seconds, "longest_ms": longest / 1e6}


def told(seen):
    often = " and ".join(f"{each['away_a_second']:.0f}" for each in seen)
    return (f"a process that only reads the clock was away from its core for more than 1 ms {often} times a second, for "
            f"{max(each['longest_ms'] for each in seen):.1f} ms at most")
