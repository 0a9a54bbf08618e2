#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""The grammar, the options and what is written about them: help, man pages, completions."""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from e2e import TOP, check, equal, main, rove, skip, usual_tree, validate  # noqa: E402

SYSFS = ("wakeup", "--source", "sysfs")
WRITE_ONE = ("--source", "self", "--sample", "1", "-w")


def names(*args, tree):
    return rove(*SYSFS, "-nq", "-o", "NAME", *args, tree=tree, code=0).lines


def test_what_makes_no_sense_is_exit_2_with_one_line_and_no_output():
    bad = [
        [], ["frobnicate"], ["wakeup", "top"], ["wakeup", "diff"],
        ["wakeup", "diff", "a", "b", "c"], ["wakeup", "diff", "-r", "a"],
        ["wakeup", "diff", "a", "-i", "1"], ["wakeup", "diff", "a", "b", "--source", "sysfs"],
        ["wakeup", "diff", "-i", "1", "-w", "a"], ["wakeup", "diff", "-i", "1", "-O", "debugfs"],
        ["wakeup", "why"], ["wakeup", "-x"], ["wakeup", "--frob"], ["wakeup", "--json=1"],
        ["wakeup", "-O"], ["wakeup", "-O", "xml"], ["wakeup", "-O", "prom"], ["wakeup", "-O", ""],
        ["wakeup", "-O", "table|json"], ["wakeup", "-O", "tabl"], ["wakeup", "-o", "FOO"],
        ["wakeup", "-o", "NAME,,MAX"], ["wakeup", "-o", "NAME,"], ["wakeup", "-o", "+FOO"],
        ["wakeup", "-o", ""], ["wakeup", "-s", "FOO"], ["wakeup", "-s", "NAME:x"],
        ["wakeup", "-s", ":a"], ["wakeup", "--top", "0"], ["wakeup", "--top", "-1"],
        ["wakeup", "--top", "1x"], ["wakeup", "--top", " 1"], ["wakeup", "--top", "+1"],
        ["wakeup", "--top", "99999999999999999999"], ["wakeup", "-F", "name"],
        ["wakeup", "-F", "foo=1"], ["wakeup", "-F", "name~["], ["wakeup", "-F", "total~1"],
        ["wakeup", "-F", "total=soon"], ["wakeup", "-F", "total=5lightyears"],
        ["wakeup", "-F", "total=9e99s"], ["wakeup", "-F", "total> 5"], ["wakeup", "-F", "total>+5"],
        ["wakeup", "-F", "active_count=0x"], ["wakeup", "-F", "total>."],
        ["wakeup", "-F", "active_count=-1"],
        ["wakeup", "-F", "active_count=1.5"], ["wakeup", "-F", "active>0"],
        ["wakeup", "-F", "active=maybe"], ["wakeup", "-F", ","], ["wakeup", "-F", "name=a,"],
        ["wakeup", "-i", "0"], ["wakeup", "-i", "-1"], ["wakeup", "-i", "nan"],
        ["wakeup", "-i", "inf"], ["wakeup", "-i", "1s"], ["wakeup", "-i", ""],
        ["wakeup", "-c", "2"], ["wakeup", "-i", "1", "-c", "0"], ["wakeup", "-b", "--human"],
        ["wakeup", "--pretty"], ["wakeup", "-O", "csv", "--pretty"], ["wakeup", "-O", "kv", "-n"],
        ["wakeup", "-O", "csv", "--human"], ["wakeup", "-O", "csv", "-b"],
        ["wakeup", "-O", "debugfs", "-o", "NAME"], ["wakeup", "-O", "dumpsys", "-n"],
        ["wakeup", "-O", "csv", "--color", "always"], ["wakeup", "--color", "sometimes"],
        ["wakeup", "--source", "nowhere"], ["wakeup", "--source", "file"],
        ["wakeup", "--sample", "5"], ["wakeup", "--source", "self"],
        ["wakeup", "--source", "debugfs", "--budget-ms", "5"], ["wakeup", "--max-objects", "0"],
        ["wakeup", "-vq"], ["wakeup", ""], ["wakeup", "a", ""], ["wakeup", "-p", "1"],
        ["wakeup", "--growing"], ["wakeup", "-O", "bufinfo"], ["wakeup", "--source", "proc"],
        ["wakeup", "by-process"],
        ["wakeup", "--no-pager"], ["wakeup", "-r", "x", "--source", "sysfs"],
        ["wakeup", "-r", "x", "-i", "1"], ["wakeup", "-w", "x", "-O", "csv"],
        ["wakeup", "-w", "x", "-o", "NAME"], ["--top", "3"], ["--completion", "tcsh"],
        ["wakeup", "--completion", "bash"], ["--", "-h"], ["-"],
    ]
    with usual_tree() as tree:
        for args in bad:
            result = rove(*args, tree=tree, code=2)
            equal(result.out, b"", f"{args}: stdout")
            equal(len(result.err.splitlines()), 1, f"{args}: {result.err}")
            check(result.err.startswith("rove: "), result.err)


