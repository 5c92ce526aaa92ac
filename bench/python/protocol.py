"""The service on asyncio's callbacks: a protocol for each connection.

    python3 protocol.py HOST:PORT [uvloop]

With "uvloop" the same program runs on that loop. Both set TCP_NODELAY by themselves.
"""

import asyncio

import serving


class Upper(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())

    # Back-pressure: nothing is read while the client does not take its answers.
    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()

    # At the client's end of stream, the transport sends what is left and closes.


async def serve(host, port):
    loop = asyncio.get_running_loop()
    return await loop.create_server(Upper, host, port, backlog=serving.BACKLOG)


serving.main(serve)
