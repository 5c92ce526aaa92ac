"""Runs a program to which the kernel denies io_uring: io_uring_setup fails with an errno.

The arguments are the errno, the program and its arguments. The filter of system calls stays with
the process when it becomes the program, and with all that it starts: see seccomp(2).
"""

import ctypes
import errno
import os
import struct
import sys

IO_URING_SETUP = 425  # on every processor but alpha
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_SET_NO_NEW_PRIVS = 38  # without it only root may
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06


def step(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]


steps = [
    step(LOAD, 0),  # the number of the system call
    step(JUMP_IF_EQUAL, IO_URING_SETUP, 0, 1),
    step(RETURN, ERRNO | int(sys.argv[1])),
    step(RETURN, ALLOW),
]
libc = ctypes.CDLL(None, use_errno=True)
program = Program(len(steps), b"".join(steps))
for call in (
    (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
    (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
):
    if libc.prctl(*call) != 0:
        sys.exit("prctl: " + os.strerror(ctypes.get_errno()))
if libc.syscall(IO_URING_SETUP, 0, 0) != -1 or ctypes.get_errno() != int(sys.argv[1]):
    sys.exit("io_uring_setup is not denied: " + errno.errorcode[ctypes.get_errno()])
os.execvp(sys.argv[2], sys.argv[2:])
