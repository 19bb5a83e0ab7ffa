"""What the process that runs a student's code is denied, as far as the operating system can.

`confine` is called in that process before any submitted line, and cannot be taken back from within.
Every part is optional to the system: `confine` returns the names of those that hold.

- limits on processor time, memory, open files, file size, and no further process or thread;
- started as root, it becomes a user of its own, who owns nothing;
- on Linux with Landlock (kernel 5.13): only Python and its packages can be read, nothing can be
  written or executed, no other process can be traced; from 6.7 no TCP connection can be made,
  from 6.12 no other process can be signalled.

A network of other kinds is the container's business (docs/instructor.md).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
SET_PARENT_DEATH_SIGNAL, SET_NO_NEW_PRIVILEGES = 1, 38
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every Linux architecture
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ACCESS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # Landlock's version -> kinds of file access
TCP_BIND_AND_CONNECT, SCOPE_SOCKETS_AND_SIGNALS = 3, 3
FIRST_USER = 1_000_000  # user numbers from here on belong to nobody
NOBODY = 65_534


@dataclass(frozen=True)
class Limits:
    """What one process may use.

    Attributes:
        step_seconds: wall time of one cell or one call of a function.
        total_seconds: wall time of all, of one student; and processor time of one process.
        memory_bytes: address space beyond what Python and torch take.
    """

    step_seconds: float = 20.0
    total_seconds: float = 120.0
    memory_bytes: int = 2_000_000_000


def confine(limits: Limits) -> list[str]:
    """Give up rights, for good. Returns what holds, in words."""
    held = []
    with contextlib.suppress(OSError):
        os.setsid()
    space = _address_space()
    if _landlock(_readable()):
        held.append("files and other processes")
    if os.geteuid() == 0 and _become_nobody():
        held.append("another user")
    if sys.platform == "linux":
        LIBC.prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    _set_limits(limits, space)
    held.append("time and memory")
    if os.geteuid() != 0:
        held.append("no further process")
    return held


def _set_limits(limits: Limits, space: int) -> None:
    seconds = int(limits.total_seconds)
    ceilings = {
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_AS: space + limits.memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_NPROC: 0,
    }
    for kind, ceiling in ceilings.items():
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, ceiling if isinstance(ceiling, tuple) else (ceiling, ceiling))


def _address_space() -> int:
    """Return the address space in use, in bytes; where nobody tells, a generous guess."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 8_000_000_000


def _become_nobody() -> bool:
    """Become a user whom no other process has; root's processes cannot be counted or stopped."""
    for user in (FIRST_USER + os.getpid(), NOBODY):
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            return True
    return False


def _readable() -> list[str]:
    """Return the folders and files that Python and its packages need."""
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache"]
    folders += [f"{sys.base_prefix}/lib", "/dev/urandom", "/usr/share/zoneinfo"]
    return [folder for folder in dict.fromkeys(folders) if os.path.exists(folder)]


def _landlock(readable: list[str]) -> bool:
    """Restrict this process with Landlock; return whether the kernel did (landlock(7))."""
    if sys.platform != "linux":
        return False
    version = LIBC.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    files = (1 << ACCESS_BITS.get(version, ACCESS_BITS[5])) - 1
    fields = [files]
    if version >= 4:
        fields.append(TCP_BIND_AND_CONNECT)
    if version >= 6:
        fields.append(SCOPE_SOCKETS_AND_SIGNALS)
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    rules = LIBC.syscall(CREATE_RULESET, attributes, len(attributes), 0)
    if rules < 0:
        return False
    for path in readable:
        _allow_reading(rules, path)
    LIBC.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    done = LIBC.syscall(RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return done


def _allow_reading(rules: int, path: str) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    access = READ_FILE | READ_DIR if os.path.isdir(path) else READ_FILE
    LIBC.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", access, opened), 0)
    os.close(opened)
