"""What disk.cpp leaves after a power loss, and what it refuses. Each test runs a few lines of Python on such a disk.
Needs script/build release crash_disk."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[2] / "build/release/bin/crash_disk.so"

_BEGIN = """
import errno, os, sys, time
os.chdir(sys.argv[1])
def opened(name, flags=os.O_RDWR | os.O_CREAT):
    return os.open(name, flags, 0o600)
def sync(name):
    directory = os.open(name, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
"""


class DiskTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="anser-disk-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.data, self.full = self.folder / "data", self.folder / "full"
        self.data.mkdir()
        (self.folder / "shadow").mkdir()

    def runs(self, lines: str, **disk: str) -> str:
        """Ends as a killed process does, with nothing cleaned up; returns what was printed."""
        environment = dict(os.environ, LD_PRELOAD=str(LIBRARY), ANSER_DISK_FOLDER=str(self.data), **disk)
        ran = subprocess.run(
            [sys.executable, "-c", f"{_BEGIN}{lines}\nsys.stdout.flush()\nos.kill(os.getpid(), 9)", self.data],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        self.assertEqual((ran.returncode, ran.stderr), (-9, ""))
        return ran.stdout

    def loses_power(self, lines: str) -> dict[str, bytes]:
        """Names and bytes of what is left."""
        self.runs(lines, ANSER_DISK_SHADOW=str(self.folder / "shadow"))
        shutil.rmtree(self.data)
        (self.folder / "shadow/names").rename(self.data)
        return {path.name: path.read_bytes() for path in self.data.iterdir()}

    def test_what_was_there_is_there(self):
        (self.data / "old").write_bytes(b"old" * 50_000)
        self.assertEqual(self.loses_power(""), {"old": b"old" * 50_000})

    def test_what_was_not_synced_is_gone(self):
        (self.data / "old").write_bytes(b"-" * 200_000)
        left = self.loses_power("""
f = opened("old")
os.pwrite(f, b"durable", 100_000)
os.fsync(f)
os.pwrite(f, b"lost", 0)
os.pwrite(f, b"lost", 100_000)
""")
        self.assertEqual(left["old"], b"-" * 100_000 + b"durable" + b"-" * 99_993)

    def test_fdatasync_on_another_descriptor_will_do(self):
        (self.data / "old").write_bytes(b"-" * 200_000)
        left = self.loses_power("""
os.pwrite(opened("old"), b"one", 70_000)
os.pwrite(opened("old"), b"two", 70_003)
os.fdatasync(opened("old", os.O_RDONLY))
""")
        self.assertEqual(left["old"], b"-" * 70_000 + b"onetwo" + b"-" * 129_994)

    def test_writes_at_the_descriptor_s_own_offset_count_too(self):
        (self.data / "old").write_bytes(b"-" * 200_000)
        left = self.loses_power("""
f = opened("old", os.O_RDWR | os.O_APPEND)
os.write(f, b"one")
os.fsync(f)
os.writev(f, [b"two", b"three"])
os.fsync(f)
os.write(f, b"four")
""")
        self.assertEqual(left["old"], b"-" * 200_000 + b"onetwothree")

    def test_a_cut_counts_when_it_is_synced(self):
        (self.data / "old").write_bytes(b"-" * 200_000)
        self.assertEqual(len(self.loses_power('os.ftruncate(opened("old"), 3)')["old"]), 200_000)
        left = self.loses_power("""
f = opened("old")
os.ftruncate(f, 100_000)
os.ftruncate(f, 150_000)
os.pwrite(f, b"end", 150_000)
os.fsync(f)
os.ftruncate(f, 1)
""")
        self.assertEqual(left["old"], b"-" * 100_000 + bytes(50_000) + b"end")

    def test_a_file_whose_directory_was_not_synced_is_gone(self):
        left = self.loses_power("""
f = opened("new")
os.write(f, b"new")
os.fsync(f)
""")
        self.assertEqual(left, {})

    def test_a_file_that_was_not_synced_itself_is_empty(self):
        left = self.loses_power("""
f, g = opened("new"), opened("synced")
os.write(f, b"new")
os.write(g, b"new")
os.fsync(g)
sync(".")
os.write(g, b"lost")
""")
        self.assertEqual(left, {"new": b"", "synced": b"new"})

    def test_names_change_when_the_directory_is_synced(self):
        for name in ("a", "b", "c", "d"):
            (self.data / name).write_bytes(name.encode())
        left = self.loses_power("""
os.rename("a", "b")
os.unlink("c")
sync(".")
os.rename("b", "e")
os.unlink("d")
""")
        self.assertEqual(left, {"b": b"a", "d": b"d"})

    def test_an_unlinked_file_and_its_successor_are_two(self):
        (self.data / "old").write_bytes(b"old")
        left = self.loses_power("""
f = opened("old")
os.unlink("old")
g = opened("old")
os.write(g, b"new")
os.fsync(g)
os.pwrite(f, b"gone", 0)
os.fsync(f)
""")
        self.assertEqual(left, {"old": b"old"})

    def test_memory_that_sqlite_maps_is_left_out(self):
        self.assertEqual(self.loses_power('os.write(opened("log.db-shm"), b"x"); sync(".")'), {})

    def test_a_full_disk_lets_nothing_grow(self):
        (self.data / "old").write_bytes(b"old")
        self.full.touch()
        said = self.runs(
            """
f = opened("old")
for grows in (lambda: os.pwrite(f, b"more", 0), lambda: os.write(f, b"x"), lambda: os.ftruncate(f, 4)):
    try:
        grows()
    except OSError as error:
        print(errno.errorcode[error.errno])
print(os.pwrite(f, b"new", 0), os.pwrite(opened("../elsewhere"), b"x", 0))
os.unlink("../full")
print(os.pwrite(f, b"more", 0))
""",
            ANSER_DISK_FULL=str(self.full),
        )
        self.assertEqual(said.split(), ["ENOSPC", "ENOSPC", "ENOSPC", "3", "1", "4"])

    def test_a_slow_disk_is_slow_where_it_shall_be(self):
        said = self.runs(
            """
def takes(name):
    f, began = opened(name), time.monotonic()
    os.fsync(f)
    return time.monotonic() - began >= 1
print(takes("new"), min(takes("../elsewhere") for _ in range(5)))
""",
            ANSER_DISK_SLOW="1000-1000",
        )
        self.assertEqual(said.split(), ["True", "False"])


if __name__ == "__main__":
    unittest.main()
