#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Every format of rove wakeup on a made-up tree, byte by byte."""
import csv
import io
import os
import subprocess
import sys
from unicodedata import east_asian_width

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import Tree, check, equal, main, rove, usual_tree, validate  # noqa: E402

EVIL = b"a\x1b[31mb\nc\td\\e,f\"g\xff\xe2\x82\xac\xc2\x9b"


def test_a_table_is_sorted_by_total_and_marks_the_active():
    with usual_tree() as tree:
        equal(rove("wakeup", "--source", "sysfs", tree=tree, code=0).text, """\
ACT NAME       #ACTIVE #WAKEUP TOTAL(ms) MAX(ms) LAST(ms) DEVICE
*   xhci host        7       7     10250    9000   100000 0000:00:14.0
    alarmtimer      12       2      3456    1500    98765 alarmtimer.0.auto
    AC               1       0         5       5     2000 ACPI0003:00
    eventpoll        0       0         0       0        0 -
""")


def test_a_table_notes_that_unregistered_sources_are_not_listed():
    with usual_tree() as tree:
        result = rove("wakeup", "--source", "sysfs", tree=tree, code=0)
        check("not registered are not in this list" in result.err, result.err)
        equal(rove("wakeup", "-q", "--source", "sysfs", tree=tree, code=0).err, "", "with -q")


def test_a_table_without_headings_in_exact_numbers():
    with usual_tree() as tree:
        equal(rove("wakeup", "-nb", "-o", "NAME,TOTAL", "--source", "sysfs", tree=tree,
                   code=0).text, """\
xhci host  10250000000
alarmtimer  3456000000
AC             5000000
eventpoll            0
""")
        head = rove("wakeup", "-b", "-o", "NAME,TOTAL", "--source", "sysfs", tree=tree).lines[0]
        equal(head.split(), ["NAME", "TOTAL(ns)"])


def test_a_table_for_people_has_times_with_units():
    with Tree() as tree:
        for i, ms in enumerate([0, 5, 1500, 187000, 3720000, 90000000]):
            tree.source(f"s{i}", total_time_ms=ms)
        equal(rove("wakeup", "--human", "-n", "-o", "TOTAL", "-s", "TOTAL:a", "--source", "sysfs",
                   tree=tree, code=0).text.split(),
              ["0", "5.000ms", "1.500s", "3m07s", "1h02m", "1d01h"])


def test_an_unknown_attribute_is_a_dash_and_never_zero():
    with Tree() as tree:
        tree.source("half", relax_count=None, max_time_ms=None, active_count=3)
        args = ("wakeup", "--source", "sysfs")
        equal(rove(*args, "-n", "-o", "name,relax_count,max,device", tree=tree, code=0)
              .text.split(), ["half", "-", "-", "-"])
        record = rove(*args, "-j", tree=tree, code=0).json["records"][0]
        equal([record[k] for k in ("relax_count", "max_time_ns", "device", "active_count")],
              [None, None, None, 3])
        equal(rove(*args, "-O", "csv", "-n", "-o", "name,relax_count,max_time_ns,device",
                   tree=tree, code=0).out, b"half,,,\r\n")
        equal(rove(*args, "-O", "debugfs", "-n", tree=tree, code=0).text,
              "half        \t3\t\t0\t\t0\t\t0\t\t0\t\t0\t\t-\t\t0\t\t0\n")
        row = rove(*args, "-O", "dumpsys", tree=tree, code=0).lines[5]
        equal(row.split("|")[7].strip(), "---", "MAX TIME")


def test_a_table_shows_nothing_that_a_terminal_would_obey():
    with Tree() as tree:
        tree.source(EVIL, total_time_ms=1)
        out = rove("wakeup", "-n", "-o", "NAME", "--source", "sysfs", tree=tree, code=0).text
        equal(out, "a\\x1b[31mb\\x0ac\\x09d\\x5ce,f\"g\\xff€\\xc2\\x9b\n")
        ascii_only = rove("wakeup", "-n", "-o", "NAME", "--source", "sysfs", tree=tree, code=0,
                          LC_ALL="C").text
        equal(ascii_only, "a\\x1b[31mb\\x0ac\\x09d\\x5ce,f\"g\\xff\\xe2\\x82\\xac\\xc2\\x9b\n")


def test_csv_is_rfc_4180():
    with Tree() as tree:
        tree.source(EVIL, active_count=3, total_time_ms=1)
        tree.source("plain")
        tree.source("", device="a,b")
        out = rove("wakeup", "-O", "csv", "-o", "name,device,active_count,active,total_time_ns",
                   "--source", "sysfs", tree=tree, code=0).out
        equal(out, ("name,device,active_count,active,total_time_ns\r\n"
                    "\"a\\x1b[31mb\nc\\x09d\\e,f\"\"g\ufffd€\\xc2\\x9b\",,3,false,1000000\r\n"
                    "plain,,0,false,0\r\n"
                    "\"\",\"a,b\",0,false,0\r\n").encode())
        rows = list(csv.reader(io.StringIO(out.decode(), newline="")))
        equal([len(r) for r in rows], [5, 5, 5, 5], "the table is rectangular")


