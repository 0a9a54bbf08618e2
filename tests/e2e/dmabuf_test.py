#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""rove dmabuf on made-up trees: formats, views, comparisons, hostile names, exit statuses."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from dmabuf_tree import Buffer, DmabufTree, usual_dmabufs  # noqa: E402
from e2e import ROVE, TOP, as_nobody, check, equal, main, rove, skip, validate  # noqa: E402

DEBUGFS = ("--source", "debugfs")
EVIL = b"a\x1b[31mb\nc\td\\e,f\"\xff\x7f\xc2\x9b"


def ask(tree, *args, code=0, **extra):
    return rove("dmabuf", *args, env=tree.env(**extra), code=code)


def records(tree, *args, code=0):
    document = ask(tree, "-j", *DEBUGFS, *args, code=code).json
    validate(document, document["schema"] + ".schema.json")
    return document["records"]


# --- the listing -------------------------------------------------------------------------------

def test_a_table_shows_who_holds_what_in_kib():
    with usual_dmabufs() as tree:
        result = ask(tree, *DEBUGFS)
        equal(result.text, """\
INODE SIZE(KiB) REFS EXPORTER NAME     ATTACH NPROC PSS(KiB) OWNER
   13      1024    2 system   video in      1     1     1024 compositor(100)
   11        64    3 system   frame         2     2       32 compositor(100)+1
   14         8    1 drm_gem                0     0        - -
   12         4    1 udmabuf                0     1        4 player(200)
""")
        check("dma-buf memory is not all GPU memory" in result.err, result.err)
        equal(ask(tree, "-q", *DEBUGFS).err, "")


def test_a_record_has_every_key_and_the_definitions_hold():
    with usual_dmabufs() as tree:
        found = {record["inode"]: record for record in records(tree)}
        with open(os.path.join(TOP, "docs/schema/rove.dmabuf.schema.json")) as f:
            keys = json.load(f)["definitions"]["record"]["properties"]
        for record in found.values():
            equal(sorted(record), sorted(keys))
        shared = found[11]
        equal(shared["holders"], [
            {"pid": 100, "comm": "compositor", "nr_fds": 1, "nr_maps": 0},
            {"pid": 200, "comm": "player", "nr_fds": 1, "nr_maps": 1}])
        equal([shared[k] for k in ("rss_bytes", "pss_bytes", "kernel_only", "nr_fds", "nr_maps")],
              [131072, 32768, False, 2, 1])
        equal(shared["devices"], [{"device": "display"}, {"device": "gpu0"}])
        equal([found[14][k] for k in ("kernel_only", "nr_processes", "pss_bytes", "rss_bytes",
                                      "holders", "owner")], [True, 0, None, 0, [], None])


def test_sizes_are_kib_bytes_or_what_fits():
    with usual_dmabufs() as tree:
        args = (*DEBUGFS, "-q", "-o", "size,pss", "-s", "inode:a")
        equal(ask(tree, *args).lines[:2], ["SIZE(KiB) PSS(KiB)", "       64       32"])
        equal([line.split() for line in ask(tree, "-b", *args).lines[:2]],
              [["SIZE(B)", "PSS(B)"], ["65536", "32768"]])
        equal([line.split() for line in ask(tree, "--human", "-n", *args).lines],
              [["64.0K", "32.0K"], ["4.0K", "4.0K"], ["1.0M", "1.0M"], ["8.0K", "-"]])


def test_a_sum_that_no_number_holds_is_unknown():
    with DmabufTree(Buffer(1, 1 << 63, 3, "system"), Buffer(2, 1 << 63, 3, "system"),
                    Buffer(3, 0, 2, "empty")) as tree:
        tree.process(7, "one", tree.buffers)
        tree.process(8, "two", tree.buffers)
        huge, _, empty = sorted(records(tree, code=4), key=lambda r: r["inode"])
        equal((huge["size_bytes"], huge["rss_bytes"], huge["pss_bytes"]),
              ("0x8000000000000000", None, "0x4000000000000000"))
        equal((empty["rss_bytes"], empty["pss_bytes"], empty["nr_processes"]), (0, 0, 2))
        sums = {r["exporter"]: r["size_bytes"] for r in records(tree, "by-exporter", code=4)}
        equal(sums, {"system": None, "empty": 0})
        equal([(r["rss_bytes"], r["pss_bytes"]) for r in records(tree, "by-process", code=4)],
              [(None, "0x8000000000000000")] * 2)


