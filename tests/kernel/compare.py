#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""
tests/kernel/compare.py - hold what rove said to what the kernel's files said

    compare.py DIR [ROVE PROGRAMS]

DIR is what guest-wakeup.sh left, PROGRAMS the folder of BPF objects.  Prints TAP lines without numbers; run.sh numbers them.
Without ROVE only the kernel's own files are compared with each other.

The rule for every field of every source: the answer lies between the reading before and the
reading after it.  Where nothing changes the two are equal, and so the answer must be.  Times
are whole milliseconds, rounded down, in the kernel's files; nanoseconds from rove are rounded
in the same way before they are compared, and are multiples of a millisecond if rove had them
from a file.
"""

import copy
import json
import os
import re
import sys

COUNTS = ("active_count", "event_count", "wakeup_count", "expire_count")
TIMES = ("active_time", "total_time", "max_time", "last_change", "prevent_suspend_time")
FIELDS = COUNTS + TIMES
NS_PER_MS = 1000000
MIN_SOURCES = 400
SHOWN = 5
RING_BYTES = 1 << 20
RECORD_BYTES = 288
NEED_OUR_KFUNCS = {"wakeup_scoped.bpf.o"}
DEBUGFS_LINE = re.compile(rb"(.*)\t(\d+)" + rb"\t\t(-?\d+)" * 8, re.DOTALL)


class Mismatch(Exception):
    """The sentence that is tested is not true, and why."""


def expect(condition, text):
    if not condition:
        raise Mismatch(text)


# --- readings: lists of dicts with name, node, device and FIELDS, times in ms --------------------

def load_sysfs(path, bound):
    """
    The dump of wakeup_readings, without the sources that went away while it was made.  @bound:
    min or max, of the readings of a number that changed
    """
    sources = []
    with open(path, "rb") as file:
        for line in file:
            node, device, driver, name, *numbers = line.decode().rstrip("\n").split("\t")
            if name == "-":
                continue
            numbers = [None if text == "-" else bound(map(int, text.split(","))) for text in numbers]
            sources.append({"node": node, "device": None if device == "-" else device,
                            "driver": None if driver == "-" else driver,
                            "name": bytes.fromhex(name),
                            **dict(zip(FIELDS + ("relax_count",), numbers))})
    return sources


def load_debugfs(path):
    """
    Names may hold tabs and newlines, so numbers are found from the right; they are padded to
    twelve bytes.  The first line is a heading, the last is no source.
    """
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")[1:-1]
    sources, begun = [], b""
    for line in lines:
        match = DEBUGFS_LINE.fullmatch(begun + line)
        if not match:
            begun += line + b"\n"
            continue
        sources.append({"name": match[1], **dict(zip(FIELDS, map(int, match.groups()[1:])))})
        begun = b""
    expect(sources and sources.pop()["name"].strip() == b"deleted",
           f"{path}: the last line is not 'deleted'")
    return sources


def load_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def integer(value):
    return int(value, 16) if isinstance(value, str) else value


def in_ms(value, exact, where):
    """@exact: nothing finer than a millisecond can be known"""
    if value is None:
        return None
    value = integer(value)
    expect(not exact or value % NS_PER_MS == 0,
           f"{where}: {value} ns is finer than the file it was read from")
    return value // NS_PER_MS


def load_rove(path, exact_ms):
    """Return: the document, and its records in the shape of the readings."""
    with open(path, "rb") as file:
        document = json.loads(file.read().decode("utf-8"))
    sources = []
    for record in document["records"]:
        where = f"{record['name']!r} ({record.get('node')})"
        source = {key: integer(record[key]) for key in COUNTS}
        source.update({key: in_ms(record[key + "_ns"], exact_ms, where + " " + key)
                       for key in TIMES})
        source.update({key: record.get(key) for key in
                       ("name", "node", "device", "driver", "relax_count", "active", "torn",
                        "name_truncated")})
        sources.append(source)
    return document, sources


# --- which answer belongs to which source -------------------------------------------------------

def name_matches(answer, raw):
    """JSON is UTF-8: bytes that are not are replaced; a name may be cut where it says so."""
    text = raw.decode("utf-8", errors="replace")
    if answer["name_truncated"]:
        return len(answer["name"]) >= 32 and text.startswith(answer["name"])
    return answer["name"] == text


def order(source):
    """A total order in which sources that nobody can tell apart stand together."""
    name = source["name"]
    if isinstance(name, bytes):
        name = name.rstrip(b" ").decode("utf-8", errors="replace")
    return (name.rstrip(" ")[:32],) + tuple(source[key] or 0 for key in FIELDS)


def by_node(readings):
    table = {source["node"]: source for source in readings}
    expect(len(table) == len(readings), "a node is listed twice")
    return table


def triples(before, answers, after):
    """
    Put each answer between its two readings.  By node where the answers have one; else sorted,
    which is right as long as (name, counts) of different sources differ or are equal.
    """
    expect(len(before) == len(after), f"{len(before)} sources before, {len(after)} after")
    expect(len(answers) == len(before), f"{len(answers)} sources, there are {len(before)}")
    if all(answer.get("node") for answer in answers):
        first, last, middle = by_node(before), by_node(after), by_node(answers)
        expect(set(first) == set(middle), f"other nodes: {sorted(set(first) ^ set(middle))}")
        return [(first[node], middle[node], last[node]) for node in sorted(first)]
    return list(zip(sorted(before, key=order), sorted(answers, key=order),
                    sorted(after, key=order)))


def field_errors(low, answer, high, unordered=()):
    """
    @unordered: fields that may fall as well as rise between the readings; only their presence
    is held to the rule
    """
    where = f"{low.get('node') or ''} {low['name']!r}"
    for key in FIELDS:
        if answer[key] is None:
            yield f"{where} {key}: unknown"
        elif key not in unordered and not low[key] <= answer[key] <= high[key]:
            yield f"{where} {key}: {answer[key]}, the kernel says {low[key]} to {high[key]}"


def hold(errors):
    errors = list(errors)
    expect(not errors, f"{len(errors)} differences: " + "; ".join(errors[:SHOWN]))


# --- what is tested -----------------------------------------------------------------------------

class Scene:
    """One folder of guest-wakeup.sh."""

    def __init__(self, folder, name):
        self.at = f"{folder}/{name}"
        self.name = name
        self.sysfs = [load_sysfs(f"{self.at}/{when}.sysfs", bound)
                      for when, bound in (("before", min), ("after", max))]
        self.debugfs = [load_debugfs(f"{self.at}/{when}.debugfs") for when in ("before", "after")]

    def status(self, case):
        return int(load_text(f"{self.at}/{case}.status"))

    def stderr(self, case):
        return load_text(f"{self.at}/{case}.err").strip()

    def answer(self, case, source, status=0):
        got = self.status(case)
        expect(got == status, f"exit status {got}: {self.stderr(case)[:300]}")
        document, records = load_rove(f"{self.at}/{case}.json", source != "kernel")
        expect(document["source"] == source, f"source is {document['source']!r}")
        return document, records

    def readings(self, source):
        return self.debugfs if source == "debugfs" else self.sysfs


def check_files_agree(scene):
    """The kernel's two interfaces: what the rest is built on."""
    (before, after), debugfs = scene.sysfs, scene.debugfs[0]
    hold(error for low, middle, high in triples(before, debugfs, after)
         for error in field_errors(low, middle, high))
    for low, middle, _ in triples(before, debugfs, after):
        expect(low["name"].ljust(12) == middle["name"],
               f"{low['name']!r} is {middle['name']!r} in debugfs")


