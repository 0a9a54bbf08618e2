#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Where rove wakeup reads: sysfs, debugfs, itself, a recording; and what it says when it cannot."""
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import (ROVE, Tree, as_nobody, check, environment, equal, main, rove,  # noqa: E402
                 skip, usual_tree, validate)

SYSFS = ("wakeup", "--source", "sysfs")
DEBUGFS = ("wakeup", "--source", "debugfs")
SELF = ("wakeup", "--source", "self", "--sample")


def names(result):
    return [record["name"] for record in result.json["records"]]


def test_sysfs_lists_in_the_order_of_the_nodes():
    with Tree() as tree:
        for i in range(12):
            tree.source(f"s{i}")
        equal(names(rove(*SYSFS, "-j", tree=tree, code=0)), [f"s{i}" for i in range(12)])


def test_sysfs_keeps_sources_of_one_name_apart_by_device():
    with Tree() as tree:
        tree.source("dup", device="a", total_time_ms=1)
        tree.source("dup", device="b", total_time_ms=2)
        records = rove(*SYSFS, "-j", tree=tree, code=0).json["records"]
        equal([(r["name"], r["device"], r["total_time_ns"]) for r in records],
              [("dup", "a", 1000000), ("dup", "b", 2000000)])


def test_an_active_source_of_no_time_yet_is_active():
    with Tree() as tree:
        tree.source("just", active_count=5, relax_count=4)
        tree.source("not", active_count=5, relax_count=5)
        equal([r["active"] for r in rove(*SYSFS, "-j", tree=tree).json["records"]], [True, False])
        equal(names(rove(*SYSFS, "-j", "--active", tree=tree, code=0)), ["just"])


def test_a_refused_attribute_is_null_and_the_listing_partial():
    prefix = as_nobody()
    with usual_tree() as tree:
        os.chmod(tree.path("wakeup1", "total_time_ms"), 0)
        os.chmod(tree.path("wakeup0", "name"), 0)
        result = rove(*SYSFS, "-j", tree=tree, prefix=prefix, code=4)
        document = result.json
        validate(document, "rove.wakeup.schema.json")
        equal((document["why"], document["unreadable"]), ("permission", 2))
        equal([r["name"] for r in document["records"]], [None, "xhci host", "eventpoll", "AC"])
        equal(document["records"][1]["total_time_ns"], None)
        equal(document["records"][1]["max_time_ns"], 9000000000)
        message = json.loads(result.err)
        equal((message["code"], message["hint"]), ("partial", "needs CAP_DAC_READ_SEARCH"))


def test_a_refused_node_is_a_row_of_unknowns():
    prefix = as_nobody()
    with usual_tree() as tree:
        os.chmod(os.path.realpath(tree.path("wakeup2")), 0)
        document = rove(*SYSFS, "-j", tree=tree, prefix=prefix, code=4).json
        row = document["records"][2]
        equal((row["node"], row["name"], row["active"], row["total_time_ns"]),
              ("wakeup2", None, None, None))


def test_a_refused_class_is_exit_6_and_names_the_capability():
    prefix = as_nobody()
    with usual_tree() as tree:
        os.chmod(tree.wakeup, 0)
        result = rove(*SYSFS, tree=tree, prefix=prefix, code=6)
        check("CAP_DAC_READ_SEARCH" in result.err, result.err)


def test_a_node_without_a_directory_behind_it_is_gone():
    with usual_tree() as tree:
        shutil.rmtree(os.path.realpath(tree.path("wakeup1")))
        document = rove(*SYSFS, "-j", tree=tree, code=0).json
        equal([r["node"] for r in document["records"]], ["wakeup0", "wakeup2", "wakeup3"])
        equal((document["lost"], document["complete"]), (0, True))


class Interval:
    """rove -i in the background; documents are read one by one while the tree changes."""

    def __init__(self, tree, *args, preexec=None):
        self.proc = subprocess.Popen([ROVE, *SYSFS, "-j", "-i", "0.2", *args],
                                     env=environment(tree), stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, preexec_fn=preexec)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.proc.kill()
        self.proc.communicate()

    def document(self):
        return json.loads(self.proc.stdout.readline())

    def until(self, condition, what):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            document = self.document()
            if condition(document):
                return document
        check(False, what)