def test_filters_know_units_of_memory_and_lengths_of_lists():
    with usual_dmabufs() as tree:
        for expr, want in {
            "size>=64": [13, 11], "size_bytes>=65536": [13, 11], "size>1.5K,size<1M": [14, 11, 12],
            "size=1MiB": [13], "size<=4096B": [12], "kernel=1": [14], "nproc=1": [13, 12],
            "holders>=2": [11], "devices=0": [14, 12], "pss>=0": [13, 12, 11],
            "exporter=system,attach=1": [13], "owner~^player": [12],
        }.items():
            equal(sorted(r["inode"] for r in records(tree, "-F", expr)), sorted(want), expr)
        for expr in ("size=soon", "size=1X", "size=1Kb", "size~1", "holders~x", "size=99999999T"):
            ask(tree, "-F", expr, code=2)


def test_patterns_match_names_and_pid_selects_holders():
    with usual_dmabufs() as tree:
        equal([r["inode"] for r in records(tree, "f*")], [11])
        equal(sorted(r["inode"] for r in records(tree, "-p", "200")), [11, 12])
        equal(records(tree, "-p", "300"), [])
        equal([r["pid"] for r in records(tree, "by-process", "-p", "200")], [200])
        equal(sorted(r["exporter"] for r in records(tree, "by-exporter", "-p", "200")),
              ["system", "udmabuf"])


def test_csv_and_kv_hold_lists_in_a_field():
    with usual_dmabufs() as tree:
        tree.process(400, b"a b:c,\"d", [tree.buffers[3]])
        out = ask(tree, "-O", "csv", *DEBUGFS, "-s", "inode:a").text
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        equal(len(rows), 4)
        equal((rows[0]["size_bytes"], rows[0]["devices"], rows[0]["holders"]),
              ("65536", "display gpu0",
               "100:compositor:1:0 200:player:1:1 400:a\\x20b\\x3ac\\x2c\\x22d:1:0"))
        line = ask(tree, "-O", "kv", *DEBUGFS, "-o", "inode,holders", "-s", "inode:a").lines[1]
        equal(line, 'inode="12" holders="200:player:0:1"')


def test_ndjson_and_pretty_are_the_same_records():
    with usual_dmabufs() as tree:
        want = records(tree)
        lines = [json.loads(line) for line in ask(tree, "-O", "ndjson", *DEBUGFS).lines]
        equal(lines[1:], want)
        equal(ask(tree, "-j", "--pretty", *DEBUGFS).json["records"], want)


def test_bufinfo_is_the_kernels_layout():
    with usual_dmabufs() as tree:
        with open(os.path.join(tree.root, "debug/dma_buf/bufinfo")) as f:
            theirs = re.sub("\t00000002\t00080007\t", "\t00000000\t00000000\t", f.read())
        equal(sorted(ask(tree, "-O", "bufinfo", *DEBUGFS).text.split("\n\n")),
              sorted(theirs.replace("\tgpu0\n\tdisplay\n", "\tdisplay\n\tgpu0\n").split("\n\n")))


def test_formats_of_other_nouns_and_views_are_refused():
    with usual_dmabufs() as tree:
        for args in (["-O", "debugfs"], ["-O", "dumpsys"], ["by-process", "-O", "bufinfo"],
                     ["by-process", "-w", "x"], ["--active"], ["--growing"], ["-p", "0"],
                     ["by-device", "--growing"], ["diff"], ["diff", "a", "b", "c"],
                     ["diff", "-r", "a"], ["diff", "a", "-i", "1"], ["why"],
                     ["diff", "a", "b", "--source", "proc"], ["-o", "pid"]):
            equal(ask(tree, *args, code=2).out, b"", str(args))