def check_enough(scene):
    made = [source for source in scene.sysfs[0] if source["name"] == b"[eventfd]"]
    expect(len(made) >= MIN_SOURCES, f"only {len(made)}")
    for key in ("wakeup_count", "total_time", "active_time"):
        expect(len({source[key] for source in made}) > 1, f"every {key} is the same")


def check_whole(document, scene):
    nr = len(scene.sysfs[0])
    expect(document["complete"] is True, "the answer says that it is not complete")
    expect((document["visited"], document["lost"]) == (nr, 0),
           f"visited {document['visited']}, lost {document['lost']}, there are {nr}")


def check_fields(scene, case, source):
    document, answers = scene.answer(case, source)
    before, after = scene.readings(source)
    check_whole(document, scene)
    hold(error for triple in triples(before, answers, after) for error in field_errors(*triple))


def check_fields_across(scene, case, source):
    """The same, against the other of the two files."""
    before, after = scene.sysfs if source == "debugfs" else scene.debugfs
    _, answers = scene.answer(case, source)
    answers = [{**answer, "node": None} for answer in answers]
    hold(error for triple in triples(before, answers, after) for error in field_errors(*triple))


def check_names(scene, case, source):
    """Names, who is active; and where the interface tells it, what a source belongs to."""
    before, after = scene.sysfs
    _, answers = scene.answer(case, source)
    for low, answer, high in triples(before, answers, after):
        expect(name_matches(answer, low["name"]), f"{low['name']!r} is {answer['name']!r}")
        for key in ("node", "device", "driver", "relax_count") if source != "debugfs" else ():
            expect(answer[key] == low[key],
                   f"{low['node']}: {key} is {answer[key]!r}, not {low[key]!r}")
        if bool(low["active_time"]) == bool(high["active_time"]):
            expect(answer["active"] is bool(low["active_time"]),
                   f"{low['name']!r}: active is {answer['active']}")


