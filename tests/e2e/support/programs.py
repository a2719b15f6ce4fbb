"""Our own programs as a person or a script uses them: `anser send` with pipes, `anser chat` with pipes or a terminal."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios

from .servers import Anser
from .waits import PATIENCE


def options(stage, account, authority) -> list[str]:
    return [
        *("--account", str(account), "--host", "127.0.0.1"),
        *("--port", str(stage.house.settings.port), "--ca", str(authority.path)),
    ]


def environment(password: str | None, **more) -> dict[str, str]:
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "ANSER_PASSWORD", "TERM")}
    return {**known, "TZ": "UTC", "LC_ALL": "C.UTF-8", **({"ANSER_PASSWORD": password} if password else {}), **more}


async def send(stage, account, authority, *arguments, stdin: bytes = b"", password: str | None = None, seconds=60):
    """Runs `anser send`; its exit code, and what it said on standard error."""
    process = await asyncio.create_subprocess_exec(
        *(Anser.binary(), "send", *options(stage, account, authority), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(password or account.password),
        start_new_session=True,  # no terminal to ask at
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), seconds)
    finally:
        if process.returncode is None:
            process.kill()
    assert not out, out
    return process.returncode, err.decode()


class Screen:
    """As much of a terminal as libedit and we use: rows of cells, a cursor, and what is cleared."""

    def __init__(self, rows: int, columns: int):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns]
        self.row = self.column = 0
        self._rest = ""

    def text(self) -> str:
        return "\n".join("".join(cell for cell in row).rstrip() for row in self.cells)

    def last(self) -> str:
        return next((row for row in reversed(self.text().split("\n")) if row), "")

    def feed(self, text: str) -> None:
        text, self._rest = self._rest + text, ""
        at = 0
        while at < len(text):
            character = text[at]
            if character == "\x1b":
                sequence = re.compile(r"\x1b(\[[0-9;?]*[@-~]|\][^\x07]*\x07|[()].|[^\[\]()])").match(text, at)
                if not sequence:
                    self._rest = text[at:]
                    return
                self._do(sequence.group(1))
                at = sequence.end()
                continue
            at += 1
            if character == "\r":
                self.column = 0
            elif character == "\n":
                self._down()
            elif character == "\b":
                self.column = max(0, self.column - 1)
            elif character >= " ":
                self._put(character)

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.cells):
            self.cells.append([" "] * self.columns)

    def _put(self, character: str) -> None:
        width = _width(character)
        if width == 0:
            self.cells[self.row][max(0, self.column - 1)] += character
            return
        if self.column + width > self.columns:
            self.column = 0
            self._down()
        self.cells[self.row][self.column] = character
        if width == 2:
            self.cells[self.row][self.column + 1] = ""
        self.column += width

    def _do(self, sequence: str) -> None:
        if sequence[0] != "[":
            return
        kind, numbers = sequence[-1], [int(n) for n in re.findall(r"\d+", sequence)]
        count = (numbers or [1])[0] or 1
        row = self.cells[self.row]
        if kind == "A":
            self.row = max(0, self.row - count)
        elif kind == "B":
            self.row = min(len(self.cells) - 1, self.row + count)
        elif kind == "C":
            self.column = min(self.columns - 1, self.column + count)
        elif kind == "D":
            self.column = max(0, self.column - count)
        elif kind == "G":
            self.column = count - 1
        elif kind == "K":
            row[self.column :] = [" "] * (self.columns - self.column)
        elif kind == "J":
            row[self.column :] = [" "] * (self.columns - self.column)
            del self.cells[self.row + 1 :]
        elif kind == "P":
            del row[self.column : self.column + count]
            row += [" "] * count
        elif kind == "@":
            row[self.column : self.column] = [" "] * count
            del row[self.columns :]
        elif kind != "m":
            raise AssertionError(f"the screen does not know {sequence!r}")


def _width(character: str) -> int:
    code = ord(character)
    if code in (0x200D, 0xFE0F) or 0x300 <= code < 0x370:
        return 0
    return 2 if 0x1100 <= code < 0x1160 or 0x2E80 <= code < 0xA4D0 or 0xAC00 <= code < 0xD7A4 or code >= 0x1F300 else 1


class Chat:
    """`anser chat` at a terminal of its own (`pipe`: with a pipe). What it draws is on `screen`."""

    def __init__(self, command: list[str], env: dict[str, str], pipe: bool, columns: int = 80):
        self.screen = Screen(24, columns)
        self.raw = ""
        self._changed = asyncio.Event()
        self._bytes = b""
        self._env, self._command, self._pipe, self._columns = env, command, pipe, columns
        self.ended = False

    async def start(self) -> "Chat":
        if self._pipe:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )
            self._reader = asyncio.create_task(self._read_pipe())
            return self
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self._columns, 0, 0))

        def own_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=theirs, stdout=theirs, stderr=theirs, env=self._env, preexec_fn=own_terminal
        )
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._read_terminal)
        return self

    async def _read_pipe(self) -> None:
        while data := await self._process.stdout.read(65536):
            self._take(data.replace(b"\n", b"\r\n"))
        self._end()

    def _read_terminal(self) -> None:
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            asyncio.get_running_loop().remove_reader(self._ours)
            self._end()

    def _take(self, data: bytes) -> None:
        self._bytes += data
        text = self._bytes.decode(errors="ignore")
        self._bytes = self._bytes[len(text.encode()) :]
        self.raw += text
        self.screen.feed(text)
        self._changed.set()

    def _end(self) -> None:
        self.ended = True
        self._changed.set()

    async def until(self, true, what: str) -> None:
        async def look():
            while not true():
                assert not self.ended, f"it ended before {what}; screen:\n{self.screen.text()}"
                self._changed.clear()
                await self._changed.wait()

        try:
            await asyncio.wait_for(look(), PATIENCE * 2)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}; screen:\n{self.screen.text()}") from None

    async def shows(self, words: str) -> None:
        await self.until(lambda: words in self.screen.text(), f"it to show {words!r}")

    async def prompts(self, line: str) -> None:
        """The last row is this, prompt and what was typed."""
        await self.until(lambda: self.screen.last() == line.rstrip(), f"the last row to be {line!r}")

    def type(self, keys: str) -> None:
        if self._pipe:
            self._process.stdin.write(keys.encode())
        else:
            os.write(self._ours, keys.encode())

    def end_of_input(self) -> None:
        self._process.stdin.close()

    async def exit_code(self) -> int:
        return await asyncio.wait_for(self._process.wait(), PATIENCE * 2)

    def interrupt(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if not self._pipe:
            asyncio.get_running_loop().remove_reader(self._ours)
            os.close(self._ours)


def chat(stage, account, authority, *, pipe: bool = False, columns: int = 80, password: str | None = ..., **env) -> Chat:
    known = environment(account.password if password is ... else password, **({"TERM": "xterm-256color"} | env))
    return Chat([Anser.binary(), "chat", *options(stage, account, authority)], known, pipe, columns)