# --- views -------------------------------------------------------------------------------------

def test_by_exporter_sums_up_and_tells_what_only_the_kernel_holds():
    with usual_dmabufs() as tree:
        found = {record["exporter"]: record for record in records(tree, "by-exporter")}
        equal(found["system"], {
            "exporter": "system", "nr_buffers": 2, "size_bytes": 1114112, "nr_attachments": 3,
            "nr_processes": 2, "nr_kernel_only": 0, "kernel_only_bytes": 0})
        equal([found["drm_gem"][k] for k in ("nr_processes", "nr_kernel_only",
                                             "kernel_only_bytes")], [0, 1, 8192])
        equal(list(found), ["drm_gem", "system", "udmabuf"])


def test_by_process_has_rss_pss_and_exporters():
    with usual_dmabufs() as tree:
        equal(records(tree, "by-process"), [
            {"pid": 100, "comm": "compositor", "nr_buffers": 2, "nr_fds": 2, "nr_maps": 1,
             "rss_bytes": 1114112, "pss_bytes": 1048576 + 32768,
             "exporters": [{"exporter": "system", "nr_buffers": 2, "rss_bytes": 1114112}]},
            {"pid": 200, "comm": "player", "nr_buffers": 2, "nr_fds": 1, "nr_maps": 2,
             "rss_bytes": 69632, "pss_bytes": 32768 + 4096,
             "exporters": [{"exporter": "system", "nr_buffers": 1, "rss_bytes": 65536},
                           {"exporter": "udmabuf", "nr_buffers": 1, "rss_bytes": 4096}]}])
        total = sum(r["pss_bytes"] for r in records(tree, "by-process"))
        held = sum(r["size_bytes"] for r in records(tree) if not r["kernel_only"])
        equal(total, held, "PSS adds up to what is held")


def test_by_device_counts_buffers_and_attachments():
    with usual_dmabufs() as tree:
        equal(records(tree, "by-device"), [
            {"device": "display", "nr_buffers": 1, "nr_attachments": 1, "size_bytes": 65536},
            {"device": "gpu0", "nr_buffers": 2, "nr_attachments": 2, "size_bytes": 1114112}])


# --- recordings and comparisons ----------------------------------------------------------------

def test_a_recording_gives_back_every_view():
    with usual_dmabufs() as tree:
        path = os.path.join(tree.root, "rec")
        ask(tree, *DEBUGFS, "-w", path)
        for verb in ("list", "by-exporter", "by-process", "by-device"):
            live = ask(tree, verb, "-j", *DEBUGFS).json["records"]
            equal(ask(tree, verb, "-j", "-r", path).json["records"], live, verb)


def test_a_broken_recording_is_refused_or_partial():
    with usual_dmabufs() as tree:
        path = os.path.join(tree.root, "rec")
        ask(tree, *DEBUGFS, "-w", path)
        with open(path, "rb") as f:
            whole = f.read()

        def read(data, code):
            with open(path, "wb") as f:
                f.write(data)
            return ask(tree, "-j", "-r", path, code=code)

        for data in (b"", b"{}\n", b"[1]\n", whole.replace(b"rove.dmabuf", b"rove.wakeup"),
                     whole.replace(b'"holders":[', b'"holders":[5,'),
                     whole.replace(b'"holders":[', b'"holders":7,"x":['),
                     whole.replace(b'"pid":100', b'"pid":"x"'),
                     whole.replace(b'"pid":100', b'"pid":1.5')):
            read(data, 1)
        equal(read(whole[:-40], 4).json["why"], "file-ends-early")
        equal(rove("wakeup", "-r", path, code=1).out, b"", "not of that noun")


def test_what_is_no_recording_says_what_it_is_and_is_not_read_for_ever():
    said = rove("dmabuf", "-r", TOP, code=1).err
    equal(said, f"rove: {TOP}: Is a directory\n", "a directory")
    for endless in ("/dev/zero", "/dev/full"):
        check("no dmabuf listing" in rove("dmabuf", "-r", endless, code=1).err, endless)


