# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""What the end-to-end tests share: TAP, the command, and made-up sysfs and debugfs trees.

A test is a function whose name is a sentence; check() and equal() raise when it does not hold,
skip(reason) leaves it.  main() runs all test_* functions of the calling module.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

ROVE = os.path.abspath(os.environ.get("ROVE", "build/rove"))
TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))

ATTRS = ["active_count", "event_count", "wakeup_count", "expire_count", "relax_count",
         "active_time_ms", "total_time_ms", "max_time_ms", "last_change_ms",
         "prevent_suspend_time_ms"]


class Skip(Exception):
    pass


class Failed(Exception):
    pass


def skip(reason):
    raise Skip(reason)


def check(condition, what):
    if not condition:
        raise Failed(what)


def equal(got, want, what="value"):
    if got != want:
        raise Failed(f"{what}\n  got:  {got!r}\n  want: {want!r}")


class Result:
    def __init__(self, proc):
        self.code = proc.returncode
        self.out = proc.stdout
        self.err = proc.stderr.decode("utf-8", "replace")

    @property
    def text(self):
        return self.out.decode("utf-8")

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def json(self):
        return json.loads(self.out)


def environment(tree=None, **extra):
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    if tree:
        env["ROVE_SYSFS_ROOT"] = os.path.join(tree.root, "sys")
        env["ROVE_DEBUGFS_ROOT"] = os.path.join(tree.root, "debug")
    env.update(extra)
    return env


def rove(*args, tree=None, env=None, prefix=(), code=None, stdin=subprocess.DEVNULL, **extra):
    """Run the command; with code=N that exit status is demanded."""
    proc = subprocess.run([*prefix, ROVE, *args], env=env or environment(tree, **extra),
                          stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    result = Result(proc)
    if code is not None and result.code != code:
        raise Failed(f"rove {' '.join(map(str, args))}: exit {result.code}, not {code}\n"
                     f"  stderr: {result.err}")
    return result


def as_nobody():
    """A command prefix that drops root; skips where that is not possible or not needed."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        skip("running as root, and there is no setpriv to become somebody else")
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "--bounding-set=-all", "--inh-caps=-all")


class Tree:
    """A directory with class/wakeup as the kernel lays it out, and a debugfs file."""

    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="rove-e2e-")
        os.chmod(self.root, 0o755)
        self.wakeup = os.path.join(self.root, "sys/class/wakeup")
        os.makedirs(self.wakeup)
        os.makedirs(os.path.join(self.root, "debug"))
        self.nr = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, node, file=""):
        return os.path.join(self.wakeup, node, file).rstrip("/")

    def source(self, name, device=None, driver=None, label=None, node=None, **attrs):
        node = node or f"wakeup{self.nr}"
        self.nr += 1
        parent = os.path.join(self.root, "sys/devices", device or "virtual")
        real = os.path.join(parent, "wakeup", node)
        os.makedirs(real)
        os.symlink(os.path.relpath(real, self.wakeup), os.path.join(self.wakeup, node))
        if device:
            os.symlink("../../../" + os.path.basename(device), os.path.join(real, "device"))
            if label:
                self.write(os.path.join(parent, "name"), label)
            if driver and not os.path.lexists(os.path.join(parent, "driver")):
                os.makedirs(os.path.join(self.root, "sys/bus/drivers", driver), exist_ok=True)
                os.symlink(os.path.join(self.root, "sys/bus/drivers", driver),
                           os.path.join(parent, "driver"))
        self.write(os.path.join(real, "name"), name)
        values = dict.fromkeys(ATTRS, 0)
        values.update(attrs)
        if "relax_count" not in attrs and not values["active_time_ms"]:
            values["relax_count"] = values["active_count"]
        for attr in ATTRS:
            if values[attr] is not None:
                self.write(os.path.join(real, attr), str(values[attr]))
        return node

    @staticmethod
    def write(path, text):
        with open(path, "wb") as f:
            f.write((text if isinstance(text, bytes) else text.encode()) + b"\n")

    def debugfs(self, *rows, deleted=True):
        """Rows of (name, nine numbers), printed the way the kernel does it."""
        out = (b"name\t\tactive_count\tevent_count\twakeup_count\texpire_count\tactive_since\t"
               b"total_time\tmax_time\tlast_change\tprevent_suspend_time\n")
        for name, *numbers in [*rows, *([("deleted", *[0] * 9)] if deleted else [])]:
            name = name if isinstance(name, bytes) else name.encode()
            out += name.ljust(12) + b"\t" + b"\t\t".join(b"%d" % n for n in numbers) + b"\n"
        with open(os.path.join(self.root, "debug/wakeup_sources"), "wb") as f:
            f.write(out)


def usual_tree():
    """Four sources that between them have every kind of attribute."""
    tree = Tree()
    tree.source("alarmtimer", device="alarmtimer.0.auto", driver="alarmtimer", active_count=12,
                event_count=13, wakeup_count=2, expire_count=1, total_time_ms=3456,
                max_time_ms=1500, last_change_ms=98765, prevent_suspend_time_ms=44)
    tree.source("xhci host", device="pci0/0000:00:14.0", driver="xhci_hcd", active_count=7,
                event_count=9, wakeup_count=7, active_time_ms=250, relax_count=6,
                total_time_ms=10250, max_time_ms=9000, last_change_ms=100000)
    tree.source("eventpoll")
    tree.source("AC", device="PNP0/ACPI0003:00", driver="ac", label="AC adapter", active_count=1,
                event_count=1, total_time_ms=5, max_time_ms=5, last_change_ms=2000)
    return tree


def validate(document, schema_name):
    """Hold a document against a schema of docs/schema."""
    try:
        import jsonschema
    except ImportError:
        skip("python3-jsonschema is not installed")
    with open(os.path.join(TOP, "docs/schema", schema_name)) as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(document)


def main():
    module = sys.modules["__main__"]
    tests = [(n[5:].replace("_", " "), f) for n, f in vars(module).items()
             if n.startswith("test_") and callable(f)]
    print(f"1..{len(tests)}", flush=True)
    if not os.access(ROVE, os.X_OK):
        print(f"Bail out! there is no command {ROVE}: build it, or set ROVE")
        sys.exit(1)
    failed = 0
    for number, (sentence, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {sentence}", flush=True)
        except Skip as why:
            print(f"ok {number} - {sentence} # SKIP {why}", flush=True)
        except Exception as why:
            failed += 1
            text = str(why) if isinstance(why, Failed) else traceback.format_exc()
            for line in text.splitlines():
                print("# " + line)
            print(f"not ok {number} - {sentence}", flush=True)
    sys.exit(1 if failed else 0)
