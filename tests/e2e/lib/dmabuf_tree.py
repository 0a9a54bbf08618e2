# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Made-up debugfs, sysfs and /proc trees with DMA-bufs, laid out as the kernel does it."""
import os

from e2e import Tree, environment


class Buffer:
    def __init__(self, inode, size, refs=1, exporter="system", name=b"", devices=()):
        self.inode, self.size, self.refs = inode, size, refs
        self.exporter = exporter
        self.name = name if isinstance(name, bytes) else name.encode()
        self.devices = devices

    def entry(self):
        """As bufinfo has it."""
        head = f"{self.size:08d}\t00000002\t00080007\t{self.refs:08d}\t{self.exporter}\t" \
               f"{self.inode:08d}\t".encode()
        return (head + (self.name or b"<none>") + b"\n\tAttached Devices:\n" +
                b"".join(b"\t%s\n" % device.encode() for device in self.devices) +
                b"Total %d devices attached\n\n" % len(self.devices))

    def fdinfo(self):
        text = f"pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t{self.inode}\nsize:\t{self.size}\n" \
               f"count:\t{self.refs}\nexp_name:\t{self.exporter}\n".encode()
        return text + (b"name:\t%s\n" % self.name if self.name else b"")


class DmabufTree(Tree):
    def __init__(self, *buffers):
        super().__init__()
        self.proc = os.path.join(self.root, "proc")
        os.makedirs(self.proc)
        os.makedirs(os.path.join(self.root, "debug/dma_buf"))
        self.buffers = list(buffers)
        self.bufinfo()

    def env(self, **extra):
        return environment(self, ROVE_PROC_ROOT=self.proc, **extra)

    def raw_bufinfo(self, data):
        with open(os.path.join(self.root, "debug/dma_buf/bufinfo"), "wb") as f:
            f.write(data)

    def bufinfo(self):
        heading = "\nDma-buf Objects:\n%-8s\t%-8s\t%-8s\t%-8s\texp_name\t%-8s\tname\n" % (
            "size", "flags", "mode", "count", "ino")
        total = "\nTotal %d objects, %d bytes\n" % (len(self.buffers),
                                                    sum(b.size for b in self.buffers))
        self.raw_bufinfo(heading.encode() + b"".join(b.entry() for b in self.buffers) +
                         total.encode())

    def sysfs(self, *buffers):
        for buf in buffers:
            folder = os.path.join(self.root, "sys/kernel/dmabuf/buffers", str(buf.inode))
            os.makedirs(folder)
            self.write(os.path.join(folder, "exporter_name"), buf.exporter)
            self.write(os.path.join(folder, "size"), str(buf.size))

    def process(self, pid, comm, fds=(), maps=()):
        """Descriptors and mappings are buffers; one may stand there more than once."""
        folder = os.path.join(self.proc, str(pid))
        os.makedirs(os.path.join(folder, "fd"))
        os.makedirs(os.path.join(folder, "fdinfo"))
        self.write(os.path.join(folder, "comm"), comm)
        os.symlink("/dev/null", os.path.join(folder, "fd/0"))
        for number, buf in enumerate(fds, 3):
            os.symlink(b"/dmabuf:" + buf.name, os.path.join(folder, "fd", str(number)).encode())
            with open(os.path.join(folder, "fdinfo", str(number)), "wb") as f:
                f.write(buf.fdinfo())
        with open(os.path.join(folder, "maps"), "wb") as f:
            f.write(b"00400000-00401000 r--p 00000000 fe:01 77                   /bin/x\n")
            for number, buf in enumerate(maps):
                start = 0x7f0000000000 + number * 0x100000
                f.write(b"%x-%x rw-s 00000000 00:0b %d                         /dmabuf:%s\n" % (
                    start, start + buf.size, buf.inode, buf.name.replace(b"\n", b"\\012")))


def usual_dmabufs():
    """Four buffers: held by two, mapped only, held once, held by the kernel alone."""
    shared = Buffer(11, 65536, 3, "system", "frame", ["gpu0", "display"])
    mapped = Buffer(12, 4096, 1, "udmabuf", "")
    single = Buffer(13, 1048576, 2, "system", "video in", ["gpu0"])
    lonely = Buffer(14, 8192, 1, "drm_gem", "")
    tree = DmabufTree(lonely, single, mapped, shared)
    tree.process(100, "compositor", [shared, single], [single])
    tree.process(200, "player", [shared], [shared, mapped])
    tree.process(300, "idle")
    return tree
