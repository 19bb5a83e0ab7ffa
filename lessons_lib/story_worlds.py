"""The small worlds in which our bAbI-like stories happen, one function a task.

People, places, objects and verbs are those of bAbI (Weston et al., arXiv 1502.05698). How its
stories behave was measured on its data, and is simulated here afresh:

- qa1, 2, 3, 6: four people and three objects start in rooms nobody names. A step tries a person
  and an action (go, take, drop), both at random, until one is possible: nobody goes to the room
  they are in, and only an object in the same room can be taken.
- after every two statements a question is tried, about a statement among the last five; where none
  of them gives one, two more statements follow. A story has five questions.
- the words: verbs are equally likely; "there" follows every fifth object dropped, and every object
  taken (in qa3 every fifth).
- qa9: people move, but a quarter of the statements say only where the person no longer is.
- qa15: four kinds of animal, each afraid of another; a person is named as one after its fear.
- qa20: four people with a motive, who then go where it leads and take what it wants, if it is
  still there.

A world function takes a random source and ``keep``, which looks at the story's opening and says
whether this story belongs to the wanted split; it returns the story's questions, or none.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from lessons_lib.babi import Question, Words

Keep = Callable[[Sequence[Words]], bool]
World = Callable[[random.Random, Keep], list[Question]]

PEOPLE = ("daniel", "john", "mary", "sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
OBJECTS = ("apple", "football", "milk")
GO = (
    ("moved", "to"),
    ("went", "to"),
    ("journeyed", "to"),
    ("travelled", "to"),
    ("went", "back", "to"),
)
GET = (("got",), ("grabbed",), ("picked", "up"), ("took",))
DROP = (("discarded",), ("dropped",), ("left",), ("put", "down"))

WINDOW = 5  # a question is about one of the last five statements
QUESTIONS = 5  # in a story of rooms
OPENING = 2  # statements before the first question can be asked

ANIMALS = {"mouse": "mice", "wolf": "wolves", "cat": "cats", "sheep": "sheep"}
SINGULAR = {many: one for one, many in ANIMALS.items()}
ANIMAL_NAMES = ("emily", "gertrude", "jessica", "winona")
MOTIVE_NAMES = ("antoine", "jason", "sumit", "yann")
MOTIVES = {  # motive -> where it leads, what it wants there
    "bored": ("garden", "football"),
    "hungry": ("kitchen", "apple"),
    "thirsty": ("kitchen", "milk"),
    "tired": ("bedroom", "pajamas"),
}


def pick(rng: random.Random, items: Sequence):
    """Return one of the items, each as likely as the others (faster than ``rng.choice``)."""
    return items[int(rng.random() * len(items))]


# --- rooms: qa1, qa2, qa3, qa6 --------------------------------------------------------------------


class Rooms:
    """People who go from room to room and carry objects; remembers all that was told.

    Attributes:
        told: the statements so far, as words.
        events: (person, "go" | "get" | "drop", place or object) of each statement.
        moves: for each person, which statements told of a move.
        touched: for each object, which statements told of it: get, drop, get, ...
    """

    def __init__(self, rng: random.Random, *, objects: bool, get_there: float = 1.0) -> None:
        """Put everyone and everything in some room; nothing is told yet."""
        self.rng, self.get_there = rng, get_there
        self.actions = ("go", "get", "drop") if objects else ("go",)
        self.place = {person: pick(rng, PLACES) for person in PEOPLE}
        self.lying = {thing: pick(rng, PLACES) for thing in OBJECTS}
        self.holding: dict[str, list[str]] = {person: [] for person in PEOPLE}
        self.told: list[Words] = []
        self.events: list[tuple[str, str, str]] = []
        self.moves: dict[str, list[int]] = {person: [] for person in PEOPLE}
        self.touched: dict[str, list[int]] = {thing: [] for thing in OBJECTS}

    def step(self) -> None:
        """Try a person and an action until one is possible, and tell it."""
        while True:
            person, action = pick(self.rng, PEOPLE), pick(self.rng, self.actions)
            if getattr(self, action)(person):
                return

    def go(self, person: str) -> bool:
        """Go to a room chosen at random; impossible where the person is there already."""
        place = pick(self.rng, PLACES)
        if place == self.place[person]:
            return False
        self.moves[person].append(len(self.told))
        self.place[person] = place
        return self.tell(person, "go", place, (*pick(self.rng, GO), "the", place))

    def get(self, person: str) -> bool:
        """Take one of the objects that lie in the person's room; impossible without one."""
        here = [thing for thing, place in self.lying.items() if place == self.place[person]]
        if not here:
            return False
        thing = pick(self.rng, here)
        del self.lying[thing]
        self.holding[person].append(thing)
        return self.touch(person, "get", thing, pick(self.rng, GET), self.get_there)

    def drop(self, person: str) -> bool:
        """Put down one of the objects that the person holds; impossible without one."""
        if not self.holding[person]:
            return False
        thing = pick(self.rng, self.holding[person])
        self.holding[person].remove(thing)
        self.lying[thing] = self.place[person]
        return self.touch(person, "drop", thing, pick(self.rng, DROP), 0.2)

    def touch(self, person: str, kind: str, thing: str, verb: Words, there: float) -> bool:
        """Tell that an object was taken or dropped; "there" is added with this probability."""
        self.touched[thing].append(len(self.told))
        end = ("there",) if self.rng.random() < there else ()
        return self.tell(person, kind, thing, (*verb, "the", thing, *end))

    def tell(self, person: str, kind: str, thing: str, words: Words) -> bool:
        """Add one statement to the story."""
        self.told.append((person, *words))
        self.events.append((person, kind, thing))
        return True

    def carried(self, thing: str) -> tuple[int, int, list[int]]:
        """Return the statements of the last touch, of the last get, and of the carrier's moves.

        The moves are those before the object was put down again (or all, while it is held).
        """
        touches = self.touched[thing]
        last = touches[-1]
        person, kind, _ = self.events[last]
        if kind == "get":
            return last, last, self.moves[person]
        return last, touches[-2], [move for move in self.moves[person] if move < last]


