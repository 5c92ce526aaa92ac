"""The service on asyncio's streams. It prints its port, and serves until its input ends."""

import asyncio
import sys


async def handle(reader, writer):
    while chunk := await reader.read(4096):
        writer.write(chunk.upper())
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
