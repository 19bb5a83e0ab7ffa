"""The syllabus counts with the minutes of README's lessons and the hours of the guide's sets."""

from __future__ import annotations

import re

from tools.layout import ROOT

SYLLABUS = (ROOT / "docs" / "syllabus.md").read_text(encoding="utf-8")
MINUTES = {
    int(number): int(minutes)
    for number, minutes in re.findall(
        r"^\| \[(\d+)\. .+?\| (\d+) min \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M
    )
}
HOURS = {
    int(number): float(hours)
    for number, hours in re.findall(
        r"^\| `set(\d)_\w+` \| .+? \| ([\d.]+) \|",
        (ROOT / "docs" / "instructor.md").read_text(encoding="utf-8"),
        re.M,
    )
}


def rows(title: str) -> list[list[str]]:
    """The cells of the table under a title, without its head."""
    part = SYLLABUS.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def test_all_lessons_together():
    assert f"take {sum(MINUTES.values())} minutes" in SYLLABUS
    assert len(MINUTES) == 11


def test_six_weeks_hold_every_lesson_and_set_once():
    seen, weeks = [], []
    for week, lessons, _, _, handed in rows("Six weeks"):
        numbers = [int(number) for number in re.findall(r"\d+", lessons.partition("(")[0])]
        minutes = sum(MINUTES[number] for number in numbers)
        assert f"({minutes})" in lessons, lessons
        which, hours = re.match(r"(\d) \(([\d.]+) h\)", handed).groups()
        assert which == week
        assert float(hours) == HOURS.get(int(which), float(hours))
        seen += numbers
        weeks.append(round(minutes + 60 * float(hours)))
    assert seen == sorted(MINUTES)
    told = SYLLABUS.split("Work in a week, lessons and set: ")[1].split(" minutes")[0]
    assert [int(number) for number in re.findall(r"\d+", told)] == weeks


def test_twelve_weeks_hold_every_lesson_and_set_once():
    lessons, sets = [], []
    for _, meeting, home, minutes in rows("Twelve weeks"):
        here = sorted({int(number) for number in re.findall(r"lesson (\d+)", meeting)})
        given = [int(number) for number in re.findall(r"set (\d)", home)]
        known = [60 * HOURS[number] for number in given if number in HOURS]
        if len(known) == len(given):
            assert int(minutes) == sum(MINUTES[number] for number in here) + sum(known), meeting
        lessons, sets = lessons + here, sets + given
    assert lessons == sorted(MINUTES)
    assert sets == [1, 2, 3, 4, 5, 6]