def test_diff_compares_size_and_exporter_because_inodes_are_used_again():
    with usual_dmabufs() as tree:
        old, new = os.path.join(tree.root, "old"), os.path.join(tree.root, "new")
        ask(tree, *DEBUGFS, "-w", old)
        equal(ask(tree, "diff", "-j", old, old).json["records"], [])
        lonely, single, mapped, shared = tree.buffers
        tree.buffers = [Buffer(14, 8192, 1, "udmabuf"), Buffer(12, 12288, 1, "udmabuf"),
                        Buffer(13, 1048576, 5, "system", "video in", ["gpu0"]), shared,
                        Buffer(20, 4096)]
        tree.bufinfo()
        ask(tree, *DEBUGFS, "-w", new)
        for args in ((old, new), (old, *DEBUGFS)):
            document = ask(tree, "diff", "-j", *args, code=10).json
            validate(document, "rove.dmabuf.diff.schema.json")
            equal(sorted((r["inode"], r["change"], r["size_bytes"], r["exporter"], r["refs_before"],
                          r["refs"]) for r in document["records"]), [
                (12, "gone", 4096, "udmabuf", 1, 1), (12, "new", 12288, "udmabuf", None, 1),
                (13, "changed", 1048576, "system", 2, 5), (14, "gone", 8192, "drm_gem", 1, 1),
                (14, "new", 8192, "udmabuf", None, 1), (20, "new", 4096, "system", None, 1)])
        table = ask(tree, "diff", "-q", old, new, code=10).lines
        equal(table[0].split()[0], "CHANGE")
        equal(ask(tree, "diff", "-j", old, new, "-F", "change=changed", code=10).json["records"]
              [0]["inode"], 13)
        equal(ask(tree, "diff", "-q", old, new, "-F", "size>100M").text, "", "filtered: exit 0")


def test_diff_growing_says_whose_memory_grew():
    with usual_dmabufs() as tree:
        old = os.path.join(tree.root, "old")
        ask(tree, *DEBUGFS, "-w", old)
        leaked = [Buffer(30 + i, 16384, 1, "udmabuf") for i in range(3)]
        tree.buffers += [*leaked, Buffer(40, 4096, 1, "drm_gem")]
        tree.bufinfo()
        shutil.rmtree(os.path.join(tree.proc, "200"))
        tree.process(200, "player", [tree.buffers[3], *leaked], [tree.buffers[3], tree.buffers[2]])
        document = ask(tree, "diff", "--growing", "-j", old, *DEBUGFS, code=10).json
        validate(document, "rove.dmabuf.growth.schema.json")
        equal(document["records"], [
            {"exporter": "drm_gem", "pid": None, "comm": None, "nr_buffers": 2, "more_buffers": 1,
             "size_bytes": 12288, "more_bytes": 4096},
            {"exporter": "udmabuf", "pid": 200, "comm": "player", "nr_buffers": 4,
             "more_buffers": 3, "size_bytes": 53248, "more_bytes": 49152}])
        equal([r["pid"] for r in ask(tree, "diff", "--growing", "-j", "-p", "200", old, *DEBUGFS,
                                     code=10).json["records"]], [200])


def test_diff_growing_counts_fewer_and_larger_buffers_as_less_than_none():
    small, large = [Buffer(50 + i, 4096) for i in range(3)], Buffer(60, 1048576)
    with DmabufTree(*small) as tree:
        old = os.path.join(tree.root, "old")
        tree.process(7, "app", small)
        ask(tree, *DEBUGFS, "-w", old)
        tree.buffers = [large]
        tree.bufinfo()
        shutil.rmtree(os.path.join(tree.proc, "7"))
        tree.process(7, "app", [large])
        document = ask(tree, "diff", "--growing", "-j", old, *DEBUGFS, code=10).json
        validate(document, "rove.dmabuf.growth.schema.json")
        equal([(r["nr_buffers"], r["more_buffers"], r["more_bytes"]) for r in document["records"]],
              [(1, -2, 1048576 - 3 * 4096)])


