"""bAbI stories: read the official format from an archive, a folder or a file, and write it.

A file holds numbered lines. A statement is ``3 Mary moved to the garden.``; a question has its
answer and the numbers of its supporting facts behind tabs:
``4 Where is Mary? <tab> garden <tab> 3``. A number that falls back to 1 starts a new story.
Source of the format: Weston et al., "Towards AI-complete question answering" (arXiv 1502.05698).

Three choices, the same everywhere in this library:

- words are lower-case, and ``.`` and ``?`` are dropped;
- an answer that is a list ("apple,milk" in qa8, "n,w" in qa19) stays one answer;
- earlier questions do not stay in the story, unless ``keep_questions=True``.
"""

from __future__ import annotations

import contextlib
import os
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pooch
import requests

Words = tuple[str, ...]
Lines = Iterable[bytes] | Iterable[str]

#: Where the archive can be had, with its SHA-256. The first address is the official one; its
#: checksum is the one recorded in ``datasets/babi_qa/dataset_infos.json`` of huggingface/datasets.
#: The second is ParlAI's copy; checksum from ``parlai/tasks/babi/build.py``.
SOURCES = (
    (
        "http://www.thespermwhale.com/jaseweston/babi/tasks_1-20_v1-2.tar.gz",
        "0364ebde659f14d11bc21744516c5ec49d3d06cb692733f66680771244998898",
    ),
    (
        "http://parl.ai/downloads/babi/babi.tar.gz",
        "f7f0bee187efca0d81c3daac1b162cda4eb7f9505dee5ad6846eabbed3dbf92e",
    ),
)

#: Variants in the order in which one is chosen when none is named. Those with "valid" come first,
#: so that a train and a valid set loaded without naming a variant never overlap.
VARIANTS = (
    "en-valid-10k", "en-10k", "en-valid", "en", "hn-10k", "hn", "shuffled-10k", "shuffled",
)  # fmt: skip
SPLITS = ("train", "valid", "test")

_FILE_NAME = re.compile(r"(qa\d+)(?:_[\w-]+)?_(train|valid|test)\.txt")
_DEPTHS = ("*.txt", "*/*.txt", "*/*/*.txt")
#: Written with a capital anywhere in a sentence, as the official files do.
_CAPITALS = frozenset({"daniel", "john", "mary", "sandra"})


@dataclass(frozen=True, slots=True)
class Question:
    """One question with all it needs.

    Attributes:
        story: the statements before the question, each a tuple of lower-case words.
        question: the words of the question.
        answer: the answer, one string even where it is a list ("apple,milk").
        supporting: positions in ``story`` (from 0) of the facts that the answer rests on, in the
            order in which the file gives them.
        task: "qa1" to "qa20", or None where it is not known.
    """

    story: tuple[Words, ...]
    question: Words
    answer: str
    supporting: tuple[int, ...] = ()
    task: str | None = None

    def text(self) -> str:
        """Return the story, one sentence a line, and the question, as a person would read them."""
        lines = [sentence(words) for words in self.story]
        return "\n".join([*lines, sentence(self.question, "?")])


def tokenize(text: str) -> Words:
    """Split a sentence into lower-case words; ``.`` and ``?`` are dropped."""
    return tuple(text.lower().replace(".", " ").replace("?", " ").split())


def sentence(words: Sequence[str], mark: str = ".") -> str:
    """Join words into a sentence: a capital in front, capitals for people, ``mark`` at the end."""
    shown = [word.capitalize() if word in _CAPITALS else word for word in words]
    line = " ".join(shown)
    return line[:1].upper() + line[1:] + mark


def task_name(task: str | int) -> str:
    """Return "qa7" for 7, "7", "qa7" or "QA7"; ValueError unless it is one of the 20 tasks."""
    digits = str(task).lower().removeprefix("qa")
    if not digits.isascii() or not digits.isdigit() or not 1 <= int(digits) <= 20:
        raise ValueError(f"expected a task from qa1 to qa20, got {task!r}")
    return f"qa{int(digits)}"