def test_sources_come_and_go_between_listings():
    with usual_tree() as tree, Interval(tree) as run:
        equal(len(run.document()["records"]), 4)
        tree.source("newcomer", active_count=1)
        run.until(lambda d: any(r["name"] == "newcomer" for r in d["records"]), "it appears")
        os.unlink(tree.path("wakeup1"))
        last = run.until(lambda d: len(d["records"]) == 4, "one goes")
        equal([r["name"] for r in last["records"]], ["alarmtimer", "eventpoll", "AC", "newcomer"])
        equal(last["complete"], True)


def test_a_node_number_used_again_is_another_source():
    with usual_tree() as tree, Interval(tree) as run:
        equal(run.document()["records"][1]["name"], "xhci host")
        # Made beside the old one, so that no file system gives it the old inode number.
        tree.source("second life", node="wakeup9", device="other")
        os.replace(tree.path("wakeup9"), tree.path("wakeup1"))
        run.until(lambda d: [r["name"] for r in d["records"]][1] == "second life", "new name")


def test_values_are_read_again_through_kept_descriptors():
    with usual_tree() as tree, Interval(tree) as run:
        equal(run.document()["records"][0]["event_count"], 13)
        fds = f"/proc/{run.proc.pid}/fd"
        before = {os.readlink(f"{fds}/{fd}") for fd in os.listdir(fds)}
        check(sum("/wakeup0/" in path for path in before) == 10, "files are kept open")
        tree.write(tree.path("wakeup0", "event_count"), "14")
        run.until(lambda d: d["records"][0]["event_count"] == 14, "it changes")


def limit_files(soft, hard):
    import resource
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_soft_limit_of_descriptors_is_raised():
    with Tree() as tree:
        for i in range(30):
            tree.source(f"s{i}")
        with Interval(tree, preexec=limit_files(128, 1024)) as run:
            equal(len(run.document()["records"]), 30)
            check(len(os.listdir(f"/proc/{run.proc.pid}/fd")) > 300, "all are kept")


def test_over_the_hard_limit_files_are_opened_for_each_read():
    with Tree() as tree:
        for i in range(30):
            tree.source(f"s{i}", event_count=i)
        with Interval(tree, preexec=limit_files(128, 128)) as run:
            for _ in range(2):
                document = run.document()
                equal([r["event_count"] for r in document["records"]], list(range(30)))
                equal(document["complete"], True)
            check(len(os.listdir(f"/proc/{run.proc.pid}/fd")) < 128, "some are kept")


def test_debugfs_names_may_hold_blanks_tabs_and_newlines():
    numbers = (1, 2, 3, 4, 0, 6, 7, 8, 9)
    odd = ["two words", "1 2 3", "a\tb", "line\nline", " lead", "twelve chars", "ends in 12 ",
           "thirteen char", "1\n2 3 4 5", "ünï"]
    with Tree() as tree:
        tree.debugfs(*[(name, *numbers) for name in odd])
        got = names(rove(*DEBUGFS, "-j", tree=tree, code=0))
        # A short name that ends in a blank cannot be told from its padding.
        equal(got, [name.rstrip(" ") if len(name) < 12 else name for name in odd])


def test_debugfs_does_not_list_the_sum_of_the_deleted():
    with Tree() as tree:
        tree.debugfs(("deleted", *range(9)), ("b", *range(9)))
        equal(names(rove(*DEBUGFS, "-j", tree=tree, code=0)), ["deleted", "b"])


def test_debugfs_with_other_columns_is_read_by_its_heading():
    with Tree() as tree:
        with open(os.path.join(tree.root, "debug/wakeup_sources"), "w") as f:
            f.write("name\t\tactive_count\tnovelty\ttotal_time\n"
                    "a\t\t1\t\t77\t\t3\n")
        record = rove(*DEBUGFS, "-j", tree=tree, code=0).json["records"][0]
        equal([record[k] for k in ("active_count", "total_time_ns", "event_count", "active")],
              [1, 3000000, None, None])