def test_diff_of_an_interval_compares_each_with_the_one_before():
    with usual_dmabufs() as tree:
        lines = ask(tree, "diff", "-j", *DEBUGFS, "-i", "0.01", "-c", "3").lines
        equal([json.loads(line)["records"] for line in lines], [[], [], []])


def test_a_name_that_is_no_utf8_is_no_difference():
    with DmabufTree(Buffer(1, 4096, 1, "system", EVIL)) as tree:
        tree.process(7, b"\xffx", tree.buffers)
        old = os.path.join(tree.root, "old")
        ask(tree, *DEBUGFS, "-w", old)
        equal(ask(tree, "diff", "-j", old, *DEBUGFS).json["records"], [])
        equal(ask(tree, "diff", "--growing", "-j", old, *DEBUGFS).json["records"], [])


# --- hostile names -----------------------------------------------------------------------------

def test_names_harm_no_output():
    with DmabufTree(Buffer(1, 4096, 1, "system", EVIL)) as tree:
        tree.process(7, EVIL[:14], tree.buffers)
        for args in (["-q"], ["-O", "bufinfo"], ["-O", "kv"], ["by-process", "-q"],
                     ["-O", "tsv"], ["-O", "csv"], ["-O", "json"], ["-j", "--pretty"],
                     ["-O", "ndjson"], ["by-process", "-j"]):
            text = ask(tree, *args, *DEBUGFS).out.decode("utf-8")
            allowed = "\r\n\t" if "csv" in args else "\n\t"
            equal([c for c in text if unicodedata.category(c) == "Cc" and c not in allowed], [],
                  str(args))
        equal(len(ask(tree, "-qn", *DEBUGFS).lines), 1)
        equal(len(ask(tree, "by-process", "-qn", *DEBUGFS).lines), 1)
        record = records(tree)[0]
        equal(record["name"], EVIL.decode("utf-8", "replace"))
        equal(record["holders"][0]["comm"], EVIL[:14].decode("utf-8", "replace"))
        rows = list(csv.reader(io.StringIO(ask(tree, "-O", "csv", *DEBUGFS).text, newline="")))
        equal([len(row) for row in rows], [17, 17])


def test_a_name_cannot_pretend_to_be_what_stands_around_it():
    names = [b"\n\tAttached Devices:\n", b"\nTotal 0 devices attached\n\n",
             b"\nname:\tspoofed\nsize:\t1\n", b"\nexp_name:\tother\nino:\t5\n",
             b"\n00004096\t00000002\t00080007", b"\n\nTotal 0 objects, 0 bytes\n", b"\n", b"\t",
             b"<none", b"\n\tTotal", b" fence:", b"/dmabuf:", b"\n7f00-7f01 r 0 00:0b 9 /dmabuf:"]
    buffers = [Buffer(i + 1, 4096 * (i + 1), 3, "system", name, ["gpu%d" % i])
               for i, name in enumerate(names)]
    with DmabufTree(*buffers) as tree:
        tree.process(7, "holder", buffers, buffers)
        for source in ("debugfs", "proc"):
            document = ask(tree, "-j", "--source", source, code=4 if source == "proc" else 0).json
            found = {r["inode"]: r for r in document["records"]}
            equal(len(found), len(buffers), source)
            for buf in buffers:
                got = found[buf.inode]
                equal((got["name"], got["size_bytes"], got["refs"], got["exporter"],
                       got["nr_fds"], got["nr_maps"]),
                      (buf.name.decode(), buf.size, 3, "system", 1, 1), source)
                if source == "debugfs":
                    equal(got["devices"], [{"device": buf.devices[0]}])


# --- sources -----------------------------------------------------------------------------------

