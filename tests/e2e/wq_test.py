#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""rove wq on queues of this process: listings, their schemas, what is stuck, exit statuses."""
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import TOP, check, equal, main, rove, validate  # noqa: E402

VERBS = {"list": "rove.wq", "pools": "rove.wq-pools", "pending": "rove.wq-works",
         "lockup": "rove.wq-works"}


def ask(verb, *args, sample=10, code=0):
    return rove("wq", verb, "--source", "self", "--sample", str(sample), *args, code=code)


def records(verb, *args, sample=10):
    document = ask(verb, "-j", *args, sample=sample).json
    validate(document, document["schema"] + ".schema.json")
    equal(document["schema"], VERBS[verb])
    return document["records"]


def test_every_record_of_every_verb_has_every_key_of_its_schema():
    for verb, schema in VERBS.items():
        with open(os.path.join(TOP, "docs/schema", schema + ".schema.json")) as f:
            keys = json.load(f)["definitions"]["record"]["properties"]
        found = records(verb)
        check(found, verb)
        for record in found:
            equal(sorted(record), sorted(keys), verb)


def test_there_are_as_many_queues_as_asked_for_with_their_types():
    found = records("list", sample=25)
    equal(len(found), 25)
    by_name = {record["name"]: record for record in found}
    equal([by_name[name]["type"] for name in ("accept", "uploads", "journal", "expire")],
          ["percpu", "unbound", "ordered", "bh"])
    equal((by_name["accept"]["flags"], by_name["accept"]["nice"]), ("highpri", -20))
    equal((by_name["uploads"]["affinity_scope"], by_name["index"]["affinity_scope"],
           by_name["accept"]["affinity_scope"]), ("cache_shard", "numa", None))
    equal(by_name["resolver"]["max_active"], 4)


def test_numbers_of_a_queue_fit_together():
    for record in records("list"):
        check(record["started"] >= record["in_flight"], record)
        check(record["queue_time_ns"] is not None or not record["started"], record)
        check((record["queue_time_ns"] or 0) <= max(record["queue_time_max_ns"], 1), record)


def test_pools_serve_cpus_that_are_there():
    for record in records("pools"):
        check(re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", record["cpus"]), record)
        check(record["idle"] <= record["workers"], record)
        check(record["queues"] >= 1, record)
        equal(record["type"] == "bh", record["workers"] == 0 and record["type"] != "thread")


def test_the_stuck_queue_is_found_and_nothing_is_without_one():
    for record in records("lockup", sample=4):
        check(record["stalled_ns"] >= 200000000, record)
        equal((record["state"], record["queue"]), ("running", "nfs mounts"))
        check(record["tid"] > 0 and record["comm"] and record["thread_state"] in "SRD", record)
        check(re.fullmatch(r"\S+\+0x[0-9a-f]+", record["function"]), record)
    equal(records("lockup", sample=3), [])


def test_works_that_wait_behind_the_stuck_are_pending():
    found = records("pending", "-F", "queue=nfs mounts", sample=4)
    states = [record["state"] for record in found]
    check(states.count("running") >= 1 and states.count("pending") >= 1, states)
    for record in found:
        check(re.fullmatch(r"0x[0-9a-f]+", record["work"]), record)
        equal(record["tid"] is None, record["state"] == "pending")


def test_a_table_has_the_words_of_the_kernels_tools():
    heading = ask("list", "-q").lines[0].split()
    equal(heading, ["NAME", "TYPE", "TOTAL", "INFL", "PENDING", "CPUTIME(ms)", "CPUHOG", "CMW",
                    "RPR", "MAYDAY", "RESCUED", "OLDEST(ms)"])
    heading = ask("pools", "-q").lines[0].split()
    equal(heading[:7], ["POOL", "TYPE", "CPUS", "NICE", "QUEUES", "IDLE", "WORKERS"])


def test_filters_and_patterns_choose():
    equal([record["name"] for record in records("list", "up*", sample=10)], ["uploads"])
    for record in records("list", "-F", "nice<0"):
        equal(record["nice"], -20)
    check(all(r["nice"] >= 5 for r in records("list", "-F", "nice>=5")), "nice")


def test_a_recording_reads_back_as_it_was_written():
    for verb in VERBS:
        with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
            ask(verb, "-w", file.name)
            with open(file.name) as f:
                lines = [json.loads(line) for line in f]
            again = rove("wq", verb, "-r", file.name, "-j", code=0).json
            equal(again["records"], lines[1:])
            validate(again, VERBS[verb] + ".schema.json")


def test_more_objects_than_asked_for_is_partial():
    result = ask("list", "-j", "--max-objects", "3", code=4)
    equal((result.json["why"], len(result.json["records"])), ("max-objects", 3))


def test_without_a_source_it_says_so():
    check("--source self --sample" in rove("wq", code=3).err, "what can be done")
    rove("wq", "--source", "self", code=2)
    rove("wq", "--source", "sysfs", code=2)
    rove("wq", "top", code=2)


def test_the_man_page_has_the_options_formats_sources_and_verbs_of_the_help():
    with open(os.path.join(TOP, "docs/man/rove-wq.1")) as f:
        page = f.read()
    text = rove("wq", "-h", code=0).text
    options = {m[2]: (m[1], m[3]) for m in re.finditer(
        r"^\.It (?:Fl (\w) , )?Fl \\-([a-z-]+)(?: Ar (\S+))?$", page, re.M)}
    shown = {}
    for line in text.splitlines():
        m = re.match(r"  (?:-(\w), |    )--([a-z-]+)(?: (\S+))?(?:  |$)", line)
        if m:
            shown[m[2]] = (m[1], m[3])
    equal(options, shown)
    formats, sources = (re.search(rf"{name}.*?\n +(\S+\|\S+)\n", text)[1]
                        for name in ("--format", "--source"))
    for word in (formats + "|" + sources).split("|"):
        check(f".It Cm {word}\n" in page, word)
    for verb in re.findall(r"^  wq (\S+)", text, re.M):
        check(f"{verb}" in page, verb)


main()
