"""Put this folder on PYTHONPATH and Python reaches nothing but its own machine.

Lessons are tested so: a lesson that needs a network fails with an OSError that says so.
"""

from __future__ import annotations

import socket

LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "", None}


def _refuse(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name not in LOCAL and name != socket.gethostname():
        raise OSError(f"no network here: a connection to {name!r} was refused")


def _guard(method):
    def guarded(self: socket.socket, address: object, *rest: object) -> object:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(address[0])
        return method(self, address, *rest)

    return guarded


def _guard_lookup(function):
    def guarded(host: object, *rest: object, **options: object) -> object:
        _refuse(host)
        return function(host, *rest, **options)

    return guarded


socket.socket.connect = _guard(socket.socket.connect)
socket.socket.connect_ex = _guard(socket.socket.connect_ex)
socket.getaddrinfo = _guard_lookup(socket.getaddrinfo)
socket.gethostbyname = _guard_lookup(socket.gethostbyname)