def test_garbage_in_bufinfo_is_an_error_or_partial():
    with usual_dmabufs() as tree:
        for data in (b"", b"garbage\n", b"\nDma-buf Objects:\n", b"\0" * 100,
                     b"\nDma-buf Objects:\nsize\tino\0name\n"):
            tree.raw_bufinfo(data)
            ask(tree, *DEBUGFS, code=1)
        tree.bufinfo()
        with open(os.path.join(tree.root, "debug/dma_buf/bufinfo"), "rb") as f:
            whole = f.read()
        for at in range(80, len(whole) - 30, 17):
            tree.raw_bufinfo(whole[:at])
            document = ask(tree, "-j", *DEBUGFS, code=4).json
            equal((document["complete"], document["why"]), (False, "unreadable"), f"cut at {at}")
            check(len(document["records"]) <= 4, "no more than there are")
        for wrong in ((b"Total 4 objects", b"Total 5 objects"),
                      (b"Total 2 devices", b"Total 1 devices"),
                      (b"\tdisplay\n", b"\n"), (b"1048576\t", b"104857x\t")):
            check(wrong[0] in whole, f"{wrong[0]} is there to be replaced")
            tree.raw_bufinfo(whole.replace(*wrong))
            ask(tree, *DEBUGFS, code=4)


def test_proc_alone_says_that_it_cannot_see_what_only_the_kernel_holds():
    with usual_dmabufs() as tree:
        result = ask(tree, "-j", "--source", "proc", code=4)
        document = result.json
        validate(document, "rove.dmabuf.schema.json")
        equal((document["complete"], document["why"]), (False, "kernel-only-unseen"))
        found = {r["inode"]: r for r in document["records"]}
        equal(sorted(found), [11, 12, 13])
        equal([found[12][k] for k in ("refs", "exporter", "nr_attachments", "devices", "nr_maps")],
              [None, None, None, None, 1])
        equal([found[11][k] for k in ("refs", "exporter", "name", "pss_bytes")],
              [3, "system", "frame", 32768])


def test_sysfs_knows_size_and_exporter_and_proc_the_rest():
    with usual_dmabufs() as tree:
        tree.sysfs(*tree.buffers)
        document = ask(tree, "-j", "--source", "sysfs").json
        validate(document, "rove.dmabuf.schema.json")
        found = {r["inode"]: r for r in document["records"]}
        equal([found[14][k] for k in ("size_bytes", "exporter", "refs", "name", "kernel_only",
                                      "nr_attachments")], [8192, "drm_gem", None, None, True, None])
        equal([found[11][k] for k in ("refs", "name", "nr_processes")], [3, "frame", 2])
        with open(os.path.join(tree.root, "sys/kernel/dmabuf/buffers/12/size"), "w") as f:
            f.write("many\n")
        document = ask(tree, "-j", "--source", "sysfs", code=4).json
        equal(document["why"], "unreadable")
        ask(tree, "--source", "sysfs", "--max-objects", "2", code=4)


def test_a_process_that_may_not_be_looked_into_makes_counts_unknown():
    with usual_dmabufs() as tree:
        prefix = as_nobody()
        closed = os.path.join(tree.proc, "200/fd")
        os.chmod(closed, 0)
        result = rove("dmabuf", "-j", *DEBUGFS, env=tree.env(), prefix=prefix, code=4)
        os.chmod(closed, 0o755)
        document = result.json
        validate(document, "rove.dmabuf.schema.json")
        equal((document["complete"], document["why"]), (False, "processes-denied"))
        check("CAP_SYS_PTRACE" in result.err, result.err)
        found = {r["inode"]: r for r in document["records"]}
        equal([found[11][k] for k in ("nr_processes", "pss_bytes", "kernel_only")], [None] * 3)
        equal([h["pid"] for h in found[11]["holders"]], [100], "who was seen")
        equal([found[13][k] for k in ("nr_processes", "pss_bytes")], [1, 1048576],
              "all references were found")


def test_a_process_whose_folder_is_closed_is_one_that_may_not_be_looked_into():
    with usual_dmabufs() as tree:
        prefix = as_nobody()
        closed = os.path.join(tree.proc, "200")
        os.chmod(closed, 0)     # as with hidepid=noaccess
        result = rove("dmabuf", "-j", *DEBUGFS, env=tree.env(), prefix=prefix, code=4)
        os.chmod(closed, 0o755)
        equal(result.json["why"], "processes-denied")
        found = {r["inode"]: r for r in result.json["records"]}
        equal([found[11][k] for k in ("nr_processes", "kernel_only")], [None] * 2)
        equal([found[14][k] for k in ("nr_processes", "kernel_only")], [None] * 2, "seen nowhere")