def test_csv_has_all_columns_and_one_heading_for_all_listings():
    with usual_tree() as tree:
        out = rove("wakeup", "-O", "csv", "-i", "0.01", "-c", "3", "--source", "sysfs", tree=tree,
                   code=0).text
        rows = list(csv.DictReader(io.StringIO(out, newline="")))
        equal(len(rows), 12)
        equal({r["name"] for r in rows}, {"alarmtimer", "xhci host", "eventpoll", "AC"})
        check(len({r["read_at_ns"] for r in rows if r["name"] == "AC"}) == 3,
              "read_at_ns tells the listings apart")
        row = next(r for r in rows if r["name"] == "AC")
        equal((row["node"], row["device"], row["driver"], row["label"], row["max_time_ns"]),
              ("wakeup3", "ACPI0003:00", "ac", "AC adapter", "5000000"))


def test_tsv_escapes_tabs_and_newlines():
    with Tree() as tree:
        tree.source(EVIL)
        equal(rove("wakeup", "-O", "tsv", "-o", "name,active_count", "--source", "sysfs",
                   tree=tree, code=0).text,
              "name\tactive_count\na\\x1b[31mb\\nc\\td\\\\e,f\"g\ufffd€\\xc2\\x9b\t0\n")


def test_kv_can_be_evaluated_by_a_shell():
    with Tree() as tree:
        tree.source("a b \"c\" $(touch x) `id` \\", active_count=2)
        line = rove("wakeup", "-O", "kv", "-o", "name,active_count,device", "--source", "sysfs",
                    tree=tree, code=0).text
        equal(line, "name=\"a b \\x22c\\x22 \\x24(touch x) \\x60id\\x60 \\x5c\" "
              "active_count=\"2\" device=\n")
        echoed = subprocess.run(["bash", "-c", line + "printf %b \"$name\""], check=True,
                                capture_output=True).stdout
        equal(echoed.decode(), "a b \"c\" $(touch x) `id` \\")


def test_debugfs_is_the_kernels_layout():
    with Tree() as tree:
        rows = [("alarmtimer", 1, 2, 3, 4, 5, 6, 7, 8, 9), ("a long name", *[0] * 9),
                ("exactly12chr", *range(10, 19)), ("more than twelve", *range(20, 29))]
        tree.debugfs(*rows, deleted=False)
        got = rove("wakeup", "-O", "debugfs", "--source", "debugfs", tree=tree, code=0).out
        with open(os.path.join(tree.root, "debug/wakeup_sources"), "rb") as f:
            equal(got, f.read())


def test_dumpsys_is_the_table_of_android():
    with usual_tree() as tree:
        lines = rove("wakeup", "-O", "dumpsys", "--source", "sysfs", tree=tree, code=0).lines
        rule = "  " + "-" * 193
        equal([lines[0], lines[2], lines[4], lines[-1]], [rule] * 4)
        equal(lines[1], " | " + " " * 90 + "WAKELOCK STATS" + " " * 87 + " | ")
        equal(lines[3], " | NAME                           | PID    | TYPE   | STATUS   | "
              "ACTIVE COUNT | TOTAL TIME   | MAX TIME     | EVENT COUNT  | WAKEUP COUNT | "
              "EXPIRE COUNT | PREVENT SUSPEND TIME | LAST CHANGE      | ")
        equal(lines[6], " | xhci host                      |    --- | Kernel | Active   | "
              "           7 |      10250ms |       9000ms |            9 |            7 | "
              "           0 |                  0ms |         100000ms | ")


def test_colour_is_there_only_when_asked_for():
    with usual_tree() as tree:
        args = ("wakeup", "-q", "--source", "sysfs")
        check(b"\x1b" not in rove(*args, tree=tree, TERM="xterm").out, "auto into a pipe")
        always = rove(*args, "--color", "always", tree=tree, TERM="xterm", code=0).out
        check(b"\x1b[32m" in always, "always")
        check(b"\x1b" not in rove(*args, "--color", "never", tree=tree, TERM="xterm").out, "never")


def test_the_column_help_lists_every_column_in_every_format():
    document = rove("wakeup", "-o", "help", "-j", code=0).json
    validate(document, "rove.columns.schema.json")
    keys = document["records"]
    table = rove("wakeup", "-o", "help", code=0)
    equal(len(table.lines), len(keys) + 1)
    with usual_tree() as tree:
        record = rove("wakeup", "-j", "--source", "sysfs", tree=tree).json["records"][0]
        equal(sorted(record), sorted(k["json"] for k in keys))
    check(not any("not in this list" in line for line in table.err.splitlines()), table.err)


def test_an_empty_class_gives_an_empty_listing():
    with Tree() as tree:
        equal(rove("wakeup", "-q", "--source", "sysfs", tree=tree, code=0).text, "")
        equal(rove("wakeup", "-j", "--source", "sysfs", tree=tree, code=0).json["records"], [])
        equal(rove("wakeup", "-j", "--pretty", "--source", "sysfs", tree=tree,
                   code=0).json["records"], [])


def test_names_can_be_wider_than_bytes():
    with Tree() as tree:
        tree.source("日本", active_count=1, total_time_ms=2)
        tree.source("abcd", active_count=22, total_time_ms=1)
        lines = rove("wakeup", "-n", "-o", "name,active_count", "--source", "sysfs", tree=tree,
                     code=0).lines
        # How wide a column without its heading is depends on the version of libsmartcols.
        equal([line.split() for line in lines], [["日本", "1"], ["abcd", "22"]])
        equal(*(sum(2 if east_asian_width(c) == "W" else 1 for c in line) for line in lines))


main()