# --- one file -------------------------------------------------------------------------------------


def read_file(
    source: str | Path | Lines,
    *,
    task: str | int | None = None,
    keep_questions: bool = False,
    name: str | None = None,
) -> list[Question]:
    """Read one file in the bAbI format.

    Args:
        source: a path, or the lines themselves (str or bytes).
        task: which task this is; taken from a file name such as ``qa1_train.txt`` when None.
        keep_questions: leave the words of earlier questions (not their answers) in the story.
        name: what to call the source in messages; its path when None.

    Raises:
        ValueError: naming file and line, what was expected and what came.
        FileNotFoundError: there is no such file.
    """
    if isinstance(source, str | Path):
        path = Path(source)
        known = _FILE_NAME.fullmatch(path.name)
        task = task or (known and known[1])
        with path.open("rb") as lines:
            return read_file(lines, task=task, keep_questions=keep_questions, name=str(path))
    reader = _Reader(name or "lines", task and task_name(task), keep_questions)
    for number, line in enumerate(source, start=1):
        reader.line(number, line)
    if not reader.found:
        came = f"{reader.last_id} statements" if reader.last_id else "an empty file"
        raise ValueError(f"{reader.name}: expected at least one question, got {came}")
    return reader.found


class _Reader:
    """Reads line by line; knows where it is, so that every complaint names its place."""

    def __init__(self, name: str, task: str | None, keep_questions: bool) -> None:
        self.name, self.task, self.keep_questions = name, task, keep_questions
        self.found: list[Question] = []
        self.number = self.last_id = 0
        self.story: list[Words] = []
        self.place: dict[int, int | None] = {}  # line id -> position in the story; None: a question

    def fail(self, expected: str, got: object) -> ValueError:
        return ValueError(f"{self.name}, line {self.number}: expected {expected}, got {got}")

    def line(self, number: int, raw: bytes | str) -> None:
        self.number = number
        text = self.decode(raw).rstrip("\r\n")
        if not text.strip():
            return
        head, _, rest = text.strip(" ").partition(" ")
        self.start(head, text)
        fields = rest.split("\t")
        words = tokenize(fields[0])
        if not words:
            raise self.fail("words after the number", repr(text))
        if len(fields) == 1:
            self.statement(words, rest)
        else:
            self.question(words, fields)

    def decode(self, raw: bytes | str) -> str:
        if isinstance(raw, str):
            return raw
        try:
            return raw.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            byte = f"byte 0x{raw[error.start]:02x} at column {error.start + 1}"
            raise self.fail("UTF-8 text", byte) from None

    def start(self, head: str, text: str) -> None:
        if not (head.isascii() and head.isdigit()):
            raise self.fail("a number, a space and a sentence", repr(text))
        number = int(head)
        if number == 1:
            self.story, self.place = [], {}
        elif number != self.last_id + 1:
            wanted = f"number 1 or {self.last_id + 1}" if self.last_id else "number 1"
            raise self.fail(wanted, number)
        self.last_id = number

    def statement(self, words: Words, text: str) -> None:
        if text.rstrip().endswith("?"):
            raise self.fail("a tab and an answer after the question", repr(text))
        self.place[self.last_id] = len(self.story)
        self.story.append(words)

    def question(self, words: Words, fields: list[str]) -> None:
        if len(fields) > 3:
            raise self.fail("question, answer and supporting facts", f"{len(fields)} fields")
        answer = fields[1].strip().lower()
        if not answer:
            raise self.fail("an answer after the tab", "nothing")
        supporting = tuple(self.fact(item) for item in "".join(fields[2:]).split())
        self.found.append(Question(tuple(self.story), words, answer, supporting, self.task))
        self.place[self.last_id] = None
        if self.keep_questions:
            self.story.append(words)

    def fact(self, item: str) -> int:
        number = int(item) if item.isascii() and item.isdigit() else 0
        if number not in self.place:
            wanted = f"the number of an earlier statement (below {self.last_id})"
            raise self.fail(f"as supporting fact {wanted}", repr(item))
        position = self.place[number]
        if position is None:
            raise self.fail("a statement as supporting fact", f"{number}, which is a question")
        return position


