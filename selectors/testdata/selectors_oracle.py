"""Runs scripts of operations on a selector of Python's own, and prints what each one gives.

The first argument is a selector's name. Standard input has one JSON list of operations per
line, standard output one JSON list of results. The four connections are known by number.
"""

import json
import selectors
import socket
import sys

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Script:
    def __init__(self, kind):
        self.selector = kind()
        self.pairs = [self.pair() for _ in range(4)]

    def pair(self):
        ends = socket.socketpair()
        for end in ends:
            end.setblocking(False)
        return ends

    def close(self):
        self.selector.close()
        for pair in self.pairs:
            for end in pair:
                end.close()

    def run(self, name, at, argument):
        mine, peer = self.pairs[at]
        if name == "register":
            return self.key(self.selector.register(mine, argument, argument))
        if name == "modify":
            return self.key(self.selector.modify(mine, argument, argument))
        if name == "unregister":
            return self.key(self.selector.unregister(mine))
        if name == "key":
            return self.key(self.selector.get_key(mine))
        if name == "send":
            return peer.send(b"x" * argument)
        if name == "receive":
            return len(mine.recv(argument))
        if name == "fill":
            while True:
                mine.send(b"x" * 16384)
        if name == "drain":
            while peer.recv(65536):
                pass
            return "drained"
        if name == "half-close":
            peer.shutdown(socket.SHUT_WR)
            return "half-closed"
        if name == "hang up":
            peer.close()
            return "hung up"
        if name == "replace":
            mine.close()
            peer.close()
            try:
                self.selector.unregister(mine)
            except (KeyError, ValueError):  # unknown, and closed
                pass
            self.pairs[at] = self.pair()
            return "replaced"
        if name == "select":
            numbers = {pair[0].fileno(): i for i, pair in enumerate(self.pairs)}
            ready = [0] * len(self.pairs)
            for key, events in self.selector.select(0):
                ready[numbers[key.fd]] |= events
            return ready
        raise NotImplementedError(name)

    @staticmethod
    def key(key):
        return [key.events, key.data]


def result(script, operation):
    try:
        return script.run(*operation)
    except BlockingIOError:
        return "would block"
    except (BrokenPipeError, ConnectionResetError):
        return "broken"
    except OSError:
        return "OSError"
    except KeyError:
        return "KeyError"
    except ValueError:
        return "ValueError"


KINDS = {
    "epoll": "EpollSelector",
    "io_uring": "PollSelector",  # it has none; as with poll, regular files are ready
    "kqueue": "KqueueSelector",
    "poll": "PollSelector",
    "select": "SelectSelector",
}

for line in sys.stdin:
    script = Script(getattr(selectors, KINDS[sys.argv[1]]))
    print(json.dumps([result(script, operation) for operation in json.loads(line)]))
    script.close()
