#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""The JSON of rove wakeup, held to its schema."""
import json
import time
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import Tree, check, equal, main, rove, usual_tree, validate  # noqa: E402

SCHEMA = "rove.wakeup.schema.json"
SYSFS = ("wakeup", "--source", "sysfs")


def test_a_listing_of_sysfs_fulfils_the_schema():
    with usual_tree() as tree:
        document = rove(*SYSFS, "-j", tree=tree, code=0).json
        validate(document, SCHEMA)
        equal((document["schema"], document["version"], document["source"]),
              ("rove.wakeup", 1, "sysfs"))
        equal((document["complete"], document["why"], document["visited"], document["lost"],
               document["nr_records"]), (True, None, 4, 0, 4))
        equal(document["kernel"], os.uname().release)
        check(document["cost"]["walk_ns"] > 0 and document["cost"]["bytes"] > 0, "cost")
        equal(document["cost"]["lock_ns"], None)


def test_every_record_has_every_key_of_the_schema():
    with open(os.path.join(os.path.dirname(__file__), "../../docs/schema", SCHEMA)) as f:
        keys = json.load(f)["definitions"]["record"]["properties"]
    with usual_tree() as tree:
        for record in rove(*SYSFS, "-j", tree=tree, code=0).json["records"]:
            equal(sorted(record), sorted(keys))


def test_a_record_says_what_sysfs_says_in_ns():
    with usual_tree() as tree:
        record = rove(*SYSFS, "-j", "xhci*", tree=tree, code=0).json["records"][0]
        check(record.pop("read_at_ns") > 0, "read_at_ns")
        equal(record, {
            "active": True, "name": "xhci host", "node": "wakeup1", "device": "0000:00:14.0",
            "driver": "xhci_hcd", "label": None, "active_count": 7, "event_count": 9,
            "wakeup_count": 7, "expire_count": 0, "relax_count": 6,
            "active_time_ns": 250000000, "total_time_ns": 10250000000, "max_time_ns": 9000000000,
            "last_change_ns": 100000000000, "prevent_suspend_time_ns": 0, "torn": False,
            "name_truncated": False})


def test_pretty_is_the_same_document_over_lines():
    with usual_tree() as tree:
        text = rove(*SYSFS, "-j", "--pretty", tree=tree, code=0).text
        validate(json.loads(text), SCHEMA)
        check(text.count("\n") > 50, "it has lines")
        equal(rove(*SYSFS, "-j", tree=tree, code=0).text.count("\n"), 1, "lines without --pretty")


def test_names_are_valid_utf8_whatever_they_were():
    with Tree() as tree:
        tree.source(b"\xff\xfeok\xc3\xa9\xed\xa0\x80\xc0\xaf\xf4\x90\x80\x80\x01\x7f")
        document = rove(*SYSFS, "-j", tree=tree, code=0).json
        validate(document, SCHEMA)
        equal(document["records"][0]["name"],
              "\ufffd\ufffdoké" + "\ufffd" * 3 + "\ufffd" * 2 + "\ufffd" * 4 + "\x01\x7f")


def test_what_a_double_cannot_hold_is_a_hex_string():
    with Tree() as tree:
        tree.source("big", active_count=2**53, event_count=2**53 + 1, wakeup_count=2**64 - 1,
                    total_time_ms=2**53 // 10**6, max_time_ms=2**53 // 10**6 + 1)
        document = rove(*SYSFS, "-j", tree=tree, code=0).json
        validate(document, SCHEMA)
        record = document["records"][0]
        equal(record["active_count"], 2**53)
        equal(record["event_count"], hex(2**53 + 1))
        equal(record["wakeup_count"], "0xffffffffffffffff")
        equal(record["total_time_ns"], 2**53 // 10**6 * 10**6)
        equal(record["max_time_ns"], hex((2**53 // 10**6 + 1) * 10**6))
        check(isinstance(document["clock"]["realtime_ns"], str), "realtime_ns is above 2^53")


def test_numbers_that_are_none_are_null_and_make_the_listing_partial():
    with Tree() as tree:
        tree.source("odd", active_count="12x", relax_count=0, event_count="", total_time_ms=2**63,
                    max_time_ms="9223372036854775")
        result = rove(*SYSFS, "-j", tree=tree, code=4)
        document = result.json
        validate(document, SCHEMA)
        record = document["records"][0]
        equal([record[k] for k in ("active_count", "event_count", "total_time_ns", "max_time_ns")],
              [None, None, None, None])
        equal((document["complete"], document["why"], document["unreadable"]),
              (False, "unreadable", 4))


def test_with_output_a_record_has_only_those_keys():
    with usual_tree() as tree:
        document = rove(*SYSFS, "-j", "-o", "TOTAL,name", tree=tree, code=0).json
        validate(document, SCHEMA)
        equal(list(document["records"][0]), ["total_time_ns", "name"])


def test_filters_do_not_change_what_the_header_says():
    with usual_tree() as tree:
        document = rove(*SYSFS, "-j", "--active", tree=tree, code=0).json
        validate(document, SCHEMA)
        equal((document["visited"], document["nr_records"], document["complete"]), (4, 1, True))


def test_ndjson_is_a_header_and_a_line_for_each_record():
    with usual_tree() as tree:
        lines = [json.loads(line) for line in rove(*SYSFS, "-O", "ndjson", tree=tree, code=0).lines]
        equal(len(lines), 5)
        validate({**lines[0], "records": lines[1:]}, SCHEMA)
        equal([line["name"] for line in lines[1:]], ["alarmtimer", "xhci host", "eventpoll", "AC"])


def test_the_listing_of_debugfs_fulfils_the_schema():
    with Tree() as tree:
        tree.debugfs(("a b", 1, 2, 3, 4, 5, 6, 7, 8, 9))
        document = rove("wakeup", "--source", "debugfs", "-j", tree=tree, code=0).json
        validate(document, SCHEMA)
        record = document["records"][0]
        equal([record[k] for k in ("name", "active", "active_count", "active_time_ns",
                                   "prevent_suspend_time_ns", "device", "relax_count")],
              ["a b", True, 1, 5000000, 9000000, None, None])


def test_with_an_interval_there_is_a_document_a_line():
    with usual_tree() as tree:
        begin = time.monotonic()
        lines = rove(*SYSFS, "-j", "-i", "0.01", "-c", "3", tree=tree, code=0).lines
        seconds = time.monotonic() - begin
        equal(len(lines), 3)
        documents = [json.loads(line) for line in lines]
        for document in documents:
            validate(document, SCHEMA)
        clocks = [d["clock"]["monotonic_ns"] for d in documents]
        # A listing that begins late is followed by one in time, so two may be closer.
        check(clocks[0] < clocks[1] < clocks[2], f"one after the other: {clocks}")
        check(seconds >= 0.02, f"two intervals of ten milliseconds: {seconds} s")


main()
