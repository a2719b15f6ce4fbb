"""A proxy that holds back each direction by the same time: with it script/bench counts a client's round trips.

It accepts at once; the one round trip of TCP's own handshake is the caller's to add.

    python3 delay.py PORT TARGET_PORT MILLISECONDS
"""

import asyncio
import sys

CHUNK = 65536
MOST_WAITING = 256  # chunks of one direction; then it reads no more


async def pass_on(reader, writer, seconds):
    loop = asyncio.get_running_loop()
    waiting = asyncio.Queue(MOST_WAITING)

    async def write():
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    writing = asyncio.create_task(write())
    try:
        while data := await reader.read(CHUNK):
            await waiting.put((loop.time() + seconds, data))
        await waiting.put((loop.time() + seconds, b""))
        await writing
    except OSError:
        writer.close()  # one side is gone: so is the other
    finally:
        writing.cancel()


async def main(port, target, seconds):
    async def serve(reader, writer):
        try:
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pass_on(reader, other_writer, seconds), pass_on(other_reader, writer, seconds))

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