def check_busy(scene, case, source):
    """
    Sources change all the time: those that do not must be exact, the others between the
    readings, in every record that does not say it is torn.
    """
    document, answers = scene.answer(case, source)
    check_whole(document, scene)
    moving, errors = 0, []
    for low, answer, high in triples(*(scene.sysfs[0], answers, scene.sysfs[1])):
        moving += low["event_count"] != high["event_count"]
        if answer["torn"]:
            continue
        errors += field_errors(low, answer, high, unordered=("active_time",))
        if answer["active_count"] > answer["event_count"]:
            errors.append(f"{low['node']}: more activations than events")
    expect(moving >= 50, f"only {moving} sources changed")
    hold(errors)
    print(f"# {moving} sources changed meanwhile, {document['torn']} records torn")


def check_busy_often(scene, walks):
    """No walk of many gives a record whose numbers cannot have been true together."""
    torn = 0
    for walk in range(1, walks + 1):
        document, answers = scene.answer(f"kernel-{walk}", "kernel")
        check_whole(document, scene)
        torn += document["torn"]
        for low, answer, high in triples(*(scene.sysfs[0], answers, scene.sysfs[1])):
            if answer["torn"]:
                continue
            hold(field_errors(low, answer, high, unordered=("active_time",)))
            idle = answer["active_count"] - answer["relax_count"]
            expect(idle == int(answer["active"]) and
                   answer["active_count"] <= answer["event_count"] and
                   answer["max_time"] <= answer["total_time"],
                   f"{low['node']}: {answer}")
    print(f"# {torn} records torn in {walks} walks")


def check_busy_debugfs(scene, case, source):
    """Without nodes, only those that rest can be found again."""
    document, answers = scene.answer(case, source)
    check_whole(document, scene)
    resting = {order(source) for source in scene.debugfs[0]} & {
        order(source) for source in scene.debugfs[1]}
    missing = resting - {order(answer) for answer in answers}
    expect(len(resting) >= 200, f"only {len(resting)} rest")
    expect(not missing, f"{len(missing)} are not in the answer: {sorted(missing)[:SHOWN]}")


