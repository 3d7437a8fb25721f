"""What each thing that weir does beside passing bytes on adds to a request: bench/feature_bench.cc, in nanoseconds."""

import json
import subprocess

from found import found
from proxies import Failure

REPETITIONS = 5
CLOCK_READS = 4  # of a request


def features(field, args):
    program = field.programs / "feature_bench"
    if not program.exists():
        raise Failure(f"{program} is not built: run ./dev bench, or name a build with --build")
    run = subprocess.run(["taskset", "-c", str(field.cores[0]), program, "--benchmark_format=json",
                          "--benchmark_min_time=0.05", f"--benchmark_repetitions={REPETITIONS}",
                          "--benchmark_report_aggregates_only=true"], capture_output=True, text=True)
    if run.returncode != 0:
        raise Failure(f"{program} failed: {run.stderr.strip()[-300:]}")
    took = {one["run_name"]: one["cpu_time"] for one in json.loads(run.stdout)["benchmarks"]
            if one["aggregate_name"] == "median"}
    adds = {"X-Forwarded-For": took["x_forwarded_for"],
            "the head rewritten, with that line": took["head_rewritten"] - took["head_copied"],
            "an X-Request-Id made": took["x_request_id_made"], "the cohort hash": took["cohort_hash"],
            "counters": took["counters"], "two histograms": took["histograms"],
            f"the clock, {CLOCK_READS} times": CLOCK_READS * took["clock_read"]}
    return [found("of a request's time each feature adds", ", ".join(f"{name} {ns:.0f} ns" for name, ns in adds.items()),
                  took_ns=took)]
