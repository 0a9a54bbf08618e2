#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""check-order.py - every ORDER tag has a partner that names it back (TAP)

A tag is a comment at an access that other threads depend on:

    ORDER mailbox.publish (release): what it is for.  Pairs with mailbox.observe in
    mailbox_take().

A tag may stand at several accesses, and may have several partners.  A partner outside of
this repository has no tag and is described: "Pairs with the acquire load of the position in
libbpf's consumer".  Every tag must also stand in a row of docs/memory-model.md, together
with its partners.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOC = ROOT / 'docs' / 'memory-model.md'
NAME = r'[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+'
KINDS = {'acquire', 'release', 'acq_rel', 'seq_cst'}
COMMENT = re.compile(r'/\*.*?\*/', re.S)
TAG = re.compile(r'\bORDER (' + NAME + r') \((\w+)\):')
LOOSE = re.compile(r'\bORDER (' + NAME + r')')
PAIRS = re.compile(r'\b[Pp]airs with (the\b|' + NAME + r'(?:(?:,| and) ' + NAME + r')*)')


def text_of(comment):
    """the comment as one line, without the stars"""
    lines = comment[2:-2].splitlines()
    return ' '.join(line.strip().lstrip('*').strip() for line in lines).strip()


def read_tags(path, tags, problems):
    source = path.read_text()
    for match in COMMENT.finditer(source):
        text = text_of(match.group())
        where = f'{path.relative_to(ROOT)}:{source.count(chr(10), 0, match.start()) + 1}'
        found = list(TAG.finditer(text))
        for name in set(LOOSE.findall(text)) - {tag.group(1) for tag in found}:
            problems.append(f'{where}: ORDER {name} lacks its kind: "ORDER {name} (release): ..."')
        for i, tag in enumerate(found):
            end = found[i + 1].start() if i + 1 < len(found) else len(text)
            name, kind = tag.groups()
            partners = set()
            for pairs in PAIRS.findall(text[tag.end():end]):
                partners |= set(re.findall(NAME, pairs)) or {'outside'}
            if kind not in KINDS:
                problems.append(f'{where}: ORDER {name}: {kind} is not one of {sorted(KINDS)}')
            if not partners:
                problems.append(f'{where}: ORDER {name} does not say what it pairs with')
            tags.setdefault(name, {'where': where, 'partners': set()})['partners'] |= partners


def check_pairs(tags, problems):
    for name, tag in sorted(tags.items()):
        for partner in sorted(tag['partners'] - {'outside'}):
            if partner not in tags:
                problems.append(f'{tag["where"]}: ORDER {name} pairs with {partner}, '
                                'which no comment has')
            elif name not in tags[partner]['partners']:
                problems.append(f'{tags[partner]["where"]}: ORDER {partner} does not name '
                                f'{name} back, which pairs with it')


def check_document(tags, problems):
    """each row of the table names the tags of one pair in backquotes"""
    rows = []
    if DOC.exists():
        rows = [set(re.findall('`(' + NAME + ')`', line))
                for line in DOC.read_text().splitlines() if line.startswith('|')]
    doc = DOC.relative_to(ROOT)
    for name, tag in sorted(tags.items()):
        if not any(name in row for row in rows):
            problems.append(f'{doc}: no row for {name} ({tag["where"]})')
            continue
        for partner in sorted(tag['partners'] - {'outside'}):
            if not any({name, partner} <= row for row in rows):
                problems.append(f'{doc}: no row has both {name} and {partner}')
    for name in sorted(set().union(*rows) - tags.keys()):
        problems.append(f'{doc}: {name} stands in a row but nowhere in the sources')


def main():
    tags, problems = {}, []
    for top in ('include', 'src', 'preload', 'cli'):
        for path in sorted((ROOT / top).rglob('*.[chS]')):
            read_tags(path, tags, problems)
    check_pairs(tags, problems)
    check_document(tags, problems)
    print('1..1')
    for problem in problems:
        print(f'# {problem}')
    print(f'{"not ok" if problems else "ok"} 1 - order: {len(tags)} tags, '
          'each with a partner that names it back')
    return bool(problems)


if __name__ == '__main__':
    sys.exit(main())