def test_what_makes_no_sense_is_a_json_object_when_json_was_asked_for():
    with usual_tree() as tree:
        for args in (["wakeup", "-j", "--frob"], ["wakeup", "--frob", "-j"], ["-j", "nope"],
                     ["wakeup", "-O", "json", "--top", "0"], ["wakeup", "-j", "-O", "csv"],
                     ["wakeup", "--top", "x", "-O", "ndjson"]):
            result = rove(*args, tree=tree, code=2)
            message = json.loads(result.err)
            validate(message, "rove.message.schema.json")
            equal(message["code"], "usage")


def test_of_several_formats_the_last_one_decides_how_messages_look():
    check(rove("wakeup", "-O", "json", "-O", "csv", "--frob", code=2).err.startswith("rove: "),
          "as lines")
    json.loads(rove("wakeup", "-O", "csv", "-O", "json", "--frob", code=2).err)


def test_the_beginning_of_an_option_is_enough_if_it_is_of_one_only():
    with usual_tree() as tree:
        equal(rove(*SYSFS, "--noh", "-q", "-o", "NAME", "AC", tree=tree, code=0).lines, ["AC"])
    for word, is_ambiguous in ("--s", True), ("--so=NAME", True), ("--frob", False):
        said = rove("wakeup", word, code=2).err
        equal("more than one option" in said, is_ambiguous, said)


def test_an_unknown_word_is_answered_with_what_exists():
    check("there is: wakeup, dmabuf" in rove("frobnicate", code=2).err, "nouns")
    check("it has: list" in rove("wakeup", "top", code=2).err, "verbs")


def test_an_unknown_format_or_source_is_answered_with_those_of_this_noun():
    for noun, layouts, sources in (("wakeup", "|debugfs|dumpsys", "kernel|sysfs|debugfs|self"),
                                   ("dmabuf", "|bufinfo", "kernel|debugfs|sysfs|proc|self"),
                                   ("wq", "", "self")):
        for option, word, words in (("--format", "raw", "table|json|ndjson|csv|tsv|kv" + layouts),
                                    ("--source", "nowhere", "auto|" + sources)):
            said = rove(noun, option, word, code=2).err.strip()
            equal(said, f"rove: {option}: '{word}' is none of {words} (--help says what they are)")
    said = rove("dmabuf", "by-process", "-O", "bufinfo", code=2).err
    check("none of table|json|ndjson|csv|tsv|kv (" in said, said)


def test_messages_hold_no_escape_sequences():
    for args in (["\x1b[31m"], ["wakeup", "-O", "\x1b[31m"], ["wakeup", "--\x1b[31m"],
                 ["wakeup", "-o", "\x1b[31m"], ["wakeup", "-F", "\x1b[31m"],
                 ["wakeup", "-r", "/\x1b[31m"]):
        check("\x1b" not in rove(*args).err, repr(args))