Asked = tuple[Words, str, tuple[int, ...]] | None


def ask_person(rooms: Rooms, index: int) -> Asked:
    """qa1, "Where is Mary?": the person of a statement; rests on the person's last move."""
    person = rooms.events[index][0]
    return ("where", "is", person), rooms.place[person], (rooms.moves[person][-1],)


def ask_object(rooms: Rooms, index: int) -> Asked:
    """qa2, "Where is the milk?": rests on the last touch, and on the carrier's last move."""
    _, kind, thing = rooms.events[index]
    if kind == "go":
        return None
    last, taken, moves = rooms.carried(thing)
    held = last == taken
    if not moves or (held and moves[-1] < taken):
        return None
    return ("where", "is", "the", thing), rooms.events[moves[-1]][2], (last, moves[-1])


def ask_before(rooms: Rooms, index: int) -> Asked:
    """qa3, "Where was the milk before the office?": two rooms that its carrier took it to in a row.

    A room counts by its last visit. Later rooms are asked about more often, as 2 : 3 : 4 : ...
    (fitted to the real questions); rests on the last touch and on both moves.
    """
    _, kind, thing = rooms.events[index]
    if kind == "go":
        return None
    last, taken, moves = rooms.carried(thing)
    moves = [move for move in moves if move > taken]
    places = [rooms.events[move][2] for move in moves]
    later = [at for at in range(1, len(places)) if places[at] not in places[at + 1 :]]
    if not later:
        return None
    (at,) = rooms.rng.choices(later, weights=range(2, len(later) + 2))
    words = ("where", "was", "the", thing, "before", "the", places[at])
    return words, places[at - 1], (last, moves[at], moves[at - 1])


def ask_whether(rooms: Rooms, index: int) -> Asked:
    """qa6, "Is Mary in the garden?": yes half of the time, else one of the five other rooms."""
    person, kind, _ = rooms.events[index]
    if kind != "go":
        return None
    return _whether(rooms.rng, person, rooms.place[person], rooms.moves[person][-1])


def _whether(rng: random.Random, person: str, place: str, support: int) -> Asked:
    yes = rng.random() < 0.5
    asked = place if yes else pick(rng, [other for other in PLACES if other != place])
    return ("is", person, "in", "the", asked), "yes" if yes else "no", (support,)


def _ask(rng: random.Random, count: int, ask: Callable[[int], Asked]) -> Asked:
    """Ask about one of the last five statements that allow it; None where none does."""
    order = list(range(max(0, count - WINDOW), count))
    rng.shuffle(order)
    return next((asked for asked in map(ask, order) if asked), None)


def rooms_world(task: str, ask: Callable[[Rooms, int], Asked], **settings) -> World:
    """Return the world function of qa1, qa2, qa3 or qa6."""

    def tell(rng: random.Random, keep: Keep) -> list[Question]:
        rooms = Rooms(rng, **settings)
        found: list[Question] = []
        while len(found) < QUESTIONS:
            rooms.step()
            rooms.step()
            if len(rooms.told) == OPENING and not keep(rooms.told):
                return []
            asked = _ask(rng, len(rooms.told), lambda index: ask(rooms, index))
            if asked:
                found.append(Question(tuple(rooms.told), *asked, task))
        return found

    return tell


# --- negation: qa9 --------------------------------------------------------------------------------