def test_where_processes_are_hidden_nobody_is_said_to_hold_nothing():
    with usual_dmabufs() as tree:
        os.makedirs(os.path.join(tree.proc, "self/ns"))
        namespace = os.path.join(tree.proc, "self/ns/pid")
        os.symlink("pid:[4026531836]", namespace)
        first = os.path.join(tree.proc, "1")
        for what, number, has_first, why in (
                ("the first namespace", 4026531836, True, None),
                ("hidepid=invisible", 4026531836, False, "processes-hidden"),
                ("another namespace", 4026532000, True, "processes-hidden")):
            os.unlink(namespace)
            os.symlink(f"pid:[{number}]", namespace)
            if has_first:
                tree.process(1, "init")
            for source in "debugfs", "proc":
                result = ask(tree, "-j", "--source", source, code=None)
                document = result.json
                validate(document, "rove.dmabuf.schema.json")
                if source == "debugfs":
                    equal((document["why"], result.code), (why, 4 if why else 0), what)
                found = {r["inode"]: r for r in document["records"]}
                equal(found[11]["nr_processes"], 2, f"{what}: all references were found")
                if 14 in found:
                    equal(found[14]["kernel_only"], None if why else True, what)
            document = ask(tree, "by-exporter", "-j", *DEBUGFS, code=None).json
            sums = {r["exporter"]: r["nr_kernel_only"] for r in document["records"]}
            equal(sums["drm_gem"], None if why else 1, what)
            shutil.rmtree(first, ignore_errors=True)


def test_a_file_that_may_not_be_read_names_the_capability():
    with usual_dmabufs() as tree:
        prefix = as_nobody()
        os.chmod(os.path.join(tree.root, "debug/dma_buf/bufinfo"), 0)
        result = rove("dmabuf", *DEBUGFS, env=tree.env(), prefix=prefix, code=6)
        check("CAP_DAC_READ_SEARCH" in result.err, result.err)
        result = rove("dmabuf", "-v", "-j", env=tree.env(), prefix=prefix, code=4)
        equal(result.json["source"], "proc")
        check("CAP_BPF" in result.err or "needs Linux 6.16" in result.err or
              "bpf(2)" in result.err, result.err)


def test_what_is_missing_is_named():
    with usual_dmabufs() as tree:
        shutil.rmtree(os.path.join(tree.root, "debug/dma_buf"))
        check("CONFIG_DEBUG_FS" in ask(tree, *DEBUGFS, code=3).err, "debugfs")
        check("CONFIG_DMABUF_SYSFS_STATS" in ask(tree, "--source", "sysfs", code=3).err, "sysfs")


def test_the_kernel_source_walks_or_says_why_not():
    with usual_dmabufs() as tree:
        for more in ({}, {"ROVE_DMABUF_BY_LINK": "1"}):
            result = rove("dmabuf", "-j", "--source", "kernel", env=tree.env(**more))
            check(result.code in (0, 3, 6), f"{result.code}: {result.err}")
            if result.code == 0:
                validate(result.json, "rove.dmabuf.schema.json")
            else:
                check(re.search("6\\.16|CAP_BPF|bpf\\(2\\)|BTF", result.err), result.err)


