#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""When the output cannot be written: a full device, a closed pipe, no stdout at all."""
import json
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import ROVE, Tree, check, environment, equal, main, rove, skip, usual_tree  # noqa: E402

SYSFS = ("wakeup", "--source", "sysfs")
FORMATS = ("table", "json", "ndjson", "csv", "tsv", "kv", "debugfs", "dumpsys")


def run_to(stdout, *args, tree=None, preexec=None):
    proc = subprocess.run([ROVE, *args], env=environment(tree), stdout=stdout,
                          stderr=subprocess.PIPE, timeout=60, preexec_fn=preexec)
    return proc.returncode, proc.stderr.decode()


def test_a_full_device_is_exit_1_with_one_message_in_every_format():
    if not os.path.exists("/dev/full"):
        skip("there is no /dev/full")
    with usual_tree() as tree, open("/dev/full", "wb") as full:
        for fmt in FORMATS:
            code, err = run_to(full, *SYSFS, "-O", fmt, tree=tree)
            equal(code, 1, fmt)
            equal(len(err.splitlines()), 1, f"{fmt}: {err}")
            check("No space left on device" in err, err)
        code, err = run_to(full, *SYSFS, "-j", tree=tree)
        message = json.loads(err)
        equal((message["where"], message["errno"]), ("stdout", 28))


def test_help_version_and_completions_notice_a_full_device():
    if not os.path.exists("/dev/full"):
        skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        for args in (["-h"], ["-V"], ["wakeup", "-h"], ["--completion", "bash"],
                     ["wakeup", "-o", "help"]):
            code, err = run_to(full, *args)
            equal(code, 1, str(args))
            check("No space left on device" in err, err)


def test_a_recording_that_does_not_fit_is_exit_1():
    if not os.path.exists("/dev/full"):
        skip("there is no /dev/full")
    with usual_tree() as tree:
        result = rove(*SYSFS, "-w", "/dev/full", tree=tree, code=1)
        check("/dev/full" in result.err, result.err)
        rove(*SYSFS, "-w", os.path.join(tree.root, "no/such/dir"), tree=tree, code=1)


def test_a_closed_stdout_is_exit_1():
    with usual_tree() as tree:
        code, err = run_to(None, *SYSFS, tree=tree, preexec=lambda: os.close(1))
        equal(code, 1)
        check("Bad file descriptor" in err, err)


def test_no_file_of_its_own_takes_the_place_of_a_closed_stdout():
    for noun in "dmabuf", "wakeup", "wq":
        code, err = run_to(None, noun, "--source", "self", "--sample", "3",
                           preexec=lambda: os.close(1))
        equal(code, 1, noun)
        check("Bad file descriptor" in err, err)


def read_one_line_and_leave(tree, *args, preexec=None):
    proc = subprocess.Popen([ROVE, *SYSFS, "-i", "0.01", *args], env=environment(tree),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=preexec)
    proc.stdout.readline()
    proc.stdout.close()
    err = proc.stderr.read().decode()
    return proc.wait(timeout=60), err


def test_a_reader_that_leaves_ends_it_by_sigpipe_without_a_word():
    with usual_tree() as tree:
        for fmt in FORMATS:
            code, err = read_one_line_and_leave(
                tree, "-q", "-O", fmt,
                preexec=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL))
            equal((code, err), (-signal.SIGPIPE, ""), fmt)


def test_where_sigpipe_is_ignored_it_leaves_with_1_without_a_word():
    with usual_tree() as tree:
        for fmt in FORMATS:
            code, err = read_one_line_and_leave(
                tree, "-q", "-O", fmt,
                preexec=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
            equal((code, err), (1, ""), fmt)


def test_a_long_listing_stops_when_nobody_reads():
    with Tree() as tree:
        for i in range(3000):
            tree.source(f"source number {i}")
        proc = subprocess.Popen([ROVE, *SYSFS, "-j"], env=environment(tree),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        proc.stdout.read(10)
        proc.stdout.close()
        err = proc.stderr.read().decode()
        equal((proc.wait(timeout=60), err), (1, ""))


main()
