#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""run-tests.py [--jobs N] [--timeout S] COMMAND... - run TAP programs and count

Each COMMAND is one shell word list that prints TAP.  What fails is shown with
its output, what is skipped with its reason.  The last line is

    N passed, N failed, N skipped

A program that dies, prints no plan, or runs fewer tests than it planned counts
as a failure of its own.  --timeout bounds a program that hangs; it is no
measure of speed.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

RESULT = re.compile(r'^(not )?ok\b\s*(\d+)?\s*-?\s*(.*)$')
SKIP = re.compile(r'#\s*skip\b:?\s*(.*)$', re.IGNORECASE)
PLAN = re.compile(r'^1\.\.(\d+)(?:\s*#\s*skip\b:?\s*(.*))?', re.IGNORECASE)
REASON = re.compile(r'^# SKIP-REASON (.*)$')


class Outcome:
    def __init__(self, command):
        self.command = command
        self.passed = 0
        self.failed = []
        self.skipped = []
        self.output = ''


def parse(out, text):
    """Count the results of one program's TAP."""
    planned, seen, reason = None, 0, None
    for line in text.splitlines():
        if m := REASON.match(line):
            reason = m.group(1)
        elif m := PLAN.match(line):
            planned = int(m.group(1))
            if planned == 0 and m.group(2):
                out.skipped.append((out.command, m.group(2)))
        elif m := RESULT.match(line):
            seen += 1
            name = m.group(3)
            if s := SKIP.search(name):
                name = SKIP.sub('', name).strip() or s.group(1)
                why = reason or s.group(1)
                if not why or why == name and not reason:
                    out.failed.append(f'{name}: skipped without a reason')
                else:
                    out.skipped.append((name, why))
            elif m.group(1):
                out.failed.append(name)
            else:
                out.passed += 1
            reason = None
    if planned is None:
        out.failed.append(f'{out.command}: no TAP plan')
    elif seen != planned:
        out.failed.append(f'{out.command}: {planned} tests planned, {seen} ran')


def run(command, timeout):
    out = Outcome(command)
    try:
        proc = subprocess.run(['bash', '-c', command], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        out.output = proc.stdout.decode(errors='replace')
        status = proc.returncode
    except subprocess.TimeoutExpired as e:
        out.output = (e.stdout or b'').decode(errors='replace')
        status = f'still running after {timeout} s'
    parse(out, out.output)
    if status != 0 and not out.failed:
        out.failed.append(f'{command}: exit status {status}')
    return out


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument('--jobs', type=int, default=os.cpu_count() or 1)
    args.add_argument('--timeout', type=int, default=1800)
    args.add_argument('--verbose', action='store_true')
    args.add_argument('commands', nargs='+')
    opts = args.parse_args()

    total = Outcome('all')
    with concurrent.futures.ThreadPoolExecutor(opts.jobs) as pool:
        for out in pool.map(lambda c: run(c, opts.timeout), opts.commands):
            total.passed += out.passed
            total.failed += [(out.command, f) for f in out.failed]
            total.skipped += out.skipped
            mark = 'FAIL' if out.failed else 'ok'
            print(f'{mark:4} {out.command}: {out.passed} passed, {len(out.failed)} failed, '
                  f'{len(out.skipped)} skipped', flush=True)
            if out.failed or opts.verbose:
                for line in out.output.splitlines()[-400:]:
                    print(f'     | {line}')
    for name, why in total.skipped:
        print(f'skipped: {name}: {why}')
    for command, name in total.failed:
        print(f'failed: {name}   ({command})')
    print(f'{total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped')
    sys.exit(1 if total.failed or not total.passed else 0)


if __name__ == '__main__':
    main()