def write(questions: Iterable[Question], path: str | Path) -> None:
    """Write questions in the bAbI format; ``read_file`` gives the same questions back.

    Questions that follow each other share one story where the later story begins with the earlier.
    """
    Path(path).write_text("".join(_lines(questions)), encoding="utf-8", newline="\n")


def _lines(questions: Iterable[Question]) -> Iterator[str]:
    told: tuple[Words, ...] = ()
    number, place = 0, {}
    for item in questions:
        if number == 0 or item.story[: len(told)] != told:
            told, number, place = (), 0, {}
        for position in range(len(told), len(item.story)):
            number += 1
            place[position] = number
            yield f"{number} {sentence(item.story[position])}\n"
        told, number = item.story, number + 1
        facts = " ".join(str(place[position]) for position in item.supporting)
        yield f"{number} {sentence(item.question, '?')}\t{item.answer}\t{facts}\n"


# --- archive or folder ----------------------------------------------------------------------------


def load(
    path: str | Path,
    task: str | int | None = None,
    split: str = "train",
    variant: str | None = None,
    *,
    keep_questions: bool = False,
) -> list[Question]:
    """Read one task from the official archive (``.tar.gz``), a folder, or a single file.

    Args:
        path: the archive, the folder it unpacks to, one variant's folder, or one file. A file is
            read whatever ``split`` and ``variant`` say. An environment variable in it, such as
            "$LESSONS_BABI", is replaced by its value.
        task: "qa1" to "qa20" (or 1 to 20); may be left out for a file, or where there is only one.
        split: "train", "valid" or "test".
        variant: "en-valid-10k", "en-10k", ...; when None, the first of ``VARIANTS`` with the task.
        keep_questions: see ``read_file``.

    Raises:
        ValueError: what was asked for is not there (the message lists what is), or a bad line.
        FileNotFoundError: there is nothing at ``path``.
    """
    path = _with_variables(path)
    if not path.exists():
        raise FileNotFoundError(f"expected a bAbI archive, folder or file, found nothing at {path}")
    wanted = None if task is None else task_name(task)
    if path.is_file() and not _is_archive(path):
        return _load_file(path, wanted, keep_questions)
    if split not in SPLITS:
        raise ValueError(f"expected split {', '.join(SPLITS)}, got {split!r}")
    with _members(path) as members:
        chosen = _choose(path, list(members), wanted, split, variant)
        file, opened = members[chosen]
        with opened() as lines:
            name = str(file) if path.is_dir() else f"{path}:{file}"
            return read_file(lines, task=chosen[1], keep_questions=keep_questions, name=name)


def contents(path: str | Path) -> list[tuple[str, str, str]]:
    """List the (variant, task, split) of every file in an archive or a folder."""
    with _members(Path(path)) as members:
        return sorted(members, key=_order)


def _with_variables(path: str | Path) -> Path:
    full = os.path.expandvars(path)
    if str(path).startswith("$") and full == str(path):
        raise FileNotFoundError(
            f"expected the path of a bAbI archive in the environment variable {path}, it is not set"
        )
    return Path(full)


def _is_archive(path: Path) -> bool:
    return tarfile.is_tarfile(path) or path.suffix in (".gz", ".tgz", ".tar")


def _load_file(path: Path, task: str | None, keep_questions: bool) -> list[Question]:
    known = _FILE_NAME.fullmatch(path.name)
    if task and known and known[1] != task:
        raise ValueError(f"{path}: expected a file of {task}, got one of {known[1]}")
    return read_file(path, task=task, keep_questions=keep_questions)


