"""Exchanged names and look-ups: right by the logic of the stories, and spread over all names."""

import random

import pytest

from lessons_lib import stories
from lessons_lib.babi import Question
from lessons_lib.lookups import EXCHANGEABLE, LOOKUPS, exchanged, lookup
from lessons_lib.problems import StoryProblem
from lessons_lib.story_worlds import ANIMALS
from tests.test_stories import assert_right

FEARS = (
    "sheep are afraid of wolves\ngertrude is a sheep\nmice are afraid of sheep\nemily is a mouse"
)


def told(text: str, question: str, answer: str, task: str) -> Question:
    story = tuple(tuple(line.split()) for line in text.splitlines())
    return Question(story, tuple(question.split()), answer, task=task)


@pytest.mark.parametrize("task", EXCHANGEABLE)
def test_an_exchanged_story_has_the_answer_that_follows_from_it(task):
    rng = random.Random(0)
    questions = stories.generate(task, 200)
    others = [exchanged(item, rng) for item in questions]
    assert_right(task, others)
    pairs = zip(questions, others, strict=True)
    assert sum(one.story != other.story for one, other in pairs) > 150
    for before, after in zip(questions, others, strict=True):  # the words that are no names stay
        names = {name for group in EXCHANGEABLE[task] for name in group} | set(ANIMALS.values())
        flat = [[w for line in item.story for w in line] for item in (before, after)]
        assert [w for w in flat[0] if w not in names] == [w for w in flat[1] if w not in names]


def test_each_name_takes_the_place_of_each_other_of_its_group():
    rng = random.Random(1)
    question = told("mary went to the kitchen", "where is mary", "kitchen", "qa1")
    found = [exchanged(question, rng) for _ in range(400)]
    people, places, _ = EXCHANGEABLE["qa1"]
    assert {item.story[0][0] for item in found} == set(people)
    assert {item.answer for item in found} == set(places)


def test_a_sheep_that_becomes_a_mouse_has_mice_beside_it():
    question = told(FEARS, "what is gertrude afraid of", "wolf", "qa15")
    for seed in range(50):
        found = exchanged(question, random.Random(seed))
        kind = found.story[1][-1]
        assert found.story[0][0] == ANIMALS[kind]
        assert found.story[0][-1] == ANIMALS[found.answer]
        assert found.story[2][-1] == ANIMALS[kind]


def test_a_story_of_unknown_names_is_refused():
    with pytest.raises(ValueError, match=r"expected a task of qa1, .*, got qa16"):
        exchanged(told("lily is a swan", "what color is lily", "white", "qa16"), random.Random(0))


def asked(kind: str, question: Question, times: int = 300) -> set[tuple]:
    rng = random.Random(0)
    found = [lookup(kind, question, rng) for _ in range(times)]
    return {(len(i.story), " ".join(i.question), i.answer) for i in found if i is not None}


def test_look_ups_ask_for_every_statement_before_the_cut():
    question = told(FEARS, "what is gertrude afraid of", "wolf", "qa15")
    gertrude, emily = ("what is gertrude", "sheep"), ("what is emily", "mouse")
    assert asked("property", question) == {
        (2, *gertrude),
        (3, *gertrude),
        (4, *gertrude),
        (4, *emily),
    }
    sheep, mice = ("what are sheep afraid of", "wolf"), ("what are mice afraid of", "sheep")
    assert asked("fear", question) == {
        *((cut, *sheep) for cut in (1, 2, 3, 4)),
        *((cut, *mice) for cut in (3, 4)),
    }


@pytest.mark.parametrize(
    ("kind", "task"),
    [("property", "qa15"), ("property", "qa20"), ("fear", "qa15")],
)
def test_look_ups_of_whole_tasks_say_what_a_statement_says(kind, task):
    rng, verb = random.Random(2), {"property": "is", "fear": "are"}
    made = [lookup(kind, item, rng) for item in stories.generate(task, 100)]
    found = [item for item in made if item is not None]
    assert len(found) > 50
    for item in found:
        subject = item.question[2]
        (*_, last) = (line for line in item.story if line[0] == subject and line[1] == verb[kind])
        assert ANIMALS.get(item.answer, item.answer) in (last[-1], ANIMALS.get(last[-1]))


def test_no_look_up_where_no_statement_is_of_the_kind():
    question = told("mary went to the kitchen", "where is mary", "kitchen", "qa1")
    assert lookup("property", question, random.Random(0)) is None
    assert set(LOOKUPS) == {"property", "fear"}
    with pytest.raises(ValueError, match="expected a look-up of property, fear, got 'place'"):
        lookup("place", question, random.Random(0))


def about(**more) -> dict:
    return {"task": "qa15", "questions": 40, "held_out": 10, **more}


def test_a_problem_tells_its_questions_again_and_asks_for_one_statement_first():
    plain = StoryProblem(0, 4, **about())
    both = StoryProblem(0, 4, **about(retold=2, beside=["property", "fear"], beside_first=30))
    assert both.held_out == plain.held_out
    words = both.vocabulary.words
    sequences = [[words[number] for number in coded] for coded in both._coded]
    asking = ["afraid" in sequence[sequence.index("Q") :] for sequence in sequences]
    are = ["are" in sequence[sequence.index("Q") :] for sequence in sequences]
    assert asking[:120] == [True] * 120
    assert not any(are[:120])
    first = asking[120:].index(True) + 120
    assert 60 < first - 120 <= 120  # look-ups of properties, where the cut story has one
    assert all(are[first:])
    assert 100 < both.examples - first <= 120
    chosen = {int(i) for step in range(30) for i in both._chosen(step)}
    assert min(chosen) >= 120
    assert max(chosen) < first
    kinds = [{int(i >= 120) + int(i >= first) for i in batch} for batch in both._batches(0)]
    assert set().union(*kinds) == {0, 1, 2}  # the task's own and both look-ups, in one pool
    assert any(len(mixed) > 1 for mixed in kinds)


def test_the_same_data_seed_tells_the_same_stories_again():
    one, two = (StoryProblem(seed, 4, **about(retold=1, beside=["fear"])) for seed in (0, 1))
    pairs = zip(one._coded, two._coded, strict=True)
    assert all((left == right).all() for left, right in pairs)


def test_nothing_of_the_held_out_stories_is_told_again(tmp_path):
    folder = tmp_path / "en-10k"
    folder.mkdir()
    stories.write(stories.generate("qa20", 60), folder / "qa20_x_train.txt")
    source = StoryProblem(
        0, 4, task="qa20", source=str(tmp_path), held_out=10, retold=3, beside=["property"]
    )
    assert len(source.held_out) == 10
    assert source.examples == (60 - 10) * 4 * 2  # every cut story of qa20 has a motive


def test_whole_stories_cannot_be_retold(tmp_path):
    for more in ({"retold": 1}, {"beside": ["property"]}):
        with pytest.raises(ValueError, match=r"expected questions one by one for retold=\d and"):
            StoryProblem(0, 4, task="qa15", source=str(tmp_path), whole_stories=True, **more)


def test_stories_are_not_told_fewer_than_no_more_times():
    with pytest.raises(ValueError, match="expected retold to be 0 or more, got -1"):
        StoryProblem(0, 4, **about(retold=-1))
