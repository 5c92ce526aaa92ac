"""Runs scripts of operations on asyncio's own primitives, and prints what each one leads to.

The argument is a primitive's name. Standard output first says, in JSON, whether this is at least
Python 3.13: queues can be shut down since then, and a cancelled task that waits for a condition
wakes another one. Standard input has one JSON list of operations per line, each a name and a number;
standard output one JSON list per line: what can be seen after each operation, when nobody can run
any more.

Five actors do one thing at a time. An operation that would need an actor that is busy, or somebody
who has the lock, is skipped, here and in Go by the same rules.
"""

import asyncio
import json
import sys

ACTORS = 5
MODERN = sys.version_info >= (3, 13)


class Script:
    """What the primitives have in common. What actors do is in waits, the rest is done at once."""

    waits = ()

    def __init__(self):
        self.states = ["idle"] * ACTORS
        self.tasks = [None] * ACTORS

    async def run(self, name, at):
        actor = at % ACTORS
        if name == "cancel":
            if self.states[actor] == "waits" and self.may_cancel(actor):
                self.tasks[actor].cancel()
        else:
            operation = getattr(self, name)
            if name not in self.waits:
                await operation(at)
            elif self.states[actor] != "waits" and self.may_begin(actor, name):
                self.states[actor] = "waits"
                self.tasks[actor] = asyncio.create_task(self.work(actor, operation, at))
        for _ in range(10):
            await asyncio.sleep(0)
        return " ".join(self.states) + ": " + self.seen()

    async def work(self, actor, operation, at):
        try:
            self.states[actor] = str(await operation(actor, at) or "ok")
        except asyncio.CancelledError:
            self.states[actor] = "cancelled"
        except asyncio.BrokenBarrierError:
            self.states[actor] = "broken"
        except Exception as e:
            self.states[actor] = type(e).__name__

    def may_begin(self, actor, name):
        return True

    def may_cancel(self, actor):
        return True

    async def end(self):
        """Has all actors end what they do: whoever has to lock again waits for it."""
        for task in self.tasks:
            if task:
                task.cancel()
        for _ in range(ACTORS + 1):
            await self.run("release" if "release" in dir(self) else "cancel", 0)


class Lock(Script):
    waits = ("acquire",)

    def __init__(self):
        super().__init__()
        self.lock = asyncio.Lock()
        self.holder = None

    def may_begin(self, actor, name):
        return actor != self.holder

    async def acquire(self, actor, at):
        await self.lock.acquire()
        self.holder = actor

    async def release(self, at):
        if self.holder is not None:
            self.holder = None
            self.lock.release()

    def seen(self):
        return str(self.lock.locked()).lower()


class Condition(Lock):
    waits = ("acquire", "wait")

    def __init__(self):
        super().__init__()
        self.condition = asyncio.Condition(self.lock)
        self.waiting, self.locking = [], set()

    def may_begin(self, actor, name):
        return (actor == self.holder) == (name == "wait")

    async def wait(self, actor, at):
        self.holder = None
        self.waiting.append(actor)
        try:
            await self.condition.wait()
        finally:
            self.holder = actor
            self.locking.discard(actor)

    def may_cancel(self, actor):
        # Of who is cancelled when it has been notified, or for a second time, asyncio and kettle
        # think differently.
        if actor in self.waiting:
            if MODERN:
                return False
            self.waiting.remove(actor)
            self.locking.add(actor)
            return True
        return actor not in self.locking

    async def notify(self, at):
        if self.holder is not None:
            n = at % 3
            self.locking.update(self.waiting[:n])
            del self.waiting[:n]
            self.condition.notify(n)

    async def notify_all(self, at):
        if self.holder is not None:
            self.locking.update(self.waiting)
            self.waiting.clear()
            self.condition.notify_all()


class Semaphore(Script):
    waits = ("acquire",)

    def __init__(self):
        super().__init__()
        self.semaphore = asyncio.BoundedSemaphore(2)
        self.releases = "ok"

    async def acquire(self, actor, at):
        await self.semaphore.acquire()

    async def release(self, at):
        try:
            self.semaphore.release()
            self.releases = "ok"
        except ValueError:
            self.releases = "too often"

    def seen(self):
        return str(self.semaphore.locked()).lower() + " " + self.releases


class Event(Script):
    waits = ("wait",)

    def __init__(self):
        super().__init__()
        self.event = asyncio.Event()

    async def wait(self, actor, at):
        await self.event.wait()

    async def set(self, at):
        self.event.set()

    async def clear(self, at):
        self.event.clear()

    def seen(self):
        return str(self.event.is_set()).lower()


class Barrier(Script):
    waits = ("wait",)

    def __init__(self):
        super().__init__()
        self.barrier = asyncio.Barrier(3)

    async def wait(self, actor, at):
        # Its numbers are not always different once somebody was cancelled.
        await self.barrier.wait()

    async def reset(self, at):
        await self.barrier.reset()

    async def abort(self, at):
        await self.barrier.abort()

    def seen(self):
        return f"{self.barrier.n_waiting} {str(self.barrier.broken).lower()}"


class Queue(Script):
    waits = ("put", "get", "join")

    def __init__(self):
        super().__init__()
        self.queue = asyncio.Queue(2)
        self.tried = "ok"

    async def put(self, actor, at):
        await self.queue.put(at)

    async def get(self, actor, at):
        return await self.queue.get()

    async def join(self, actor, at):
        await self.queue.join()

    def attempt(self, operation, *arguments):
        try:
            self.tried = str(operation(*arguments) or "ok")
        except ValueError:
            self.tried = "too often"
        except Exception:
            self.tried = "no"

    async def try_put(self, at):
        self.attempt(self.queue.put_nowait, at)

    async def try_get(self, at):
        self.attempt(self.queue.get_nowait)

    async def done(self, at):
        # Python lets one say so of what nobody has taken yet.
        if self.queue._unfinished_tasks == self.queue.qsize():
            self.tried = "too often"
        else:
            self.attempt(self.queue.task_done)

    async def shutdown(self, at):
        if MODERN and at % 4 == 0:
            self.queue.shutdown(immediate=at % 8 == 0)

    def seen(self):
        return f"{self.queue.qsize()} {self.tried}"


async def main(kind):
    for line in sys.stdin:
        script = kind()
        print(json.dumps([await script.run(name, at) for name, at in json.loads(line)]))
        await script.end()


print(json.dumps(MODERN))
asyncio.run(main(globals()[sys.argv[1]]))