def staying(scene):
    """The readings before and after of the sources that did not come or go."""
    after = by_node(scene.sysfs[1])
    both = [(low, after[low["node"]]) for low in scene.sysfs[0]
            if low["name"] != b"churn" and low["node"] in after]
    expect(len(both) >= MIN_SOURCES, f"only {len(both)} stay")
    return both


def check_churn(scene, case, source):
    """Every source that stays is there and right, whatever comes and goes meanwhile."""
    got = scene.status(case)
    expect(got == 0 or source != "kernel" and got == 4,
           f"exit status {got}: {scene.stderr(case)[:300]}")
    document, answers = load_rove(f"{scene.at}/{case}.json", source != "kernel")
    if source == "debugfs":
        # The kernel's file itself skips and repeats sources between two read(2) calls.
        if got == 4:
            expect(document["complete"] is False and document["why"] == "changed-while-read",
                   f"partial, and why is {document['why']!r}")
            expect(len(answers) > MIN_SOURCES / 2, f"only {len(answers)} in the answer")
            return
        expect(document["complete"] is True, "the answer says that it is not complete")
        resting = {order(low) for low, high in staying(scene) if order(low) == order(high)}
        missing = resting - {order(answer) for answer in answers}
        expect(not missing, f"{len(missing)} are not in the answer: {sorted(missing)[:SHOWN]}")
        return
    if source == "kernel":
        expect(document["complete"] is True and document["lost"] == 0, "not complete")
    table = by_node([answer for answer in answers if answer["name"] != "churn"])
    for low, high in staying(scene):
        expect(low["node"] in table, f"{low['node']} is not in the answer")
        hold(field_errors(low, table[low["node"]], high))


def check_churn_often(scene, walks):
    for walk in range(1, walks + 1):
        check_churn(scene, f"kernel-{walk}", "kernel")


def check_churned(folder):
    rounds = re.search(r"^churned (\d+)$", load_text(f"{folder}/churn.log"), re.MULTILINE)
    expect(rounds and int(rounds[1]) >= 100, f"sources came and went {rounds and rounds[1]} times")


def check_many(scene):
    expect(len(scene.sysfs[0]) * RECORD_BYTES > RING_BYTES, "they would fit the ring buffer")
    check_fields(scene, "auto", "kernel")


def check_bounded(scene, source):
    """As many as were asked for, each of them right, and said to be a part."""
    document, answers = scene.answer("bounded", source, status=4)
    expect(document["complete"] is False and document["why"], f"why is {document['why']!r}")
    expect(len(answers) == 100, f"{len(answers)} records")
    before, after = map(by_node, scene.sysfs)
    for answer in answers:
        hold(field_errors(before[answer["node"]], answer, after[answer["node"]]))


def check_newline(scene, case, source):
    """What debugfs cannot express must be right nevertheless, or owned up to."""
    if source == "debugfs" and scene.status(case) == 4:
        with open(f"{scene.at}/{case}.json", "rb") as file:
            document = json.load(file)
        expect(document["complete"] is False, "exit status 4, but it says it is complete")
        return
    check_fields(scene, case, source)
    check_names(scene, case, source)


def check_refused(scene, case, status, *words):
    got = scene.status(case)
    expect(got == status, f"exit status {got}, not {status}: {scene.stderr(case)[:300]}")
    for word in words:
        expect(word in scene.stderr(case), f"stderr does not say {word}: {scene.stderr(case)}")


def check_auto(scene, source):
    check_fields(scene, "auto", source)
    expect(source in scene.stderr("auto"), f"-v does not say {source}: {scene.stderr('auto')}")


def wrong_answers(answers):
    """Each a little different from a right one, as a mistake would make it."""
    victim = next(i for i, answer in enumerate(answers)
                  if answer["name"] == "[eventfd]" and not answer["active"])
    for key in FIELDS:
        for value in (answers[victim][key] + 1, answers[victim][key] - 1, None):
            wrong = copy.deepcopy(answers)
            wrong[victim][key] = value
            yield f"{key} = {value}", wrong
    yield "one missing", answers[:victim] + answers[victim + 1:]
    yield "one twice", answers + [answers[victim]]
    yield "one instead of another", \
        answers[:victim] + [answers[victim - 1]] + answers[victim + 1:]
    swapped = copy.deepcopy(answers)
    for key in FIELDS:
        other = victim + 1
        swapped[victim][key], swapped[other][key] = swapped[other][key], swapped[victim][key]
    yield "two exchanged", swapped


