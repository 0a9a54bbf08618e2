#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""check-docs.py - what the documents name is there (TAP)

Links lead somewhere; files, functions, identifiers, programs and make's targets that stand in
backquotes exist; tests that are named "suite: sentence" are tests; the schemas and pages that a man
page names are there, and the files that a comment names.  Whether a sentence is true this cannot
tell.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE = re.compile(r'`([^`\n]+)`')
FENCE = re.compile(r'^ *```.*?^ *```$', re.S | re.M)
LINK = re.compile(r'\[[^\]\n]*\]\(([^)\s]+)\)')
PATH = re.compile(r'^[\w.{},*-]+(?:/[\w.{},*-]+)+/?$')
FILE = re.compile(r'^[\w-]+\.(?:[chS]|py|sh|md|mk|map|bpf\.[co])$')
WORD = re.compile(r'^_?[a-z][a-z0-9]*(?:_[a-z0-9]+)+$')
CALL = re.compile(r'^([a-z_][a-z0-9_]*)\([^)]*\)$')
CONSTANT = re.compile(r'^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$')
TEST = re.compile(r'^([a-z][\w-]*): (\w+)$')
COMMENT = re.compile(r'/\*.*?\*/', re.S)
SCRIPT_COMMENT = re.compile(r'^\s*#.*', re.M)
NAMED = re.compile(r'(?<![\w/.<$])((?:[\w.-]+/)+[\w.-]+\.(?:[ch]|md|py|sh|mk))\b')
OPTION = re.compile(r'(?<![\w-])make ((?:[A-Z_]+=\S+ )*)([a-z][\w-]*)')

# Where a path may begin, so that documents can say `rove/bpf.h` and `srcu/srcu.c`.
BASES = ('', 'include/', 'src/', 'src/bpf/', 'tests/', 'tests/unit/', 'docs/', 'cli/', 'tools/')

# What belongs to the kernel, to libraries, or to the machine, and stands in no file of ours.
FOREIGN = set('''
	BPF_F_CPU BPF_F_ALL_CPUS BPF_MAP_LOOKUP_AND_DELETE_BATCH STRUCT_OPS bpf_seq_printf_btf
'''.split())


def tracked():
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                           cwd=ROOT, capture_output=True, text=True)
    if names.returncode == 0:
        return [name for name in names.stdout.split('\n') if (ROOT / name).is_file()]
    return [str(p.relative_to(ROOT)) for p in ROOT.rglob('*')
            if p.is_file() and p.relative_to(ROOT).parts[0] not in ('build', '.git')]


class Tree:
    def __init__(self):
        self.files = tracked()
        self.folders = {str(p) for name in self.files for p in pathlib.PurePath(name).parents}
        self.names = {pathlib.PurePath(name).name for name in self.files}
        self.words, self.tests, self.suites = set(), set(), set()
        for name in self.files:
            if name.endswith('.md') or name.startswith('docs/') or 'corpus/' in name and \
                    'verifier/' not in name:
                continue
            text = (ROOT / name).read_text(errors='replace')
            self.words |= set(re.findall(r'\w+', text))
            self.words |= set(re.split(r'[/.]', name))
            if name.startswith('tests/'):
                self.tests |= set(re.findall(r'\b(?:TEST|test)\w*\(\w+, (\w+)', text))
                self.tests |= {n[5:] for n in re.findall(r'def (test_\w+)', text)}
        self.targets = set()
        for name in ('Makefile', *(n for n in self.files if n.endswith('.mk'))):
            for line in (ROOT / name).read_text().splitlines():
                if re.match(r'[\w-]+(?: [\w-]+)*:(?!=)', line):
                    self.targets |= set(line.split(':')[0].split())

    def has_path(self, path):
        path = path.rstrip('/')
        if path.startswith('build/'):
            return self.has_built(path[len('build/'):])
        if any(c in path for c in '*{<') or any(w.isupper() and len(w) > 2
                                               for w in re.split(r'[/.]', path)):
            return True     # a pattern
        return any(base + path + end in self.files or base + path in self.folders
                   for base in BASES for end in ('', '.c'))

    def has_built(self, path):
        path = re.sub(r'^(?:address|thread|fuzzer)/', '', path)
        source = re.sub(r'\.bpf\.o$', '.bpf', path)
        return path in ('rove', 'librove.so', 'librove.a', 'bench/results.ndjson') or \
            any(source + end in self.files for end in ('.c', '')) or path in self.folders

    def has_word(self, word):
        """whole, or as the rest of one whose beginning was said before"""
        return word in self.words or any(w.endswith('_' + word.lstrip('_')) for w in self.words)


