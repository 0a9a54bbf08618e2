#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""
tests/kernel/compare_dmabuf.py - hold what rove said of DMA-bufs to the ledger of who made them

    compare_dmabuf.py DIR

DIR is what guest-dmabuf.sh left.  Prints TAP lines without numbers; run.sh numbers them.

The ledger is the truth: make_dmabufs wrote down each buffer, each holder and each reference
before rove was asked.  The kernel's own files are held to it as well, so that a wrong ledger
would be noticed.
"""

import copy
import json
import os
import re
import sys

SHOWN = 3


class Mismatch(Exception):
    """The sentence that is tested is not true, and why."""


def expect(condition, text):
    if not condition:
        raise Mismatch(text)


def equal(got, want, what):
    expect(got == want, f"{what}: {got!r}, not {want!r}")


# --- readings ------------------------------------------------------------------------------------

def load_ledger(path):
    """{inode: {"size", "refs", "exporter", "name", "holders": {pid: (fds, maps, comm)}}}; names are bytes."""
    buffers = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            kind, inode, *rest = line.rstrip("\n").split("\t")
            if kind == "buffer":
                size, refs, exporter, name = rest
                buffers[int(inode)] = {"size": int(size), "refs": int(refs), "holders": {},
                                       "exporter": exporter,
                                       "name": b"" if name == "-" else bytes.fromhex(name)}
            else:
                pid, fds, maps, comm = rest
                buffers[int(inode)]["holders"][int(pid)] = (
                    int(fds), int(maps), bytes.fromhex(comm).decode("utf-8", "replace"))
    return buffers


def load(folder, case):
    with open(f"{folder}/{case}.json", encoding="utf-8") as file:
        return json.load(file)


def read_status(folder, case):
    with open(f"{folder}/{case}.status", encoding="ascii") as file:
        return int(file.read())


def read_text(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def load_bufinfo(text):
    """{inode: (size, refs, exporter, name)}, for names without a newline."""
    found = {}
    for line in text.split("\n"):
        m = re.fullmatch(r"(\d{8,})\t[0-9a-f]{8}\t[0-9a-f]{8}\t(\d{8,})\t(\w+)\t(\d{8,})\t(.*)", line)
        if m:
            found[int(m[4])] = (int(m[1]), int(m[2]), m[3], "" if m[5] == "<none>" else m[5])
    return found


def is_plain(buffer):
    return re.fullmatch(rb"[ -\[\]-~]*", buffer["name"])


# --- the kernel's own files ----------------------------------------------------------------------

def check_bufinfo(folder, ledger):
    found = load_bufinfo(read_text(f"{folder}/bufinfo"))
    for inode, buffer in ledger.items():
        if is_plain(buffer):
            equal(found.get(inode), (buffer["size"], buffer["refs"], buffer["exporter"],
                                     buffer["name"].decode()), f"inode {inode}")
    total = re.search(r"\nTotal (\d+) objects, (\d+) bytes", read_text(f"{folder}/bufinfo"))
    equal((int(total[1]), int(total[2])),
          (len(ledger), sum(buffer["size"] for buffer in ledger.values())), "its last line")


def load_proc(folder):
    """{(pid, inode): [descriptors, mappings]} and {inode: (size, references)}

    Threads have the same, or one has a table of its own, or their leader has nothing any more:
    here no two tables of a process have the same in the same place.
    """
    held, known, files, maps = {}, {}, {}, set()
    for line in read_text(f"{folder}/fdinfo").split("\n"):
        m = re.fullmatch(r"/proc/(\d+)/task/\d+/fdinfo/(\d+):(\w+):\t(.*)", line)
        if m:
            files.setdefault((int(m[1]), int(m[2])), {})[m[3]] = m[4]
    for (pid, _), keys in files.items():
        if "exp_name" in keys:
            held.setdefault((pid, int(keys["ino"])), [0, 0])[0] += 1
            known[int(keys["ino"])] = (int(keys["size"]), int(keys["count"]))
    for line in read_text(f"{folder}/maps").split("\n"):
        m = re.match(r"/proc/(\d+)/task/\d+/maps:(\S+) \S+ \S+ 00:\S+ (\d+) +/dmabuf:", line)
        if m:
            maps.add((int(m[1]), m[2], int(m[3])))
    for pid, _, inode in maps:
        held.setdefault((pid, inode), [0, 0])[1] += 1
    return held, known


def check_proc(folder, ledger):
    held, known = load_proc(folder)
    want = {(pid, inode): [fds, maps] for inode, buffer in ledger.items()
            for pid, (fds, maps, _) in buffer["holders"].items()}
    equal(len(held), len(want), "pairs of process and buffer")
    equal(held, want, "who holds what")
    for inode, (size, refs) in known.items():
        equal((size, refs), (ledger[inode]["size"], ledger[inode]["refs"]), f"inode {inode}")


# --- records -------------------------------------------------------------------------------------

def wanted_record(buffer, inode, comms=True):
    """What a complete record of this buffer says."""
    pids = sorted(buffer["holders"])
    holders = [{"pid": pid, "comm": buffer["holders"][pid][2], "nr_fds": buffer["holders"][pid][0],
                "nr_maps": buffer["holders"][pid][1]} for pid in pids]
    return {
        "inode": inode, "size_bytes": buffer["size"], "refs": buffer["refs"],
        "exporter": buffer["exporter"], "name": buffer["name"].decode("utf-8", "replace"),
        "nr_attachments": 0, "devices": [], "nr_processes": len(pids),
        "nr_fds": sum(h["nr_fds"] for h in holders), "nr_maps": sum(h["nr_maps"] for h in holders),
        "rss_bytes": buffer["size"] * len(pids),
        "pss_bytes": buffer["size"] // len(pids) if pids else None,
        "kernel_only": not pids, "holders": holders, "torn": False, "name_truncated": False,
    }


def check_records(document, ledger):
    """Every buffer, every holder, every sum."""
    records = {record["inode"]: dict(record) for record in document["records"]}
    equal(len(records), len(document["records"]), "inodes that are there once")
    equal(sorted(set(records) ^ set(ledger))[:SHOWN], [], "inodes of one side only")
    for inode, record in records.items():
        record.pop("owner")
        equal(record, wanted_record(ledger[inode], inode), f"inode {inode}")


def check_answer(folder, ledger, case, source):
    document = load(folder, case)
    equal((read_status(folder, case), document["source"]), (0, source), "status and source")
    equal((document["complete"], document["lost"], document["torn"]), (True, 0, 0), "header")
    check_records(document, ledger)


def check_noticed(folder, ledger, case):
    """Each field of a record, changed, must be noticed."""
    document = load(folder, case)
    for key in wanted_record(next(iter(ledger.values())), 0):
        wrong = copy.deepcopy(document)
        record = next(record for record in wrong["records"] if record["nr_processes"] == 2)
        record[key] = -1
        try:
            check_records(wrong, ledger)
        except Mismatch:
            continue
        raise Mismatch(f"a wrong {key} was not noticed")


def check_kernel_only(folder, ledger, case):
    """What only a socket holds has one reference, and nobody."""
    want = sorted(inode for inode, buffer in ledger.items() if not buffer["holders"])
    expect(len(want) >= len(ledger) // 20, "the ledger has such buffers")
    records = load(folder, case)["records"]
    equal(sorted(r["inode"] for r in records if r["kernel_only"]), want, "kernel-only buffers")
    for record in records:
        if record["kernel_only"]:
            equal((record["nr_processes"], record["refs"], record["owner"]), (0, 1, None),
                  f"inode {record['inode']}")


def check_missing(folder, case, code, words):
    equal(read_status(folder, case), code, "exit status")
    messages = read_text(f"{folder}/{case}.err")
    for word in words:
        expect(word in messages, f"'{word}' is not in the message: {messages}")


def check_proc_source(folder, ledger, case="proc"):
    """Right in what it claims to see, and null in what it cannot."""
    document = load(folder, case)
    equal((read_status(folder, case), document["complete"], document["why"]),
          (4, False, "kernel-only-unseen"), "what it says of itself")
    records = {record["inode"]: record for record in document["records"]}
    equal(sorted(records), sorted(i for i, b in ledger.items() if b["holders"]), "inodes")
    for inode, record in records.items():
        want = wanted_record(ledger[inode], inode)
        want.update(dict.fromkeys(("nr_attachments", "devices", "torn")))
        if not want["nr_fds"]:
            want.update(dict.fromkeys(("refs", "exporter")))
        # What shows a mapping's file, and so its size, is there of a living leader only.
        if not want["nr_fds"] and {holder["comm"] for holder in want["holders"]} == {"headless"}:
            want.update(dict.fromkeys(("size_bytes", "rss_bytes", "pss_bytes")))
        record.pop("owner")
        record.pop("name_truncated")
        want.pop("name_truncated")
        equal(record, want, f"inode {inode}")


# --- sums ----------------------------------------------------------------------------------------

def wanted_processes(ledger):
    sums = {}
    for buffer in ledger.values():
        for pid, (fds, maps, comm) in buffer["holders"].items():
            row = sums.setdefault(pid, {"pid": pid, "comm": comm, "nr_buffers": 0, "nr_fds": 0,
                                        "nr_maps": 0, "rss_bytes": 0, "pss_bytes": 0})
            row["nr_buffers"] += 1
            row["nr_fds"] += fds
            row["nr_maps"] += maps
            row["rss_bytes"] += buffer["size"]
            row["pss_bytes"] += buffer["size"] // len(buffer["holders"])
    for row in sums.values():
        row["exporters"] = [{"exporter": next(iter(ledger.values()))["exporter"], "nr_buffers": row["nr_buffers"],
                             "rss_bytes": row["rss_bytes"]}]
    return sums


def check_by_process(folder, ledger, case):
    records = load(folder, case)["records"]
    equal({record["pid"]: record for record in records}, wanted_processes(ledger), "the rows")
    equal(len(records), len({pid for b in ledger.values() for pid in b["holders"]}), "processes")
    expect(len(records) >= 10, "the ledger has so many processes")


def check_by_exporter(folder, ledger):
    only = [buffer["size"] for buffer in ledger.values() if not buffer["holders"]]
    equal(load(folder, "by-exporter")["records"], [{
        "exporter": next(iter(ledger.values()))["exporter"], "nr_buffers": len(ledger),
        "size_bytes": sum(buffer["size"] for buffer in ledger.values()), "nr_attachments": 0,
        "nr_processes": len({pid for b in ledger.values() for pid in b["holders"]}),
        "nr_kernel_only": len(only), "kernel_only_bytes": sum(only)}], "the row")
    equal(load(folder, "by-device")["records"], [], "devices: nothing is attached")


def check_one_process(folder, ledger):
    """The pid is that of the process that most buffers were made by."""
    records = load(folder, "of-parent")["records"]
    pid = min(pid for buffer in ledger.values() for pid in buffer["holders"])
    equal(sorted(record["inode"] for record in records),
          sorted(inode for inode, buffer in ledger.items() if pid in buffer["holders"]), "inodes")


def check_bounded(folder, has_bpf):
    document = load(folder, "bounded")
    equal((read_status(folder, "bounded"), document["complete"], document["why"],
           len(document["records"])), (4, False, "max-objects", 100), "what it says")


def check_budget(folder, ledger):
    """A walk that takes many times its budget stops, and does not guess about holders."""
    document = load(folder, "budget")
    equal((read_status(folder, "budget"), document["complete"], document["why"]),
          (4, False, "budget"), "what it says")
    for record in document["records"]:
        want = wanted_record(ledger[record["inode"]], record["inode"])
        equal((record["size_bytes"], record["refs"]), (want["size_bytes"], want["refs"]), "record")
        if record["nr_processes"] is not None:
            equal((record["nr_processes"], record["nr_fds"], record["nr_maps"]),
                  (want["nr_processes"], want["nr_fds"], want["nr_maps"]), "counts")


def check_text(folder, ledger):
    """-O bufinfo, read by whoever reads the file, gives the same."""
    theirs = load_bufinfo(read_text(f"{folder}/bufinfo"))
    ours = load_bufinfo(read_text(f"{folder}/text.json"))
    equal(len(ours), len(ledger), "buffers, one a line")
    for inode, buffer in ledger.items():
        if is_plain(buffer):
            equal(ours.get(inode), theirs.get(inode), f"inode {inode}")


def check_no_escapes(folder):
    for case in ("text", "table"):
        text = read_text(f"{folder}/{case}.json")
        bad = [c for c in text if c < " " and c not in "\n\t" or c == "\x7f"]
        equal(bad, [], f"{case}: control characters")
    equal(len(read_text(f"{folder}/table.json").rstrip("\n").split("\n")), 41, "lines of the table")


# --- changes -------------------------------------------------------------------------------------

def check_diff(folder, ledger):
    more = load_ledger(f"{folder}/ledger.more")
    document = load(folder, "diff")
    equal(read_status(folder, "diff"), 10, "exit status")
    records = document["records"]
    equal(sorted(record["inode"] for record in records), sorted(more), "inodes")
    for record in records:
        want = more[record["inode"]]
        equal((record["change"], record["size_bytes"], record["refs"], record["refs_before"],
               record["nr_processes"]),
              ("new", want["size"], want["refs"], None, len(want["holders"])),
              f"inode {record['inode']}")
    expect(not set(more) & set(ledger), "the ledgers share no inode")


def check_growing(folder):
    more = load_ledger(f"{folder}/ledger.more")
    want = {pid: (row["nr_buffers"], row["rss_bytes"], row["comm"])
            for pid, row in wanted_processes(more).items()}
    only = [buffer["size"] for buffer in more.values() if not buffer["holders"]]
    want[None] = (len(only), sum(only), None)
    equal(read_status(folder, "growing"), 10, "exit status")
    got = {record["pid"]: (record["more_buffers"], record["more_bytes"], record["comm"])
           for record in load(folder, "growing")["records"]}
    equal(got, want, "who has more")


def check_same(folder):
    equal((read_status(folder, "same"), load(folder, "same")["records"]), (0, []), "no difference")


def check_stirred(folder, case, source):
    """Others came and went meanwhile, buffers and processes; that changes nothing of these."""
    ledger = load_ledger(f"{folder}/ledger.stir")
    document = load(folder, case)
    equal((read_status(folder, case), document["source"]), (0, source), "status and source")
    equal((document["complete"], document["lost"]), (True, 0), "header")
    inodes = [record["inode"] for record in document["records"]]
    equal(len(set(inodes)), len(inodes), "inodes that are there once")
    check_records({"records": [r for r in document["records"] if r["inode"] in ledger]}, ledger)


def check_many(folder):
    ledger = load_ledger(f"{folder}/ledger.many")
    document = load(folder, "many")
    expect(document["cost"]["bytes"] > 1 << 20, "the records would have fitted the first buffer")
    equal((document["complete"], document["lost"]), (True, 0), "header")
    check_records(document, ledger)


# --- which tests there are -----------------------------------------------------------------------

def tests_without_buffers(folder, has_bpf):
    with open(f"{folder}/ledger.skip", encoding="utf-8") as file:
        why = file.read().strip()
    yield f"real DMA-bufs # SKIP {why}", None
    yield "rove dmabuf --source debugfs reads an empty list", check_answer, folder, {}, \
        "debugfs", "debugfs"
    yield "rove dmabuf chooses debugfs", check_answer, folder, {}, "auto", "debugfs"
    yield "rove dmabuf --source kernel says which kernel it needs", check_missing, folder, \
        "kernel", 3, ["6.16"]


def tests_of_kernel(folder, ledger):
    for case, said in (("kernel", "by the open-coded iterator"), ("link", "by iter/dmabuf")):
        yield f"rove dmabuf {said} is right in every buffer, holder and sum", \
            check_answer, folder, ledger, case, "kernel"
    yield "rove dmabuf chooses the kernel", check_answer, folder, ledger, "auto", "kernel"
    yield "rove dmabuf without debugfs is as right", check_answer, folder, ledger, \
        "no-debugfs", "kernel"
    yield "rove dmabuf by the kernel is right while other buffers and processes come and go", \
        check_stirred, folder, "stir-kernel", "kernel"
    yield "rove dmabuf of 3,500 buffers is right where the ring buffer must grow", check_many, folder
    yield "rove dmabuf --budget-ms stops in time and leaves unknown what it did not see", \
        check_budget, folder, ledger
    yield "rove dmabuf as nobody names the capability and goes on with /proc", check_missing, \
        folder, "user", 4, ["CAP_BPF", "processes-denied"]


def tests_of_fallback(folder, ledger):
    yield "rove dmabuf chooses debugfs", check_answer, folder, ledger, "auto", "debugfs"
    yield "rove dmabuf without debugfs takes /proc and says what it cannot see", \
        check_proc_source, folder, ledger, "no-debugfs"
    yield "rove dmabuf --source kernel says which kernel it needs", check_missing, folder, \
        "kernel", 3, ["6.16"]
    yield "rove dmabuf as nobody goes on with /proc", check_missing, folder, "user", 4, \
        ["CAP_DAC_READ_SEARCH", "processes-denied"]


def tests(folder):
    with open(f"{folder}/release", encoding="ascii") as file:
        has_bpf = "kfuncs 1" in file.read()
    if not os.path.exists(f"{folder}/ledger"):
        yield from tests_without_buffers(folder, has_bpf)
        return
    ledger = load_ledger(f"{folder}/ledger")
    best = "kernel" if has_bpf else "debugfs"
    yield "the kernel's bufinfo agrees with the ledger", check_bufinfo, folder, ledger
    yield "fdinfo and maps in /proc agree with the ledger", check_proc, folder, ledger
    yield from (tests_of_kernel if has_bpf else tests_of_fallback)(folder, ledger)
    yield "rove dmabuf --source debugfs is right in every buffer, holder and sum", \
        check_answer, folder, ledger, "debugfs", "debugfs"
    yield "rove dmabuf --source debugfs is right while other buffers and processes come and go", \
        check_stirred, folder, "stir-debugfs", "debugfs"
    yield "rove dmabuf --source proc is right in what it sees and says what it does not", \
        check_proc_source, folder, ledger
    yield "rove dmabuf --source sysfs says what the kernel lacks", check_missing, folder, \
        "sysfs", 3, ["CONFIG_DMABUF_SYSFS_STATS"]
    yield "the comparison would notice a wrong field", check_noticed, folder, ledger, best
    yield "buffers that only a socket holds are kernel-only", check_kernel_only, folder, ledger, best
    yield "rove dmabuf by-process has the sums of the ledger", check_by_process, folder, ledger, \
        "by-process"
    yield "rove dmabuf by-process of a recording has them too", check_by_process, folder, ledger, \
        "replayed"
    yield "rove dmabuf by-exporter has the sums of the ledger", check_by_exporter, folder, ledger
    yield "rove dmabuf -p shows what that process holds", check_one_process, folder, ledger
    yield "rove dmabuf --max-objects says that there is more", check_bounded, folder, has_bpf
    yield "rove dmabuf -O bufinfo is read like the kernel's file", check_text, folder, ledger
    yield "no output has a control character of a name", check_no_escapes, folder
    yield "rove dmabuf diff finds the new buffers and no others", check_diff, folder, ledger
    yield "rove dmabuf diff --growing says whose they are", check_growing, folder
    yield "rove dmabuf diff of a moment in which nothing changed is empty", check_same, folder


def main():
    folder, failed = sys.argv[1], False
    with open(f"{folder}/release", encoding="ascii") as file:
        release = file.readline().strip()
    for sentence, check, *args in tests(folder):
        if not check:
            print(f"ok - {release}: {sentence}")
            continue
        try:
            check(*args)
        except (Mismatch, OSError, KeyError, ValueError) as why:
            failed = True
            print(f"not ok - {release}: {sentence}")
            for line in f"{type(why).__name__}: {why}".splitlines():
                print(f"# {line[:2000]}")
        else:
            print(f"ok - {release}: {sentence}")
    sys.exit(failed)


main()