def negation(rng: random.Random, keep: Keep) -> list[Question]:
    """qa9: moves, and statements of where a person is no longer."""
    place = {person: pick(rng, PLACES) for person in PEOPLE}
    told: list[Words] = []
    latest: dict[str, tuple[int, str, bool]] = {}  # statement, place named, is the person there
    people: list[str] = []
    found: list[Question] = []

    def ask(index: int) -> Asked:
        person = people[index]
        support, named, there = latest[person]
        if there:
            return _whether(rng, person, named, support)
        return ("is", person, "in", "the", named), "no", (support,)

    while len(found) < QUESTIONS:
        for _ in range(2):
            person = pick(rng, PEOPLE)
            old = place[person]
            place[person] = pick(rng, [other for other in PLACES if other != old])
            there, words = _negated(rng, old, place[person])
            latest[person] = (len(told), words[-1], there)
            people.append(person)
            told.append((person, *words))
        if len(told) == OPENING and not keep(told):
            return []
        found.append(Question(tuple(told), *_ask(rng, len(told), ask), "qa9"))
    return found


def _negated(rng: random.Random, old: str, new: str) -> tuple[bool, Words]:
    """Tell a move from old to new: half by a verb, a quarter by "is", a quarter by the old room."""
    form = rng.random()
    if form < 0.5:
        return True, (*pick(rng, GO), "the", new)
    if form < 0.75:
        return True, ("is", "in", "the", new)
    return False, ("is", *pick(rng, (("not",), ("no", "longer"))), "in", "the", old)


# --- deduction: qa15 ------------------------------------------------------------------------------


def deduction(rng: random.Random, keep: Keep) -> list[Question]:
    """qa15: a person is an animal, and animals of that kind are afraid of another kind."""
    fears: dict[str, tuple[str, int]] = {}  # kind -> the kind it is afraid of, statement
    kinds: dict[str, tuple[str, int]] = {}  # person -> kind, statement
    told: list[Words] = []
    while len(told) < len(ANIMALS) + len(ANIMAL_NAMES):
        kind = pick(rng, tuple(ANIMALS))
        if rng.random() < 0.5:
            if kind not in fears:
                feared = pick(rng, [other for other in ANIMALS if other != kind])
                fears[kind] = feared, len(told)
                told.append((ANIMALS[kind], "are", "afraid", "of", ANIMALS[feared]))
            continue
        person = pick(rng, ANIMAL_NAMES)
        if person not in kinds and kind in fears:
            kinds[person] = kind, len(told)
            told.append((person, "is", "a", kind))
    if not keep(told):
        return []
    return [_afraid(tuple(told), pick(rng, ANIMAL_NAMES), kinds, fears) for _ in range(4)]


def _afraid(story: tuple[Words, ...], person: str, kinds: dict, fears: dict) -> Question:
    kind, named = kinds[person]
    feared, told = fears[kind]
    return Question(story, ("what", "is", person, "afraid", "of"), feared, (named, told), "qa15")


# --- motivations: qa20 ----------------------------------------------------------------------------


def motivations(rng: random.Random, keep: Keep) -> list[Question]:
    """qa20: a person has a motive, goes where it leads, and takes what it wants.

    There is one object of each kind: who comes second goes without. Every statement is followed by
    its question, and the story ends when nobody can do anything more.
    """
    motive = {person: pick(rng, tuple(MOTIVES)) for person in MOTIVE_NAMES}
    started: dict[str, int] = {}
    gone: set[str] = set()
    taken: set[str] = set()
    told: list[Words] = []
    asked: list[tuple[Words, str, int]] = []
    able = list(MOTIVE_NAMES)
    while able:
        person = pick(rng, able)
        reason = motive[person]
        place, thing = MOTIVES[reason]
        if person not in started:
            started[person] = len(told)
            told.append((person, "is", reason))
            asked.append((("where", "will", person, "go"), place, started[person]))
        elif person not in gone:
            gone.add(person)
            told.append((person, *pick(rng, GO), "the", place))
            words = ("why", "did", person, "go", "to", "the", place)
            asked.append((words, reason, started[person]))
        else:
            taken.add(thing)
            able.remove(person)
            told.append((person, *pick(rng, GET), "the", thing, "there"))
            asked.append((("why", "did", person, "get", "the", thing), reason, started[person]))
        able = [one for one in able if one not in gone or MOTIVES[motive[one]][1] not in taken]
    if not keep(told):
        return []
    return [
        Question(tuple(told[: position + 1]), words, answer, (support,), "qa20")
        for position, (words, answer, support) in enumerate(asked)
    ]


WORLDS: dict[str, World] = {
    "qa1": rooms_world("qa1", ask_person, objects=False),
    "qa2": rooms_world("qa2", ask_object, objects=True),
    "qa3": rooms_world("qa3", ask_before, objects=True, get_there=0.2),
    "qa6": rooms_world("qa6", ask_whether, objects=True),
    "qa9": negation,
    "qa15": deduction,
    "qa20": motivations,
}
