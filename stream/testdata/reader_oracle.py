"""Runs scripts with asyncio's own StreamReader: what python_reader_test.go compares with ours.

A script is a line of JSON, [limit, [operation, ...]], and an operation a list of its name and its
arguments; so is the answer, with a result for each operation. At most one read is under way at a
time: one that has to wait goes on while the script does, and its result is that of the operation
with which it ends.
"""

import asyncio
import json
import sys


def text(data):
    return bytes(data).decode("latin-1")


def data(value):
    return value.encode("latin-1")


async def read(reader, name, args):
    """Returns what a read gives, in words that both sides have."""
    try:
        if name == "read":
            return text(await reader.read(args[0]))
        if name == "readexactly":
            return text(await reader.readexactly(args[0]))
        if name == "readuntil":
            separators = tuple(data(s) for s in args)
            return text(await reader.readuntil(
                separators if len(separators) > 1 else separators[0]))
        if name == "readline":
            line = text(await reader.readline())
            if not line:
                return "end"
            return "line " + line.removesuffix("\n")
    except asyncio.IncompleteReadError as e:
        return ["incomplete", text(e.partial), e.expected or 0]
    except asyncio.LimitOverrunError as e:
        return ["limit", e.consumed, "is found" in str(e)]
    except ValueError:
        return "too long"
    raise AssertionError(name)


class Player:
    def __init__(self, limit):
        self.reader = asyncio.StreamReader(limit=limit)
        self.task = None
        self.ended = False

    async def settle(self):
        for _ in range(5):
            await asyncio.sleep(0)

    async def outcome(self, otherwise):
        """Returns the result of the read that is under way, if it has one by now."""
        await self.settle()
        if self.task is None:
            return otherwise
        if not self.task.done():
            return "waits"
        task, self.task = self.task, None
        return "cancelled" if task.cancelled() else task.result()

    async def play(self, name, *args):
        if name == "feed":
            if self.ended:
                return "skipped"
            self.reader.feed_data(data(args[0]))
            return await self.outcome("fed")
        if name == "end":
            self.ended = True
            self.reader.feed_eof()
            return await self.outcome("fed")
        if name == "cancel":
            if self.task is None:
                return "skipped"
            self.task.cancel()
            return await self.outcome("")
        if self.task is not None:
            return "skipped"
        if name == "at_eof":
            return self.reader.at_eof()
        self.task = asyncio.ensure_future(read(self.reader, name, args))
        return await self.outcome("")

    async def run(self, script):
        results = [await self.play(*operation) for operation in script]
        if self.task is not None:
            self.task.cancel()
        return results


async def main():
    for line in sys.stdin:
        limit, script = json.loads(line)
        print(json.dumps(await Player(limit).run(script)))


asyncio.run(main())
