"""The service on asyncio's streams: async and await, one task for each connection.

    python3 streams.py HOST:PORT [uvloop]

With "uvloop" the same program runs on that loop. Both set TCP_NODELAY by themselves.
"""

import asyncio

import serving


async def handle(reader, writer):
    try:
        while data := await reader.read(64 << 10):
            writer.write(data.upper())
            await writer.drain()  # back-pressure
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve(host, port):
    return await asyncio.start_server(handle, host, port, backlog=serving.BACKLOG)


serving.main(serve)
