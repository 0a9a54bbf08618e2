#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""examples/profiler: a process profiles itself, and finds what it was built to find."""
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import TOP, check, equal, main, skip  # noqa: E402

PROFILER = os.path.join(TOP, os.environ.get("B", "build"), "examples/profiler/profiler")
# Its threads are on the processor together for less than this on a busy machine.
ENOUGH = 50


def profile(*args):
    """What it prints, the folded stacks with their counts, and the picture's root element."""
    if os.path.basename(os.environ.get("B", "")) == "thread":
        skip("ThreadSanitizer runs signal handlers late, when the stack is another")
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "p")
        done = subprocess.run([PROFILER, "-o", prefix, *args], capture_output=True, text=True,
                              check=False)
        if "profiler: sampling:" in done.stderr:
            skip("perf_event_open(2): " + done.stderr.strip())
        equal((done.returncode, done.stderr), (0, ""))
        with open(prefix + ".folded") as f:
            lines = [line.rsplit(" ", 1) for line in f.read().splitlines()]
        svg = ElementTree.parse(prefix + ".svg").getroot()
    return done.stdout, {stack: int(count) for stack, count in lines}, svg


def profile_enough():
    """A profile of so many samples that shares mean something, however busy the machine is."""
    seconds = 1
    while True:
        found = profile("-s", str(seconds), "-t", "2")
        if sum(found[1].values()) >= ENOUGH:
            return found
        seconds *= 2


def test_the_function_that_burns_most_is_the_hottest():
    out, stacks, _ = profile_enough()
    first = out.splitlines()[1].split()
    equal(first[2], "compress_block", out)
    leaves = {}
    for stack, count in stacks.items():
        leaf = stack.rsplit(";", 1)[1]
        leaves[leaf] = leaves.get(leaf, 0) + count
    equal(max(leaves, key=leaves.get), "compress_block")
    equal(leaves["compress_block"], int(first[0]))


def test_stacks_go_from_the_thread_to_the_function():
    _, stacks, _ = profile_enough()
    whole = [s for s in stacks if re.fullmatch(
        r"worker [01];.*worker_main;work_until;handle_request;store_block;compress_block", s)]
    check(whole, stacks)


def test_every_sample_is_accounted_for():
    out, stacks, _ = profile("-s", "1", "-t", "2")
    n = re.search(r"(\d+) samples of 2 threads in 1.0 s, (\d+) shown, (\d+) without a stack, "
                  r"(\d+) without room", out)
    sampled, shown, no_stack, no_room = map(int, n.groups())
    equal(sampled, shown + no_stack + no_room)
    equal(shown, sum(stacks.values()))


def test_the_picture_needs_no_other_file_and_names_the_functions():
    _, stacks, svg = profile_enough()
    text = ElementTree.tostring(svg, encoding="unicode")
    check("compress_block" in text, text[:200])
    check(not re.search(r"(href|src)=", text), text[:200])
    titles = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}title")]
    check(f"all - {sum(stacks.values())} samples, 100.00%" in titles, titles)


def test_wrong_arguments_are_refused():
    for args in (["-t", "0"], ["-s", "x"], ["-s", "inf"], ["-s", "1e30"], ["more"], ["-q"]):
        equal(subprocess.run([PROFILER, *args], capture_output=True, check=False).returncode, 2)


def test_what_cannot_be_written_is_an_error():
    if not os.path.exists("/dev/full"):
        skip("there is no /dev/full")
    with tempfile.TemporaryDirectory() as folder, open("/dev/full", "w") as full:
        args = [PROFILER, "-s", "0.1", "-t", "1", "-o", os.path.join(folder, "p")]
        for stdout, prefix, what in ((full, "p", "stdout"), (None, "no/such/folder/p", "folder")):
            args[-1] = os.path.join(folder, prefix)
            proc = subprocess.run(args, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
                                  check=False, text=True)
            if "profiler: sampling:" in proc.stderr:
                skip("perf_event_open(2): " + proc.stderr.strip())
            equal(proc.returncode, 1, what)
            check(what in proc.stderr, proc.stderr)


main()