@contextlib.contextmanager
def _members(path: Path) -> Iterator[dict]:
    """Map (variant, task, split) to a file's path and what opens it, in an archive or a folder."""
    if path.is_dir():
        files = [file for depth in _DEPTHS for file in sorted(path.resolve().glob(depth))]
        yield _by_key((file, lambda file=file: file.open("rb")) for file in files if file.is_file())
        return
    try:
        with tarfile.open(path, "r:*") as tar:
            yield _by_key((Path(m.name), _opener(tar, m)) for m in tar if m.isfile())
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ValueError(f"{path}: expected a whole .tar.gz archive, got {error}") from error


def _opener(tar: tarfile.TarFile, member: tarfile.TarInfo):
    def opened() -> IO[bytes]:
        return tar.extractfile(member)  # streamed: nothing of an archive is ever unpacked to disk

    return opened


def _by_key(files: Iterable) -> dict:
    found: dict = {}
    for path, opened in files:
        known = _FILE_NAME.fullmatch(path.name)
        if known:
            found.setdefault((path.parent.name, known[1], known[2]), (path, opened))
    return found


def _choose(
    path: Path, keys: list, task: str | None, split: str, variant: str | None
) -> tuple[str, str, str]:
    keys = sorted(keys, key=_order)
    if not keys:
        raise ValueError(f"{path}: expected files such as qa1_train.txt, found none")
    variants = list(dict.fromkeys(key[0] for key in keys))
    if variant is not None and variant not in variants:
        raise ValueError(f"{path}: expected variant {_listed(variants)}, got {variant!r}")
    keys = [key for key in keys if variant in (None, key[0])]
    tasks = sorted({key[1] for key in keys}, key=lambda name: int(name[2:]))
    if task is None and len(tasks) > 1:
        raise ValueError(f"{path}: expected a task, one of {_listed(tasks)}, got none")
    keys = [key for key in keys if key[1] == (task or tasks[0])]
    if not keys:
        raise ValueError(f"{path}: expected task {_listed(tasks)}, got {task!r}")
    keys = [key for key in keys if key[0] == keys[0][0]]
    for key in keys:
        if key[2] == split:
            return key
    have = _listed([key[2] for key in keys])
    raise ValueError(f"{path}: expected split {have} for {keys[0][1]} in {keys[0][0]}, got {split}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)


def _order(key: tuple[str, str, str]) -> tuple:
    variant, task, split = key
    rank = VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS)
    return rank, variant, int(task[2:]), SPLITS.index(split)


# --- download -------------------------------------------------------------------------------------


def download(
    folder: str | Path | None = None,
    *,
    sources: Sequence[tuple[str, str]] = SOURCES,
    progressbar: bool = True,
) -> Path:
    """Fetch the official archive once, check its SHA-256, and return its path for ``load``.

    Args:
        folder: where to keep it; the user's cache folder when None.
        sources: (address, SHA-256) pairs, tried in this order.
        progressbar: show how far the download is.

    Raises:
        ConnectionError: no source could be reached, or none gave the right file; the message says
            what to do by hand.
    """
    folder = Path(folder or pooch.os_cache("lessons_lib"))
    failures = []
    for address, sha256 in sources:
        name = address.rsplit("/", 1)[-1]
        try:
            got = pooch.retrieve(
                address, f"sha256:{sha256}", fname=name, path=folder, progressbar=progressbar
            )
            return Path(got)
        except (requests.RequestException, OSError, ValueError) as error:
            failures.append(f"  {address}: {error}")
    raise ConnectionError(_by_hand(folder, failures))


def _by_hand(folder: Path, failures: list[str]) -> str:
    return "\n".join([
        "the bAbI archive could not be downloaded:",
        *failures,
        "The lessons do not need it: lessons_lib.stories makes its own stories.",
        "To use the official ones: on a machine with a network, fetch tasks_1-20_v1-2.tar.gz with a"
        " browser from one of these addresses (or any copy of it), then either put it into",
        f"  {folder}",
        'and call download() again, or give its path: babi.load("tasks_1-20_v1-2.tar.gz", "qa1").',
    ])  # fmt: skip