def test_debugfs_garbage_is_an_error_or_a_partial_listing():
    heading = ("name\t\tactive_count\tevent_count\twakeup_count\texpire_count\tactive_since\t"
               "total_time\tmax_time\tlast_change\tprevent_suspend_time\n")
    for text, code in (("", 1), ("no heading\n", 1), ("name\n", 1), ("name what\n", 1),
                       (heading, 0), (heading + "a  1 2 3\n", 4), (heading + "a", 4),
                       (heading + "\0\0\n", 1), ("\xff" * 9000 + "\n", 1),
                       (heading + "a \t" + "9" * 40 + "\t1" * 8 + "\n", 4)):
        with Tree() as tree:
            with open(os.path.join(tree.root, "debug/wakeup_sources"), "w") as f:
                f.write(text)
            rove(*DEBUGFS, "-j", tree=tree, code=code)


def test_a_source_that_is_not_there_is_exit_3_and_says_what_is_missing():
    with Tree() as tree:
        shutil.rmtree(tree.wakeup)
        result = rove(*SYSFS, tree=tree, code=3)
        check("CONFIG_PM_SLEEP" in result.err and tree.wakeup in result.err, result.err)
        result = rove(*DEBUGFS, tree=tree, code=3)
        check("CONFIG_DEBUG_FS" in result.err, result.err)


def test_without_btf_every_message_is_still_one_of_ours():
    hidden = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh")
    if not os.path.exists("/sys/kernel/btf/vmlinux") or \
            subprocess.run([*hidden, "true"], capture_output=True).returncode:
        skip("/sys/kernel/btf cannot be hidden here")
    result = rove("wakeup", "--source", "kernel", "-j", prefix=hidden, code=3)
    message = json.loads(result.err)
    validate(message, "rove.message.schema.json")
    check("no readable BTF" in message["message"], result.err)


def test_a_refused_debugfs_is_exit_6():
    prefix = as_nobody()
    with Tree() as tree:
        tree.debugfs(("a", *range(9)))
        os.chmod(os.path.join(tree.root, "debug"), 0)
        result = rove(*DEBUGFS, tree=tree, prefix=prefix, code=6)
        check("CAP_DAC_READ_SEARCH" in result.err, result.err)


def test_the_kernel_source_says_what_it_lacks_or_lists():
    result = rove("wakeup", "--source", "kernel", "-j", prefix=as_nobody())
    if result.code == 3:
        check(os.uname().release in result.err or "BTF" in result.err, result.err)
        check("7.2" in result.err or "BTF" in result.err, result.err)
    else:
        equal(result.code, 6, "without privileges a kernel that has it refuses it")
        check("CAP_BPF" in result.err and "CAP_PERFMON" in result.err, result.err)


def test_auto_falls_back_and_says_why_when_asked():
    prefix = as_nobody()    # so that a kernel that has the kfuncs refuses them
    with usual_tree() as tree:
        result = rove("wakeup", "-v", "-j", tree=tree, prefix=prefix, code=0)
        equal(result.json["source"], "sysfs")
        said = [json.loads(line) for line in result.err.splitlines()]
        for message in said:
            validate(message, "rove.message.schema.json")
        equal([m["where"] for m in said], ["kernel", "sysfs"])
        equal(rove("wakeup", "-j", tree=tree, prefix=prefix, code=0).err, "", "without -v")
        tree.debugfs(("only here", *range(9)))
        shutil.rmtree(tree.wakeup)
        equal(names(rove("wakeup", "-j", tree=tree, prefix=prefix, code=0)), ["only here"])


def test_auto_with_nothing_left_is_exit_3_with_every_reason():
    prefix = as_nobody()
    with Tree() as tree:
        shutil.rmtree(tree.wakeup)
        result = rove("wakeup", tree=tree, prefix=prefix, code=3)
        equal(result.text, "")
        for word in ("kernel", "CONFIG_PM_SLEEP", "CONFIG_DEBUG_FS", "no source"):
            check(word in result.err, f"{word}: {result.err}")


