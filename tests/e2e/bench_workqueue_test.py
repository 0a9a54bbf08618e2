#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""bench/workqueue: what it measures, what it says of what is not here, its JSON."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import TOP, check, equal, main, skip  # noqa: E402

BENCH = os.path.join(TOP, os.environ.get("B", "build"), "bench", "workqueue")


def bench(*args, program=BENCH):
    if not os.path.exists(program):
        skip("the benchmarks are not built here")
    done = subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    equal(done.returncode, 0, f"{args}: {done.stderr}")
    return done.stdout


def test_every_peer_that_is_here_has_a_row_and_figures_in_order():
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, "json")
        text = bench("-n", "2", "-m", "batch64", "-p", "pool, one woken", "-j", path)
        lines = [json.loads(line) for line in open(path)]
    for name in ("mutex pool, one woken after unlock", "spin pool, one woken under the lock"):
        check(f"  {name} " in text, text)
    equal([line["bench"] for line in lines],
          [f"workqueue-batch64-8-{figure}" for figure in ("rate", "cpu", "mean", "p50", "p90", "p99")])
    for line in lines:
        for case in line["cases"]:
            equal(case["samples"], 2, f"{line['bench']}: {case}")
            check(0 < case["min"] <= case["median"] <= case["max"], f"{line['bench']}: {case}")


def test_a_library_that_is_missing_is_named_not_left_out():
    with tempfile.TemporaryDirectory() as tmp:
        program = os.path.join(tmp, "workqueue")
        if os.path.exists(BENCH):
            shutil.copy(BENCH, program)
        text = bench("-n", "1", "-m", "idle", "-p", "none of them", program=program)
    for library in ("oneTBB", "libdispatch", "GLib", "libuv", "moodycamel", "Concurrency Kit",
                    "liburcu", "OpenMP, libgomp", "OpenMP, libomp"):
        check(f"not here: {library}" in text, f"{library}: {text}")


def test_a_library_found_only_when_it_is_used_says_why_not():
    text = bench("-n", "1", "-m", "idle", "-p", "libdispatch")
    rows = [line for line in text.splitlines() if line.startswith("  libdispatch, global queue ")]
    equal(len(rows), 1, text)
    check("not here: " in rows[0] and ".so" in rows[0] or rows[0].split()[-1][:1].isdigit(),
          rows[0])


main()