def test_options_may_stand_anywhere():
    with usual_tree() as tree:
        plain = rove(*SYSFS, "-j", "AC", tree=tree, code=0).json["records"][0]["name"]
        equal(plain, "AC")
        for args in (["-j", "wakeup", "--source=sysfs", "AC"],
                     ["wakeup", "list", "AC", "-j", "--source", "sysfs"],
                     ["--source", "sysfs", "wakeup", "-j", "list", "--", "AC"]):
            for extra in ({}, {"POSIXLY_CORRECT": "1"}):
                got = rove(*args, tree=tree, code=0, **extra).json
                equal([r["name"] for r in got["records"]], ["AC"], str(args))


def test_patterns_are_globs_and_any_may_match():
    with usual_tree() as tree:
        equal(names("a*", tree=tree), ["alarmtimer"])
        equal(names("*[tr]", tree=tree), ["xhci host", "alarmtimer"])
        equal(names("AC", "event*", tree=tree), ["AC", "eventpoll"])
        equal(names("nothing", tree=tree), [])
        tree.source(b"top", total_time_ms=1)
        tree.source(b"\xff*", total_time_ms=1)
        for verb_like in ("top", "list"):
            equal(rove("wakeup", "list", verb_like, "-nq", "-o", "NAME", "--source", "sysfs",
                       tree=tree).lines, [name for name in ["top"] if name == verb_like])
        equal(names("?\\*", tree=tree), ["\\xff*"])


def test_sorting_goes_both_ways_and_unknown_comes_last():
    with usual_tree() as tree:
        tree.source("unknown", total_time_ms=None)
        equal(names("-s", "total", tree=tree),
              ["xhci host", "alarmtimer", "AC", "eventpoll", "unknown"])
        equal(names("-s", "TOTAL:a", tree=tree),
              ["eventpoll", "AC", "alarmtimer", "xhci host", "unknown"])
        equal(names("-s", "name", tree=tree),
              ["AC", "alarmtimer", "eventpoll", "unknown", "xhci host"])
        equal(names("-s", "NAME:d", tree=tree)[0], "xhci host")
        equal(names("--top", "2", tree=tree), ["xhci host", "alarmtimer"])
        document = rove(*SYSFS, "-j", "--top", "1", tree=tree, code=0).json
        equal([r["name"] for r in document["records"]], ["xhci host"], "--top sorts JSON too")


def test_text_sorts_with_numbers_in_it_as_numbers():
    with usual_tree() as tree:
        for i in range(4, 12):
            tree.source(f"s{i}")
        equal(names("-s", "node", "wakeup[0-9]*", "s*", tree=tree),
              [f"s{i}" for i in range(4, 12)])


def test_filters_compare_in_the_unit_that_the_name_says():
    with usual_tree() as tree:
        for expr, want in {
            "total>=3456": ["xhci host", "alarmtimer"],
            "total_time_ms>3456": ["xhci host"],
            "total_time_ns>=3456000000": ["xhci host", "alarmtimer"],
            "total>3s": ["xhci host", "alarmtimer"],
            "total>=0.005s,total<10s": ["alarmtimer", "AC"],
            "total>.5s,total<5s": ["alarmtimer"],
            "#active=12": ["alarmtimer"],
            "#active=012": ["alarmtimer"],
            "#active=0xc": ["alarmtimer"],
            "active_count!=12": ["xhci host", "AC", "eventpoll"],
            "active=yes": ["xhci host"],
            "active=0,name~^a": ["alarmtimer"],
            "name!~[a-z]": ["AC"],
            "name=xhci host": ["xhci host"],
            "name~^(AC|event.*)$": ["AC", "eventpoll"],
            "device~:14\\.0": ["xhci host"],
            "driver!=ac": ["xhci host", "alarmtimer"],
            "label=AC adapter": ["AC"],
        }.items():
            equal(names("-F", expr, tree=tree), want, expr)
        equal(names("-F", "total>0", "-F", "total<1s", tree=tree), ["AC"])
        tree.source("a,b\\c")
        equal(names("-F", "name=a\\,b\\\\c", tree=tree), ["a,b\\x5cc"])
        equal(names("-F", "name~^.\\,b", tree=tree), ["a,b\\x5cc"])