def problem_of(code, tree):
    """what is wrong with a piece of code in backquotes, or None"""
    if code in FOREIGN or code.startswith(('/', '~', '-')):
        return None
    call = CALL.match(code)
    if call:
        code = call[1]
    if TEST.match(code):
        suite, sentence = TEST.match(code).groups()
        if sentence.count('_') > 1 and sentence not in tree.tests:
            return f'there is no test {sentence}'
    elif PATH.match(code) and not code.startswith('iter/'):
        if not tree.has_path(code):
            return f'there is no file {code}'
    elif FILE.match(code):
        if code not in tree.names and code.replace('.bpf.o', '.bpf.c') not in tree.names:
            return f'there is no file {code}'
    elif WORD.match(code) or CONSTANT.match(code) or (call and code.startswith('rove')):
        if not tree.has_word(code) and code not in FOREIGN:
            return f'nothing is called {code}'
    return None


def check_markdown(path, tree, problems):
    text = (ROOT / path).read_text()
    plain = FENCE.sub(lambda m: '\n' * m[0].count('\n'), text)

    def where(at):
        return f'{path}:{text.count(chr(10), 0, at) + 1}'

    for m in LINK.finditer(plain):
        target = m[1].split('#')[0]
        if target and '://' not in target and not (ROOT / path).parent.joinpath(target).exists():
            problems.append(f'{path}: the link {m[1]} leads nowhere')
    nr = 0
    for line_nr, line in enumerate(plain.splitlines(), 1):
        for code in CODE.findall(line):
            nr += 1
            for part in (code, *code.split()) if ' ' in code else (code,):
                wrong = problem_of(part.rstrip(','), tree)
                if wrong:
                    problems.append(f'{path}:{line_nr}: {wrong}')
    for m in OPTION.finditer(text):
        before = text[text.rfind('\n', 0, m.start()) + 1:m.start()]
        is_code = before.strip() == '' or before.count('`') % 2
        if is_code and m[2] not in tree.targets and m[2] != 'install':
            problems.append(f'{where(m.start())}: make has no target {m[2]}')
    return nr


def check_man(path, tree, problems):
    text = (ROOT / path).read_text()
    for name in re.findall(r'^\.Pa (\S+\.schema\.json)', text, re.M):
        if 'VERB' not in name and f'docs/schema/{name}' not in tree.files:
            problems.append(f'{path}: there is no schema {name}')
    for name in re.findall(r'^\.Xr (rove\S*) 1', text, re.M):
        if f'docs/man/{name}.1' not in tree.files:
            problems.append(f'{path}: there is no page {name}(1)')
    for name in re.findall(r'^\.(?:Pq )?Fn (\w+)', text, re.M):
        if name not in tree.words:
            problems.append(f'{path}: there is no function {name}')


def check_comments(path, tree, problems):
    """Files that comments name; NAME.c is a pattern."""
    text = (ROOT / path).read_text(errors='replace')
    folder = str(pathlib.PurePath(path).parent)
    for m in (COMMENT if path.endswith(('.c', '.h')) else SCRIPT_COMMENT).finditer(text):
        for name in NAMED.findall(m[0]):
            if not tree.has_path(name) and not any(
                    base + '/' + name in tree.files
                    for base in (folder, str(pathlib.PurePath(folder).parent), 'bench',
                                 'src/bpf/verifier')):
                problems.append(f'{path}: a comment names {name}, which is not there')


def main():
    tree, problems, nr = Tree(), [], 0
    for path in tree.files:
        if path.endswith('.md'):
            nr += check_markdown(path, tree, problems)
        if path.startswith('docs/man/'):
            check_man(path, tree, problems)
        if path.endswith(('.c', '.h', '.mk', 'Makefile', '.sh')):
            check_comments(path, tree, problems)
    print('1..1')
    for p in problems:
        print('#', p)
    print(f'{"not " if problems else ""}ok 1 - docs: {nr} names in backquotes and every link lead '
          'somewhere')
    sys.exit(bool(problems))


if __name__ == '__main__':
    main()