def test_max_objects_leaves_the_rest_and_says_so():
    with usual_tree() as tree:
        tree.debugfs(*[(f"s{i}", *range(9)) for i in range(4)])
        for source in (SYSFS, DEBUGFS):
            result = rove(*source, "-j", "--max-objects", "3", tree=tree, code=4)
            document = result.json
            validate(document, "rove.wakeup.schema.json")
            equal((document["complete"], document["why"], document["visited"], document["lost"],
                   document["nr_records"]), (False, "max-objects", 3, 1, 3))
            equal(json.loads(result.err)["code"], "partial")
            rove(*source, "-j", "--max-objects", "4", tree=tree, code=0)


def test_a_budget_stops_the_reading():
    with Tree() as tree:
        for i in range(1500):
            tree.source(f"s{i}")
        document = rove(*SYSFS, "-j", "--budget-ms", "1", tree=tree, code=4).json
        equal((document["why"], document["complete"]), ("budget", False))
        equal(document["visited"] + document["lost"], 1500)
        equal(document["nr_records"], document["visited"])
        check(document["lost"] > 0, "some are lost")
        document = rove(*SYSFS, "-j", "--budget-ms", "60000", tree=tree, code=0).json
        equal(document["nr_records"], 1500)


def test_self_lists_a_sample_with_names_and_devices():
    document = rove(*SELF, "150", "-j", code=0).json
    validate(document, "rove.wakeup.schema.json")
    equal((document["source"], document["nr_records"], document["visited"], document["lost"]),
          ("self", 150, 150, 0))
    records = document["records"]
    check(all(r["name"] for r in records), "all have names")
    check(any(r["device"] for r in records), "some have devices")
    check(any(r["active_count"] for r in records), "they have a history")
    for r in records:
        check(r["max_time_ns"] <= r["total_time_ns"], f"max is in total: {r}")
        check(r["active"] == (r["active_time_ns"] > 0) or r["active"], f"active: {r}")
        check(r["active_time_ns"] <= r["max_time_ns"], f"the activation that goes on counts: {r}")


def test_self_bounds_the_walk():
    document = rove(*SELF, "150", "-j", "--max-objects", "10", code=4).json
    equal((document["why"], document["nr_records"]), ("max-objects", 10))


def test_self_is_walked_again_for_every_listing():
    lines = rove(*SELF, "30", "-j", "-i", "0.05", "-c", "3", code=0).lines
    documents = [json.loads(line) for line in lines]
    equal([d["nr_records"] for d in documents], [30] * 3)
    at = [[r["read_at_ns"] for r in d["records"]] for d in documents]
    check(max(at[0]) < min(at[1]) and max(at[1]) < min(at[2]), "each is read anew")


def test_self_in_every_format():
    around = {"table": 1, "ndjson": 1, "csv": 1, "tsv": 1, "kv": 0, "debugfs": 1, "dumpsys": 6}
    for fmt, lines in around.items():
        equal(len(rove(*SELF, "20", "-O", fmt, code=0).lines), 20 + lines, fmt)


def records_of(stream):
    """The records of one JSON document, one by one; the document without them comes last."""
    decoder, text = json.JSONDecoder(), ""
    while '"records":[' not in text:
        text += stream.read(4096)
    head, text = text.split('"records":[', 1)
    at = 0
    while text[at:at + 1] != "]":
        try:
            record, end = decoder.raw_decode(text, at + (text[at:at + 1] == ","))
        except json.JSONDecodeError:
            more = stream.read(1 << 20)
            check(more, f"the document ends in {text[-80:]!r}")
            text, at = text[at:] + more, 0
            continue
        yield record
        at = end
    yield json.loads(head + '"records":[' + text[at:] + stream.read())


