"""One small file of a learner's answers: predictions, quiz answers and exercises passed.

The file is `answers.json` in the learner's own folder. It never leaves the machine.
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lessons_lib import runtime

FILE_NAME = "answers.json"
KINDS = ("predictions", "quizzes", "exercises")
STALE_LOCK = 5.0  # seconds after which the lock of a dead kernel is taken over

Record = dict[str, Any]
_watchers: dict[tuple[str, str], list[Callable[[Record | None], None]]] = {}


def path(folder: Path | None = None) -> Path:
    """Return the answers file in `folder`, which is the learner's own unless given."""
    return (folder or runtime.answers_folder()) / FILE_NAME


def load(folder: Path | None = None) -> dict[str, dict[str, Record]]:
    """Return every record as `{kind: {id: record}}`; nothing answered gives empty dicts.

    A file that cannot be read is kept under another name, and a warning says which.
    """
    found = _read(path(folder))
    return {kind: found[kind] for kind in KINDS}


def get(kind: str, id: str, folder: Path | None = None) -> Record | None:
    """Return the record of one question or exercise, or None where there is none."""
    return load(folder)[_known(kind)].get(id)


def put(kind: str, id: str, record: Record, folder: Path | None = None) -> None:
    """Keep one record, leave all others as they are, and tell who watches it."""
    _change(_known(kind), id, record, folder)


def forget(kind: str, id: str, folder: Path | None = None) -> None:
    """Drop one record (there need not be one), and tell who watches it."""
    _change(_known(kind), id, None, folder)


def watch(kind: str, id: str, callback: Callable[[Record | None], None]) -> None:
    """Call `callback(record)` whenever this record changes in this kernel; None when forgotten."""
    _watchers.setdefault((_known(kind), id), []).append(callback)


def _change(kind: str, id: str, record: Record | None, folder: Path | None) -> None:
    file = path(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    with _locked(file):
        records = _read(file)
        records[kind].pop(id, None)
        if record is not None:
            records[kind][id] = record
        _write(file, records)
    for callback in _watchers.get((kind, id), []):
        callback(record)


def _read(file: Path) -> dict[str, Any]:
    """Return the whole file, with whatever else a later version may keep in it."""
    try:
        return _checked(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return _checked({})
    except ValueError as problem:  # not UTF-8, not JSON, or not of our shape
        aside = _keep_aside(file)
        warnings.warn(
            f"{FILE_NAME} could not be read ({problem}). It is kept as {aside.name}; "
            "your answers start afresh, and nothing was deleted.",
            stacklevel=3,
        )
        return _checked({})


def _write(file: Path, records: dict[str, Any]) -> None:
    """Write the whole file beside the old one and swap: a crash leaves the old or the new."""
    text = json.dumps({"version": 1} | records, indent=1, ensure_ascii=False)
    fresh = file.with_name(f".{FILE_NAME}.{os.getpid()}")
    fresh.write_text(text + "\n", encoding="utf-8")
    os.replace(fresh, file)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Let one kernel at a time read, change and write: two open lessons lose nothing."""
    lock = file.with_name(f".{FILE_NAME}.lock")
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            _clear_if_stale(lock)
            time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _clear_if_stale(lock: Path) -> None:
    try:
        if time.time() - lock.stat().st_mtime > STALE_LOCK:
            lock.unlink(missing_ok=True)
    except FileNotFoundError:
        pass  # its owner finished in between


def _checked(found: Any) -> dict[str, Any]:
    """Return what was found with every kind there; raise ValueError where it is not our shape."""
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, got {type(found).__name__}")
    whole = {**found, **{kind: found.get(kind, {}) for kind in KINDS}}
    for kind in KINDS:
        entries = whole[kind]
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise ValueError(f"expected an object of records under {kind!r}")
    return whole


def _keep_aside(file: Path) -> Path:
    number = 1
    while (aside := file.with_name(f"answers.damaged-{number}.json")).exists():
        number += 1
    os.replace(file, aside)
    return aside


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}, got {kind!r}")
    return kind