def test_the_same_program_walks_the_buffers_of_a_process():
    with usual_dmabufs() as tree:
        answers = []
        for more in ({}, {"ROVE_DMABUF_BY_LINK": "1"}):
            document = rove("dmabuf", "-j", "--source", "self", "--sample", "50", code=0,
                            env=tree.env(**more)).json
            validate(document, "rove.dmabuf.schema.json")
            equal((document["source"], document["complete"], document["visited"]),
                  ("self", True, 50))
            answers.append([{k: v for k, v in r.items() if k != "inode"}
                            for r in document["records"]])
            bounded = rove("dmabuf", "-j", "--source", "self", "--sample", "50", "--max-objects",
                           "7", code=4, env=tree.env(**more)).json
            equal((bounded["why"], len(bounded["records"])), ("max-objects", 7))
        equal(*answers, "the open-coded iterator and a link")
        found = {r["name"]: r for r in answers[0] if r["name"]}
        equal([found["camera 8"][k] for k in (
            "size_bytes", "exporter", "nr_attachments", "devices", "nr_fds", "nr_maps", "refs",
            "torn", "holders", "nr_processes", "kernel_only")],
              [12288 * 1024, "system-uncached", 2, [{"device": "0000:00:02.0"}, {"device": "vdec"}],
               1, 1, 5, False, None, None, None])
        equal([r["device"] for r in rove(
            "dmabuf", "by-device", "-j", "--source", "self", "--sample", "50").json["records"]],
              ["0000:00:02.0", "display-subsystem", "vdec"])
        for args in (["--source", "self"], ["--sample", "5"]):
            ask(tree, *args, code=2)


def test_a_reader_that_goes_away_is_no_trouble():
    with DmabufTree(*[Buffer(i, 4096) for i in range(1, 3000)]) as tree:
        proc = subprocess.Popen([ROVE, "dmabuf", "-O", "ndjson", *DEBUGFS], env=tree.env(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        proc.stdout.readline()
        proc.stdout.close()
        equal(proc.stderr.read(), b"")
        check(proc.wait() in (-13, 1), "SIGPIPE or 1")


# --- what is written about it ------------------------------------------------------------------

def options_of_help(*args):
    found = {}
    for line in rove("dmabuf", *args, "--help", code=0).lines:
        m = re.match(r"  (?:-(\w), |    )--([a-z-]+)(?: (\S+))?(?:  |$)", line)
        if m:
            found[m[2]] = (m[1], m[3])
    return found


def test_the_man_page_has_the_options_formats_sources_and_verbs_of_the_help():
    with open(os.path.join(TOP, "docs/man/rove-dmabuf.1")) as f:
        page = f.read()
    options = {m[2]: (m[1], m[3]) for m in re.finditer(
        r"^\.It (?:Fl (\w) , )?Fl \\-([a-z-]+)(?: Ar (\S+))?$", page, re.M)}
    equal(options, options_of_help())
    text = rove("dmabuf", "-h", code=0).text
    formats, sources = (re.search(rf"{name}.*?\n +(\S+\|\S+)\n", text)[1]
                        for name in ("--format", "--source"))
    equal(sources, "auto|kernel|debugfs|sysfs|proc|self")
    for word in (formats + "|" + sources).split("|"):
        check(f".It Cm {word}\n" in page, word)
    for verb in re.findall(r"^  dmabuf (\S+)", text, re.M):
        check(f"Cm {verb}" in page, verb)


def test_who_holds_the_buffers_of_self_is_said_to_be_unknown():
    document = rove("dmabuf", "by-process", "-j", "--source", "self", "--sample", "5", code=4).json
    equal((document["complete"], document["why"]), (False, "holders-unknown"))


def test_what_a_process_holds_is_unknown_where_holders_are():
    for verb in ("list", "by-exporter", "by-process", "by-device"):
        document = rove("dmabuf", verb, "-j", "-p", "1", "--source", "self", "--sample", "5",
                        code=4).json
        equal((document["complete"], document["why"], document["records"]),
              (False, "holders-unknown", []), verb)


def test_the_column_help_of_every_verb_is_its_json():
    with usual_dmabufs() as tree:
        for verb in ("list", "by-exporter", "by-process", "by-device"):
            keys = [r["json"] for r in rove("dmabuf", verb, "-o", "help", "-j", code=0)
                    .json["records"]]
            equal(sorted(records(tree, verb)[0]), sorted(keys), verb)


def test_the_address_of_a_device_is_not_escaped_in_a_list_of_names():
    out = rove("dmabuf", "--source", "self", "--sample", "3", "-O", "csv", code=0).out
    check(b",0000:00:02.0 display-subsystem," in out, out)



main()
