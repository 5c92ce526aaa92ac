"""What the two Python servers share: their arguments, and the loop that they run on."""

import asyncio
import resource
import sys

BACKLOG = 4096


def main(serve):
    """Run what serve(host, port) returns, on the loop that the arguments name."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} HOST:PORT [uvloop]")
    host, _, port = sys.argv[1].rpartition(":")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if sys.argv[2:] == ["uvloop"]:
        import uvloop

        uvloop.install()

    async def run():
        server = await serve(host, int(port))
        await server.serve_forever()

    asyncio.run(run())
