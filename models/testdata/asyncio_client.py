"""Clients on asyncio's streams. Usage: asyncio_client.py HOST PORT CLIENTS BYTES

Each sends BYTES bytes of all values while it receives, then half-closes, and expects what
bytes.upper makes of them, and the end of the stream. An answer that differs ends the program
with exit code 1.
"""

import asyncio
import random
import sys


async def send(writer, payload, draw):
    at = 0
    while at < len(payload):
        size = draw.randint(1, 30_000)
        writer.write(payload[at : at + size])
        await writer.drain()
        at += size
    writer.write_eof()


async def client(host, port, number, size):
    draw = random.Random(number)
    payload = draw.randbytes(size)
    reader, writer = await asyncio.open_connection(host, port)
    sending = asyncio.create_task(send(writer, payload, draw))
    answer = await reader.read(-1)
    await sending
    writer.close()
    await writer.wait_closed()
    if answer != payload.upper():
        sys.exit(f"client {number}: {len(answer)} bytes came back, and they are wrong")


async def main(host, port, clients, size):
    await asyncio.gather(*(client(host, port, i, size) for i in range(clients)))


asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
