#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""skeleton.py - what a test file expects of NAME.skel.h, for the object file NAME.bpf.o

    skeleton.py NAME.bpf.o > NAME.skel.h

Members and functions have the names that bpftool would give them, so the test file is
compiled as it is.  Loading goes through selftest_load(), which says what is left out.
"""
import pathlib
import re
import subprocess
import sys

TYPES = {1: '_Bool', 2: '__u16', 4: '__u32', 8: '__u64'}


def sections(path):
    out = subprocess.run(['readelf', '-SW', path], check=True, capture_output=True, text=True).stdout
    return {int(m[1]): (m[2], int(m[3], 16))
            for m in re.finditer(r'\[\s*(\d+)\] (\S+)\s+\S+\s+[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+)', out)}


def symbols(path):
    """(name, kind, offset, bytes, section number) of each global"""
    out = subprocess.run(['readelf', '-sW', path], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        word = line.split()
        if len(word) == 8 and word[4] == 'GLOBAL' and word[6].isdigit():
            yield word[7], word[3], int(word[1], 16), int(word[2], 0), int(word[6])


def layout(name, variables):
    lines, at = [f'struct {name} {{'], 0
    for offset, size, symbol in sorted(variables):
        if offset > at:
            lines.append(f'\tchar pad_{at}[{offset - at}];')
        lines.append(f'\t{TYPES[size]} {symbol};')
        at = offset + size
    return lines + ['};']


def main():
    path = pathlib.Path(sys.argv[1])
    name = path.name.removesuffix('.bpf.o')
    names = sections(path)
    maps, progs, data = [], [], {'bss': [], 'data': []}
    for symbol, kind, offset, size, number in symbols(path):
        section = names[number][0]
        if kind == 'FUNC' and section != '.text':
            progs.append(symbol)
        elif section == '.maps':
            maps.append(symbol)
        elif section in ('.bss', '.data'):
            data[section[1:]].append((offset, size, symbol))
    out = ['#include "selftest_skel.h"', '']
    for section, variables in data.items():
        out += layout(f'{name}__{section}', variables)
    out += [f'struct {name} {{', '\tstruct bpf_object_skeleton *skeleton;', '\tstruct bpf_object *obj;']
    for what, struct, members in (('maps', 'bpf_map', maps), ('progs', 'bpf_program', progs),
                                  ('links', 'bpf_link', progs)):
        out += ['\tstruct {', *(f'\t\tstruct {struct} *{m};' for m in members), f'\t}} {what};']
    out += [f'\tstruct {name}__{section} *{section};' for section in data] + ['};', '']
    out += [f'static inline struct {name} *{name}__open(void)', '{',
            f'\tstruct {name} *skel = calloc(1, sizeof(*skel));', '',
            f'\tskel->obj = selftest_object("{name}");',
            '\tif (!skel->obj) {', '\t\tfree(skel);', '\t\treturn NULL;', '\t}']
    out += [f'\tskel->maps.{m} = bpf_object__find_map_by_name(skel->obj, "{m}");' for m in maps]
    out += [f'\tskel->progs.{p} = bpf_object__find_program_by_name(skel->obj, "{p}");' for p in progs]
    out += ['\tskel->skeleton = selftest_skeleton(' + str(len(progs)) + ');']
    out += [f'\tskel->skeleton->progs[{i}].prog = &skel->progs.{p};' for i, p in enumerate(progs)]
    out += ['\treturn skel;', '}', '',
            f'static inline int {name}__load(struct {name} *skel)', '{',
            '\tint err = selftest_load(skel->obj);', '']
    out += [f'\tskel->{s} = err ? NULL : selftest_memory(skel->obj, ".{s}");' for s in data]
    out += ['\treturn err;', '}', '',
            f'static inline void {name}__destroy(struct {name} *skel)', '{',
            '\tif (skel) {', '\t\tbpf_object__close(skel->obj);', '\t\tselftest_skeleton_free(skel->skeleton);', '\t}', '\tfree(skel);', '}', '',
            f'static inline struct {name} *{name}__open_and_load(void)', '{',
            f'\tstruct {name} *skel = {name}__open();', '',
            f'\tif (skel && {name}__load(skel)) {{', f'\t\t{name}__destroy(skel);',
            '\t\treturn NULL;', '\t}', '\treturn skel;', '}', '']
    out += [f'static inline int {name}__attach(struct {name} *skel)', '{',
            '\treturn selftest_attach(skel->obj);', '}', '',
            f'static inline void {name}__detach(struct {name} *skel)', '{', '}', '']
    print('\n'.join(out))


main()