def test_columns_append_and_repeat():
    with usual_tree() as tree:
        def heading(*args):
            return rove(*SYSFS, "-q", *args, "AC", tree=tree, code=0).lines[0].split()
        equal(heading("-o", "+driver")[-2:], ["DEVICE", "DRIVER"])
        equal(heading("-o", "NAME", "-o", "+max"), ["NAME", "MAX(ms)"])
        equal(heading("-o", "NAME", "-o", "max,max"), ["MAX(ms)", "MAX(ms)"])
        equal(heading("-o", "+driver,label", "-o", "+node")[-3:], ["DRIVER", "LABEL", "NODE"])
        equal(heading("-o", "TOTAL_TIME_MS,#Event"), ["TOTAL(ms)", "#EVENT"])


# --- what is written about the options ---------------------------------------------------------

def options_of_help():
    """{long: (letter, argument)} as --help has them, per command."""
    found = {}
    for line in rove("wakeup", "--help", code=0).lines:
        m = re.match(r"  (?:-(\w), |    )--([a-z-]+)(?: (\S+))?(?:  |$)", line)
        if m:
            found[m[2]] = (m[1], m[3])
    check(len(found) > 20, "help was understood")
    return found


def options_of_man(page):
    found = {}
    with open(os.path.join(TOP, "docs/man", page)) as f:
        for line in f:
            m = re.match(r"\.It (?:Fl (\w) , )?Fl \\-([a-z-]+)(?: Ar (\S+))?$", line)
            if m:
                found[m[2]] = (m[1], m[3])
    return found


def test_the_man_page_has_the_options_of_the_help():
    equal(options_of_man("rove-wakeup.1"), options_of_help())


def test_the_general_man_page_has_the_general_options():
    table = options_of_help()
    general = {m[1] for line in rove("--help", code=0).lines
               if (m := re.match(r"  (?:-\w,|   ) --([a-z-]+)", line))}
    equal(options_of_man("rove.1"), {name: table[name] for name in general})


def test_every_option_of_the_help_is_accepted():
    samples = {"FMT": "table", "COLS": "NAME", "COL[:d|:a]": "NAME:a", "N": "3", "EXPR": "name~.",
               "SECONDS": "0.01", "SOURCE": "sysfs", "WHEN": "never", "SHELL": "bash"}
    alone = {"help", "version", "completion", "json", "pretty", "count", "sample", "source",
             "write", "read", "bytes", "human", "quiet", "verbose"}
    with usual_tree() as tree:
        for name, (letter, arg) in options_of_help().items():
            if name in alone:
                continue    # these have tests of their own: they exclude or need others
            more = ["-c", "1"] if name == "interval" else []
            for option in [f"--{name}"] + ([f"-{letter}"] if letter else []):
                result = rove(*SYSFS, option, *([samples[arg]] if arg else []), *more, tree=tree)
                check(result.code in (0, 4), f"{option}: {result.code} {result.err}")


def test_help_and_version_answer_on_stdout():
    for args in (["--help"], ["-h"], ["wakeup", "-h"], ["wakeup", "list", "--help"]):
        result = rove(*args, code=0)
        check(result.text.startswith("Usage: rove "), result.text[:40])
        equal(result.err, "")
        check(max(map(len, result.lines)) <= 100, "fits a terminal")
    commands = rove("--help", code=0).text.split("Commands:\n")[1].split("\n\n")[0].splitlines()
    equal({re.match(r"  \S+ \S+ +", line).end() for line in commands}, {21}, "helps are aligned")
    with open(os.path.join(TOP, "VERSION")) as f:
        equal(rove("-V", code=0).text, f"rove {f.read().strip()}\n")


