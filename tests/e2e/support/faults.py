"""Disks and databases that break when a test says so, under a server that does not know."""

import errno
import os
import shutil
import sqlite3
import subprocess
from contextlib import contextmanager
from pathlib import Path

from .servers import Anser
from .waits import patient

_SHIM = Path(__file__).with_name("faulty_disk.c")


def build_shim(folder: Path) -> Path:
    """The library of faulty_disk.c, for LD_PRELOAD."""
    library = folder / "faulty_disk.so"
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, _SHIM, "-ldl"], check=True, timeout=patient(60)
    )
    return library


class FaultyAnser(Anser):
    """Anser on a disk that breaks: see faulty_disk.c for the faults."""

    start_seconds = 25  # a locked database may cost 5 seconds for each of the three

    def __init__(self, folder: Path, settings, shim: Path):
        super().__init__(folder, settings)
        self._shim = shim
        self._faults = folder / "faults"
        self._faults.mkdir()

    def environment(self) -> dict[str, str]:
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return dict(
            os.environ,
            LD_PRELOAD=str(self._shim),
            ANSER_FAULTS=str(self._faults),
            ASAN_OPTIONS=f"{sanitizer}:verify_asan_link_order=0".lstrip(":"),
        )

    def breaks(self, fault: str, where: str) -> None:
        """From now on, for files with `where` in their names. The name appears with its text in it."""
        fresh = self._faults / f".{fault}"
        fresh.write_text(where)
        fresh.rename(self._faults / fault)

    def heals(self, fault: str) -> None:
        (self._faults / fault).unlink()

    def broke(self, fault: str) -> bool:
        """Whether a fault that strikes once has done so."""
        return not (self._faults / fault).exists()

    def database(self, name: str) -> Path:
        return self.data / name

    def refuses_to_start(self) -> str:
        """Starts it as it is now; returns what it said."""
        self.configure()
        result = subprocess.run(
            self.command(), capture_output=True, text=True, timeout=patient(self.start_seconds), env=self.environment()
        )
        assert result.returncode == 1, result
        said = (result.stderr + result.stdout).strip()
        assert "terminate called" not in said and "ANSER_ASSERT" not in said, said
        return said


class FullByShim:
    """Writes fail, whatever room there is."""

    def __init__(self, house: FaultyAnser):
        self._house = house

    def fill(self) -> None:
        self._house.breaks("full", "/data/")

    def free(self) -> None:
        self._house.heals("full")

    def remove(self) -> None:
        pass


class SmallDisk:
    """A file system of its own for the data, small enough to be filled. Needs the right to mount."""

    def __init__(self, house: FaultyAnser, megabytes: int = 24):
        house.data.mkdir(mode=0o700)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(house.data)],
            capture_output=True,
            timeout=10,
        )
        if mounted.returncode != 0:
            raise PermissionError(mounted.stderr.decode().strip())
        self._mount, self._ballast = house.data, house.data / "ballast"

    def fill(self) -> None:
        piece = 1 << 20
        with self._ballast.open("ab", buffering=0) as ballast:
            while piece >= 1:
                try:
                    if ballast.write(bytes(piece)) < piece:
                        piece //= 2
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error
                    piece //= 2

    def free(self) -> None:
        self._ballast.unlink()

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", str(self._mount)], check=True, timeout=10)


@contextmanager
def locked(database: Path, *, entirely: bool = False):
    """Another program writes to it and does not come to an end; `entirely`: nobody may even read it."""
    other = sqlite3.connect(database, isolation_level=None, timeout=patient(5))
    try:
        if entirely:
            other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        if entirely:
            other.execute("PRAGMA user_version").fetchone()
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()
