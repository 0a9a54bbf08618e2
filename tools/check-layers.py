#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""check-layers.py - every #include stays inside what LAYERS allows (TAP)"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def read_layers():
    """folder -> the set of folders it may include, itself among them"""
    direct = {}
    for line in (ROOT / 'LAYERS').read_text().splitlines():
        line = line.split('#')[0].strip()
        if line:
            folder, _, rest = line.partition(':')
            direct[folder.strip()] = rest.split()

    def closure(folder):
        allowed = {folder}
        for word in direct[folder]:
            if word.startswith('+'):
                allowed |= closure(word[1:])
            elif word in direct or (ROOT / 'src' / word).is_file():
                allowed.add(word)
            else:
                sys.exit(f'LAYERS: {folder} names {word}, which has no line of its own')
        return allowed

    return {folder: closure(folder) for folder in direct}


def main():
    layers = read_layers()
    problems, checked = [], 0
    for top in ('src', 'cli'):
        for path in sorted((ROOT / top).rglob('*.[chS]')):
            rel = path.relative_to(ROOT / 'src' if top == 'src' else ROOT)
            folder = str(rel.parent)
            if folder not in layers:
                problems.append(f'{top}: folder {folder} has no line in LAYERS')
                continue
            checked += 1
            for nr, line in enumerate(path.read_text(errors='replace').splitlines(), 1):
                m = INCLUDE.match(line)
                if not m or '/' not in m.group(1):
                    continue
                target = str(pathlib.PurePath(m.group(1)).parent)
                if not {target, m.group(1)} & layers[folder]:
                    problems.append(f'{path.relative_to(ROOT)}:{nr}: {folder} may not include '
                                    f'{m.group(1)}')
    print('1..1')
    for p in problems:
        print('#', p)
    print(f'{"not " if problems else ""}ok 1 - layers: {checked} files include only what LAYERS '
          'allows')
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