def complete(*words):
    script = rove("--completion", "bash", code=0).text
    script += f"COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}\n"
    script += "_rove; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    return subprocess.run(["bash", "-c", script], capture_output=True, check=True,
                          text=True).stdout.split()


def test_bash_completes_nouns_verbs_options_and_their_values():
    equal(complete("rove", "wak"), ["wakeup"])
    check({"wakeup", "dmabuf"} <= set(complete("rove", "")), "nouns")
    equal(complete("rove", "wakeup", "l"), ["list"])
    equal(complete("rove", "wakeup", "-O", "d"), ["debugfs", "dumpsys"])
    equal(complete("rove", "wakeup", "--source", ""), "auto kernel sysfs debugfs self".split())
    equal(complete("rove", "dmabuf", "diff", os.path.join(TOP, "READ")),
          [os.path.join(TOP, "README.md")], "files")
    equal(complete("rove", "wakeup", "list", os.path.join(TOP, "READ")), [], "no files")
    check("total_time_ns" in complete("rove", "wakeup", "-s", "to"), "columns")
    offered = {word[2:] for word in complete("rove", "wakeup", "--")}
    equal(offered, set(options_of_help()))


def test_zsh_and_fish_completions_name_every_option():
    zsh = rove("--completion", "zsh", code=0).text
    fish = rove("--completion", "fish", code=0).text
    for name, (letter, arg) in options_of_help().items():
        check(f"--{name}[" in zsh, f"zsh --{name}")
        check(re.search(rf"^complete -c rove( -s {letter or '.'})? -l {name} ", fish, re.M),
              f"fish --{name}")
    for shell, script in (("zsh", zsh), ("fish", fish)):
        if shutil.which(shell):
            subprocess.run([shell, "-n", "/dev/stdin"], input=script.encode(), check=True)


def written_commands():
    """(where, words) of each command line that README and the man pages show."""
    for page in sorted(glob.glob(os.path.join(TOP, "docs/man/*.1"))):
        with open(page) as f:
            for line in re.findall(r"^\.Dl (rove .*)$", f.read(), re.M):
                yield os.path.basename(page), line.replace("\\-", "-")
    with open(os.path.join(TOP, "README.md")) as f:
        for block in re.findall(r"^```sh\n(.*?)^```", f.read(), re.S | re.M):
            for line in re.findall(r"(?:^|; )(rove [^#;|\n]*)", block, re.M):
                yield "README.md", line


def test_every_command_that_is_written_down_is_understood():
    commands = list(written_commands())
    check(len(commands) > 30, f"found {len(commands)}")
    with usual_tree() as tree:
        tape = os.path.join(tree.root, "tape")
        for where, line in commands:
            words = shlex.split(line)[1:]
            for option, value in ("-i", "0.01"), ("-c", "2"):
                if option in words:     # an hour is more than we have
                    words[words.index(option) + 1] = value
            words = [tape if word.endswith(".ndjson") else word for word in words]
            if "-r" in words or tape in words and "-w" not in words:
                rove(words[0], *WRITE_ONE, tape, tree=tree, code=0)
            result = rove(*words, tree=tree)
            check(result.code in (0, 3, 4, 6, 10), f"{where}: {line}: {result.code} {result.err}")


def test_the_man_pages_are_clean():
    if not shutil.which("mandoc"):
        skip("mandoc is not installed")
    for page in sorted(glob.glob(os.path.join(TOP, "docs/man/*.1"))):
        proc = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page], capture_output=True,
                              text=True)
        equal(proc.stdout + proc.stderr, "", page)


def test_the_man_page_names_every_format_and_source():
    with open(os.path.join(TOP, "docs/man/rove-wakeup.1")) as f:
        page = f.read()
    formats, sources = (re.search(rf"{name}.*?\n +(\S+\|\S+)\n", rove("wakeup", "-h").text)[1]
                        for name in ("--format", "--source"))
    for word in (formats + "|" + sources).split("|"):
        check(f".It Cm {word}\n" in page, word)


main()