def check_comparison(scene, case, source):
    """The comparison itself: it must refuse every one of these."""
    before, after = scene.readings(source)
    _, answers = scene.answer(case, source)
    for text, wrong in wrong_answers(answers):
        if text == "two exchanged" and source == "debugfs":
            continue    # where sources have no node, that is no difference
        try:
            hold(error for triple in triples(before, wrong, after)
                 for error in field_errors(*triple))
        except Mismatch:
            continue
        raise Mismatch(f"{text} was not noticed")


def check_text(scene):
    """The old format, for old scripts: the lines of sources that rest, byte for byte."""
    with open(f"{scene.at}/text", "rb") as file:
        answer = file.read().split(b"\n")
    lines = []
    for when in ("before", "after"):
        with open(f"{scene.at}/{when}.debugfs", "rb") as file:
            lines.append(file.read().split(b"\n"))
    expect(answer[0] == lines[0][0], f"the heading is {answer[0]!r}")
    expect(len(answer) == len(lines[0]) - 1, f"{len(answer)} lines")
    plain = {line for line in set(lines[0]) & set(lines[1])
             if re.match(rb"(\[eventfd\]|eventpoll|device:|PNP)", line)}
    expect(len(plain) >= MIN_SOURCES, f"only {len(plain)} lines to compare")
    expect(plain <= set(answer), f"missing: {sorted(plain - set(answer))[:SHOWN]}")


def check_diff(scene, case):
    """Nothing happens but that time passes, which makes those longer that are active."""
    got = scene.status(case)
    expect(got == 10, f"exit status {got}")
    document = json.loads(load_text(f"{scene.at}/{case}.json"))
    expect(document["complete"], document["why"])
    wrong = [r for r in document["records"]
             if r["change"] != "changed" or not r["active"] or r["more_active_count"] or
             r["more_event_count"] or integer(r["more_total_time_ns"]) <= -NS_PER_MS]
    expect(not wrong, f"{len(wrong)} of {len(document['records'])}: {wrong[:SHOWN]}")
    expect(len(document["records"]) >= 16, f"only {len(document['records'])} records")


def check_loads(folder, has_kfuncs):
    """A kernel with the kfuncs takes every program but those that need one of ours."""
    with open(f"{folder}/loads.tsv", encoding="utf-8") as file:
        verdicts = {os.path.basename(path): verdict for verdict, path in
                    (line.rstrip("\n").split("\t") for line in file)}
    expect("wakeup.bpf.o" in verdicts, "wakeup.bpf.o was not tried")
    rejected = {name for name, verdict in verdicts.items() if verdict != "accepted"}
    if not has_kfuncs:
        expect("wakeup.bpf.o" in rejected, "a kernel without the kfuncs accepted wakeup.bpf.o")
    else:
        expect(rejected == NEED_OUR_KFUNCS & set(verdicts), f"rejected: {sorted(rejected)}")


def check_same_bytes(rove, programs):
    with open(rove, "rb") as file:
        command = file.read()
    for name in sorted(os.listdir(programs)):
        with open(f"{programs}/{name}", "rb") as file:
            expect(file.read() in command, f"{name} is not in {rove}")


def tests_of_files(folder, has_kfuncs, scenes):
    yield "stock libbpf loads the programs we ship" if has_kfuncs else \
        "stock libbpf finds no kfuncs", check_loads, folder, has_kfuncs
    yield "epoll made at least 400 wakeup sources with different histories", \
        check_enough, scenes["quiet"]
    yield "sources came and went often enough", check_churned, folder
    for name in ("quiet", "newline"):
        yield f"{name}: sysfs and debugfs agree in every field", check_files_agree, scenes[name]