def test_a_million_sources_are_complete_and_valid_json():
    sample = int(os.environ.get("ROVE_SAMPLE", "1000000"))
    seen, nodes, last = 0, set(), None
    with subprocess.Popen([ROVE, *SELF, str(sample), "-j", "-q"], stdout=subprocess.PIPE,
                          text=True) as rove_process:
        for item in records_of(rove_process.stdout):
            if "schema" in item:
                last = item
                continue
            seen += 1
            nodes.add(item["node"])
    equal(rove_process.returncode, 0)
    equal((seen, len(nodes)), (sample, sample))
    equal((last["complete"], last["visited"], last["lost"], last["nr_records"]),
          (True, sample, 0, sample))


def test_a_recording_reads_back_as_it_was():
    with usual_tree() as tree:
        tree.source(b"odd \x1b\n\xff name", active_count=2**63 + 5, last_change_ms=2**43)
        tape = os.path.join(tree.root, "tape")
        equal(rove(*SYSFS, "-q", "-i", "0.01", "-c", "2", "-w", tape, tree=tree, code=0).out, b"")
        with open(tape, "rb") as f:
            recorded = f.read()
        equal(rove("wakeup", "-r", tape, "-O", "ndjson", code=0).out, recorded)
        with open(tape, "rb") as f:
            equal(rove("wakeup", "-r", "-", "-O", "ndjson", code=0, stdin=f).out, recorded)
        equal(rove("wakeup", "-r", tape, "-w", "-", code=0).out, recorded, "-w to stdout")
        documents = [json.loads(l) for l in rove("wakeup", "-r", tape, "-j", "xhci*").lines]
        equal([d["nr_records"] for d in documents], [1, 1])
        equal([d["source"] for d in documents], ["sysfs", "sysfs"])


def test_a_partial_listing_is_still_partial_when_read_back():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "--max-objects", "2", "-w", tape, tree=tree, code=4)
        document = rove("wakeup", "-r", tape, "-j", code=4).json
        equal((document["why"], document["lost"]), ("max-objects", 2))


def test_a_cut_recording_gives_what_is_there_and_exit_4():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "-w", tape, tree=tree, code=0)
        with open(tape, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        for cut in (b"".join(lines[:3]), b"".join(lines[:3]) + lines[3][:40]):
            with open(tape, "wb") as f:
                f.write(cut)
            document = rove("wakeup", "-r", tape, "-j", code=4).json
            validate(document, "rove.wakeup.schema.json")
            equal((document["why"], document["nr_records"], document["lost"]),
                  ("file-ends-early", 2, 2))


def test_a_recording_cut_in_a_later_header_gives_what_was_before_and_exit_4():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "-i", "0.01", "-c", "2", "-w", tape, tree=tree, code=0)
        with open(tape, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        equal(len(lines), 10)
        with open(tape, "wb") as f:
            f.write(b"".join(lines[:5]) + lines[5][:40])
        result = rove("wakeup", "-r", tape, "-j", code=4)
        equal(len(result.json["records"]), 4)
        check("the recording ends in the middle" in result.err, result.err)
        with open(tape, "wb") as f:
            f.write(lines[0][:40])
        check("no wakeup listing" in rove("wakeup", "-r", tape, code=1).err, "the first header")


# --- two listings compared ---------------------------------------------------------------------

def diff(tree, *args, code):
    document = rove("wakeup", "diff", "-j", *args, tree=tree, code=code).json
    validate(document, "rove.wakeup.diff.schema.json")
    return document["records"]


def test_diff_says_what_was_active_since():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "-w", tape, tree=tree, code=0)
        equal(diff(tree, tape, tape, code=0), [], "nothing")
        equal(diff(tree, tape, "--source", "sysfs", code=0), [], "nothing yet")
        tree.write(tree.path("wakeup0", "active_count"), "15")
        tree.write(tree.path("wakeup0", "event_count"), "17")
        tree.write(tree.path("wakeup0", "total_time_ms"), "3500")
        tree.write(tree.path("wakeup1", "active_time_ms"), "0")
        tree.write(tree.path("wakeup1", "relax_count"), "7")
        shutil.rmtree(tree.path("wakeup2"), ignore_errors=True)
        os.unlink(tree.path("wakeup2"))
        tree.source("BT", device="usb1/1-10", active_count=2, event_count=3, total_time_ms=9)
        want = [("changed", "alarmtimer", 3, 4, 44000000), ("changed", "xhci host", 0, 0, 0),
                ("gone", "eventpoll", None, None, None), ("new", "BT", 2, 3, 9000000)]
        found = diff(tree, tape, "--source", "sysfs", code=10)
        equal(sorted((r["change"], r["name"], r["more_active_count"], r["more_event_count"],
                      r["more_total_time_ns"]) for r in found), sorted(want))
        after = os.path.join(tree.root, "after")
        rove(*SYSFS, "-w", after, tree=tree, code=0)
        equal(diff(tree, tape, after, code=10), found, "of two recordings")
        table = rove("wakeup", "diff", tape, after, "-q", code=10).lines
        equal(table[0].split(), "CHANGE ACT NAME +ACTIVE +EVENT +WAKEUP +TOTAL(ms) LAST(ms) "
              "DEVICE".split())
        equal([line.split()[0] for line in table[1:]], ["changed", "new", "changed", "gone"],
              "by time, what is unknown last")
        equal(rove("wakeup", "diff", tape, after, "-q", "-F", "more_wakeup_count>0", code=0).text,
              "", "filtered: exit 0")


