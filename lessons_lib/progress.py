"""How far a learner has come: what the answers file says, lesson by lesson."""

from __future__ import annotations

from IPython.display import Markdown

from lessons_lib import answers
from lessons_lib.exercise_bank import EXERCISES


class Progress(Markdown):
    """A Markdown table with the same text form."""

    def __repr__(self) -> str:
        """Return the table's own text."""
        return self.data


def progress() -> Progress:
    """Return a table of exercises passed, predictions made and quiz answers, lesson by lesson."""
    records = answers.load()
    lessons = sorted({_lesson(id) for id in [*EXERCISES, *_all_ids(records)]}, key=_natural)
    lines = [
        "| lesson | exercises passed | predictions made | quiz answers right |",
        "|" + "---|" * 4,
    ]
    for lesson in lessons:
        lines.append(
            f"| {lesson} | {_exercises(records, lesson)} | "
            f"{len(_of(records['predictions'], lesson))} | {_quizzes(records, lesson)} |"
        )
    return Progress("\n".join(lines))


def reset(id: str) -> None:
    """Forget what was answered under this id: an exercise passed, a prediction, a quiz answer."""
    records = answers.load()
    found = [kind for kind in answers.KINDS if id in records[kind]]
    for kind in found:
        answers.forget(kind, id)
    print(f"{id}: forgotten" if found else f"{id}: there was nothing to forget")


def _exercises(records: dict[str, dict[str, answers.Record]], lesson: str) -> str:
    known = [id for id in EXERCISES if _lesson(id) == lesson]
    passed = [id for id in known if records["exercises"].get(id, {}).get("passed")]
    names = ", ".join(f"{id} {EXERCISES[id].title}" for id in passed)
    return f"{len(passed)} of {len(known)}" + (f": {names}" if names else "")


def _quizzes(records: dict[str, dict[str, answers.Record]], lesson: str) -> str:
    answered = _of(records["quizzes"], lesson)
    right = sum(bool(record.get("right")) for record in answered)
    return f"{right} of {len(answered)} answered"


def _of(entries: dict[str, answers.Record], lesson: str) -> list[answers.Record]:
    return [record for id, record in entries.items() if _lesson(id) == lesson]


def _all_ids(records: dict[str, dict[str, answers.Record]]) -> list[str]:
    return [id for kind in answers.KINDS for id in records[kind]]


def _lesson(id: str) -> str:
    return id.split(".")[0]


def _natural(lesson: str) -> tuple[bool, int, str]:
    return (not lesson.isdigit(), int(lesson) if lesson.isdigit() else 0, lesson)
