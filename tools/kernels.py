"""Kernels behind socket files, so that two started at once never meet on a port.

jupyter_client looks for five free TCP ports and lets them go; until the kernel binds them, any
other process may take one ("Address already in use"), and whoever started the kernel waits for it
in vain. A socket file in a folder of its own is nobody else's. Windows has TCP alone.

As a plugin of pytest (`-p tools.kernels`) this does the same for nbval.
"""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path


def connection(folder: str | Path) -> dict[str, str]:
    """Return the options of a jupyter_client KernelManager whose sockets lie in `folder`."""
    if os.name == "nt":
        return {}
    return {"transport": "ipc", "connection_file": str(Path(folder) / "kernel.json")}


def pytest_configure(config) -> None:
    """Let nbval start its kernel, one a run, in a new folder."""
    from nbval import kernel

    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    kernel.KernelManager = functools.partial(kernel.KernelManager, **connection(folder.name))