def test_diff_takes_a_source_whose_counts_went_back_for_another_one():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "-w", tape, tree=tree, code=0)
        tree.write(tree.path("wakeup0", "active_count"), "1")
        found = diff(tree, tape, "--source", "sysfs", code=10)
        equal(sorted((r["change"], r["name"], r["more_active_count"]) for r in found),
              [("gone", "alarmtimer", None), ("new", "alarmtimer", 1)])


def test_diff_tells_sources_of_one_name_apart_by_their_counts():
    with Tree() as tree:
        def listed(name, *counts):
            tree.debugfs(*(("x", n, n, 0, 0, 0, n, n, n, 0) for n in counts))
            path = os.path.join(tree.root, name)
            rove(*DEBUGFS, "-w", path, tree=tree, code=0)
            return path
        old = listed("old", 30, 20, 10, 10)
        for counts, want in (((30, 20, 10, 10), []), ((10, 30, 10, 20), []),
                             ((1, 30, 20, 10, 10), [("new", 1)]), ((30, 10, 10), [("gone", None)]),
                             ((30, 25, 10, 10), [("changed", 5)]),
                             ((31, 2, 20, 10, 10), [("new", 2), ("changed", 1)])):
            found = diff(tree, old, listed("new", *counts), code=10 if want else 0)
            equal(sorted((r["change"], r["more_active_count"] or 0) for r in found),
                  sorted((what, more or 0) for what, more in want), str(counts))


def test_diff_between_sources_of_different_exactness_finds_only_what_differs():
    with usual_tree() as tree:
        exact, whole = os.path.join(tree.root, "exact"), os.path.join(tree.root, "whole")
        rove(*SYSFS, "-w", whole, tree=tree, code=0)
        with open(whole) as f, open(exact, "w") as to:
            to.write(f.read().replace('"total_time_ns":3456000000', '"total_time_ns":3456789012'))
        equal(diff(tree, exact, whole, code=0), [])
        equal(diff(tree, whole, exact, code=0), [])