def tests_of_rove(scenes, has_kfuncs):
    sources = ("kernel", "sysfs", "debugfs") if has_kfuncs else ("sysfs", "debugfs")
    best = sources[0]

    for source in sources:
        said = f"rove wakeup --source {source}"
        yield f"{said} equals the files field by field", \
            check_fields, scenes["quiet"], source, source
        yield f"{said} equals the other file too", \
            check_fields_across, scenes["quiet"], source, source
        yield f"{said}: the comparison would notice a wrong answer", \
            check_comparison, scenes["quiet"], source, source
        yield f"{said} gives names, who is active{'' if source == 'debugfs' else ', devices'}", \
            check_names, scenes["quiet"], source, source
        yield f"{said} is right while sources change", \
            check_busy_debugfs if source == "debugfs" else check_busy, \
            scenes["busy"], source, source
        yield f"{said} is right while sources come and go", \
            check_churn, scenes["churn"], source, source
        yield f"{said} with a newline in a name", check_newline, scenes["newline"], source, source
        for later in ("sysfs", "debugfs"):
            yield f"rove wakeup diff from {source} to {later} finds those that are active", \
                check_diff, scenes["quiet"], f"diff-{source}-{later}"
    if has_kfuncs:
        yield "ten walks while sources change give no impossible record", \
            check_busy_often, scenes["busy"], 10
        yield "ten walks while sources come and go miss none that stays", \
            check_churn_often, scenes["churn"], 10
        yield "4000 sources do not fit the ring buffer at first, and none is lost", \
            check_many, scenes["many"]
    yield f"--max-objects bounds the answer of {best}, and it says so", \
        check_bounded, scenes["quiet"], best
    yield f"--source auto takes {best} and says so", check_auto, scenes["quiet"], best
    yield "-O debugfs prints what the kernel's file says", check_text, scenes["quiet"]
    if not has_kfuncs:
        yield "--source kernel says which kernel has it", \
            check_refused, scenes["quiet"], "kernel", 3, "7.2"
    yield "a user without capabilities gets the sources from sysfs", \
        check_auto, scenes["user"], "sysfs"
    yield "a user without capabilities is refused debugfs by name", \
        check_refused, scenes["user"], "debugfs", 6
    if has_kfuncs:
        yield "a user without capabilities is told which one --source kernel needs", \
            check_refused, scenes["user"], "kernel", 6, "CAP_BPF"
    yield "--source auto works without debugfs", check_auto, scenes["no-debugfs"], best
    yield "--source debugfs says that it is not mounted", \
        check_refused, scenes["no-debugfs"], "debugfs", 3, "debugfs"


def run(sentence, check, *arguments):
    try:
        check(*arguments)
        print(f"ok - {sentence}")
        return True
    except (Mismatch, OSError, KeyError, TypeError, ValueError) as error:
        print(f"not ok - {sentence}")
        print(f"# {type(error).__name__}: {error}")
        return False


def main():
    folder = sys.argv[1]
    release, has_kfuncs = load_text(f"{folder}/release").replace("kfuncs ", "").split()
    has_kfuncs = has_kfuncs == "1"
    names = ("quiet", "busy", "churn", "newline") + (("many",) if has_kfuncs else ())
    scenes = {name: Scene(folder, name) for name in names}
    tests = list(tests_of_files(folder, has_kfuncs, scenes))
    if len(sys.argv) > 2:
        scenes.update({name: Scene(folder, name) for name in ("user", "no-debugfs")})
        tests += tests_of_rove(scenes, has_kfuncs)
        tests.append(("the programs inside rove are the ones that were tested",
                      check_same_bytes, sys.argv[2], sys.argv[3]))
    passed = [run(f"{release}: {sentence}", *rest) for sentence, *rest in tests]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
