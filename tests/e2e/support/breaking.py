"""A proxy for TCP that a test can break: it cuts what it carries, and lets nobody in while it is cut."""

import asyncio


class BreakingProxy:
    """`through`: bytes a second towards the server, None for as many as go."""

    def __init__(self, port: int, through: int | None = None):
        self._port, self.through = port, through
        self._carried: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self._cut = False
        self.connections = 0

    async def start(self) -> "BreakingProxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def cut(self) -> None:
        self._cut = True
        for writer in list(self._carried):
            writer.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def close(self) -> None:
        self.cut()
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader, writer) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            if self._cut:
                return
            self.connections += 1
            back, forth = await asyncio.open_connection("127.0.0.1", self._port)
            self._carried |= {writer, forth}
            await asyncio.gather(
                self._carry(reader, forth, self.through), self._carry(back, writer, None), return_exceptions=True
            )
            forth.transport.abort()
            self._carried -= {writer, forth}
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    @staticmethod
    async def _carry(source, target, through: int | None) -> None:
        piece = 65_536 if through is None else max(1, through // 20)
        while data := await source.read(piece):
            target.write(data)
            await target.drain()
            if through is not None:
                await asyncio.sleep(len(data) / through)
        target.write_eof()