def test_diff_of_a_listing_that_is_not_complete_is_exit_4():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "-w", tape, tree=tree, code=0)
        with open(tape, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        for nr_left in 5, 4:
            with open(tape, "wb") as f:
                f.write(b"".join(lines[:nr_left]))
            found = diff(tree, tape, "--source", "sysfs", code=4 if nr_left < 5 else 0)
            equal(len(found), 5 - nr_left)
        result = rove("wakeup", "diff", tape, tape, "-j", code=4)
        equal((result.json["why"], result.json["lost"]), ("file-ends-early", 2))


def test_diff_knows_a_source_by_the_beginning_of_its_name():
    with Tree() as tree:
        whole, cut = os.path.join(tree.root, "whole"), os.path.join(tree.root, "cut")
        tree.source("n" * 99 + "\u20ac" + "n" * 99, active_count=3)
        rove(*SYSFS, "-w", whole, tree=tree, code=0)
        with open(whole) as f, open(cut, "w") as to:
            to.write(f.read().replace("\u20ac" + "n" * 99, "\ufffd").replace(
                '"name_truncated":false', '"name_truncated":true'))
        for args in (whole, cut), (cut, whole):
            equal(diff(tree, *args, code=0), [], str(args))
        tree.write(tree.path("wakeup0", "active_count"), "4")
        equal([(r["change"], r["more_active_count"])
               for r in diff(tree, cut, "--source", "sysfs", code=10)], [("changed", 1)])


def test_diff_of_an_interval_compares_what_happens_in_it():
    lines = rove("wakeup", "diff", "-j", *SELF[1:], "20", "-i", "0.2", "-c", "2", code=10).lines
    equal(len(lines), 2)
    for line in lines:
        document = json.loads(line)
        validate(document, "rove.wakeup.diff.schema.json")
        check(all(r["more_event_count"] >= 0 for r in document["records"]), line[:300])


def test_a_recording_is_not_written_over_while_it_is_read():
    with usual_tree() as tree:
        tape, link = os.path.join(tree.root, "tape"), os.path.join(tree.root, "link")
        rove(*SYSFS, "-w", tape, tree=tree, code=0)
        os.symlink(tape, link)
        with open(tape, "rb") as f:
            before = f.read()
        for written in tape, link:
            said = rove("wakeup", "-r", tape, "-w", written, code=2).err
            check("--write: would destroy" in said, said)
            with open(tape, "rb") as stdin:
                rove("wakeup", "-r", "-", "-w", written, code=2, stdin=stdin)
        rove("wakeup", "-r", tape, "-w", tape + "2", code=0)
        for path in tape, tape + "2":
            with open(path, "rb") as f:
                equal(f.read(), before)


def test_what_is_no_recording_is_refused():
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        rove(*SYSFS, "-w", tape, tree=tree, code=0)
        with open(tape) as f:
            header, *records = f.read().splitlines()
        broken = [
            "", "\n", "[]\n", "{}\n", "null\n", header + " x\n",
            header.replace('"version":1', '"version":2'), header.replace("rove.wakeup", "rove.x"),
            header.replace('"visited":4', '"visited":"4"'),
            header.replace('"visited":4', '"visited":null'),
            header.replace('"visited":4', '"visited":-4'),
            header.replace('"visited":4', '"visited":18446744073709551615'),
            header.replace('"visited":4', '"visited":"-0x4"'),
            header.replace('"kernel":"', '"kernel":7,"k":"'),
            header.replace('"clock":', '"klock":'), header.replace('"cost":{', '"cost":7,"c":{'),
            "\n".join([header, records[0].replace('"active":false', '"active":0'), ""]),
            "\n".join([header, records[0].replace('"name":"', '"name":3,"n":"'), ""]),
            "\n".join([header, records[0].replace('"event_count":13', '"event_count":1.5'), ""]),
            "\n".join([header, records[0].replace('"event_count":13', '"event_count":"0x"'), ""]),
            "\n".join([header, records[0].replace('"event_count":13', '"event_count":-13'), ""]),
            "\n".join([header, records[0].replace('"max_time_ns":1500000000',
                                                  '"max_time_ns":"0x8000000000000000"'), ""]),
            "\n".join([header, "garbage", ""]),
        ]
        for text in broken:
            text += "" if not text or text.endswith("\n") else "\n"
            with open(tape, "w") as f:
                f.write(text)
            check(text != header + "\n", "the test changed nothing")
            result = rove("wakeup", "-r", tape, code=1)
            check("no wakeup listing" in result.err, f"{text[:80]}: {result.err}")
        rove("wakeup", "-r", os.path.join(tree.root, "nothing"), code=1)


main()
