"""Takes docker's arguments and runs the grader's own files, without a container.

`run` becomes the container's first process, without a network where the system lets it; `kill`
ends it. So the grader's end of the line is tested where there is no docker or podman.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from course.grading.containers import IMAGE

ALONE = Path(__file__).resolve().parent.parent / "course" / "grading" / "alone.py"
NUMBERS = Path(tempfile.gettempdir())  # a file a container: the number of its process


def without_network() -> list[str]:
    """Return what goes before a command so that it has no network, if that can be had."""
    prefix = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], check=False).returncode:
        return []
    return [*prefix, "--"]


def main(arguments: list[str]) -> None:
    """Do what docker would be asked for."""
    if arguments[0] == "kill":
        os.kill(int((NUMBERS / arguments[1]).read_text()), signal.SIGKILL)
        return
    image = arguments.index(IMAGE)
    (name,) = (flag[7:] for flag in arguments[:image] if flag.startswith("--name="))
    (NUMBERS / name).write_text(str(os.getpid()))
    command = [sys.executable, "-I", "-B", str(ALONE), *arguments[image + 1 :]]
    command = without_network() + command
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
