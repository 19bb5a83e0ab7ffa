"""Evidence, gradient × write: against differences, a linear machine and one that has learned."""

import random
from dataclasses import FrozenInstanceError

import pytest
import torch
from torch.nn.functional import cross_entropy

from lessons_lib import stories
from lessons_lib.babi import Question
from lessons_lib.evidence import (
    can_trace,
    evidence,
    hit_rate,
    without_each_sentence,
    without_sentence,
    write_evidence,
)
from lessons_lib.models import build
from lessons_lib.words import Vocabulary, sentence_of_each_word, word_sequence

QUESTIONS = stories.generate("qa1", 20, seed=0, split="valid")
QUESTION = max(QUESTIONS, key=lambda question: len(question.story))
VOCABULARY = Vocabulary.of(QUESTIONS)
KINDS = [
    {"kind": "NTM", "controller": "feedforward"},
    {"kind": "NTM", "controller": "lstm", "write_heads": 2},
    {"kind": "LNTM", "read_pointers": 2},
    {"kind": "LNTM", "read_pointers": 2, "feed_reads": True},
]


def machine(kind="LNTM", vocabulary=VOCABULARY, dtype=torch.float64, **options):
    """A tiny word model, the same at every call."""
    torch.manual_seed(0)
    sizes = {"words": len(vocabulary.words), "output_size": len(vocabulary.answers)}
    sizes |= {"input_size": 6, "hidden_size": 9}
    if kind != "LSTM":
        sizes |= {"slots": 5, "width": 4}
    model = build(kind, **sizes, **options).to(dtype)
    with torch.no_grad():  # larger than torch's start, so that no gradient is near nothing
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def logit(model, question, number, scale):
    batch = VOCABULARY.batch([question])
    with torch.no_grad():
        logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at, write_scale=scale)
    return logits[0, number].item()


@pytest.mark.parametrize("options", KINDS, ids=lambda options: "-".join(map(str, options.values())))
def test_evidence_of_a_step_is_the_derivative_by_its_write_scale(options):
    """E_t = ∂y/∂s_t at s_t = 1, by central differences in float64."""
    model = machine(**options)
    found = evidence(model, VOCABULARY, QUESTION)
    number = VOCABULARY.answers.index(found.answer)
    steps, small = len(found.words), 1e-5
    change = small * torch.eye(steps, dtype=torch.float64)  # column t changes step t
    batch = VOCABULARY.batch([QUESTION] * (2 * steps))
    scale = torch.cat([1 + change, 1 - change], dim=-1)
    with torch.no_grad():
        logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at, write_scale=scale)
    up, down = logits[:, number].chunk(2)
    differences = ((up - down) / (2 * small)).tolist()
    assert found.per_word == pytest.approx(differences, rel=1e-5, abs=1e-9)
    assert max(map(abs, found.per_word)) > 1e-4  # there is something to compare


def test_evidence_is_gradient_times_write_of_the_trace():
    """E_t = Σ ∂y/∂(f_t w_t a_t) · (f_t w_t a_t), taken apart on the last step's write."""
    model = machine(read_pointers=2)
    batch = VOCABULARY.batch([QUESTION])
    found = evidence(model, VOCABULARY, QUESTION)
    embedded = model.embedding(batch.tokens)
    _, _, trace = model.core(embedded, trace=True)
    weights, vector = trace.write.weights[-1], trace.add_vector[-1]  # (1, 1, S), (1, 1, W)
    written = trace.add_gate[-1].unsqueeze(-1) * weights.transpose(-1, -2) * vector  # (1, S, W)
    written = written.detach().requires_grad_()
    erased = (trace.memory_after[-1] - written).detach()
    hidden = trace.hidden[-1].detach()
    reads, _ = model.core._read(erased + written, hidden)
    outputs = model.core.readout(torch.cat([hidden, reads.flatten(1)], dim=-1))
    asked = outputs[0, VOCABULARY.answers.index(found.answer)]
    (gradient,) = torch.autograd.grad(asked, written)
    assert found.logit == pytest.approx(asked.item())
    assert found.per_word[-1] == pytest.approx((gradient * written).sum().item())


@pytest.mark.parametrize("options", KINDS, ids=lambda options: "-".join(map(str, options.values())))
def test_a_batch_with_padding_gives_each_question_what_it_gets_alone(options):
    model = machine(**options)
    batch = VOCABULARY.batch(QUESTIONS)
    logits, scores, chosen = write_evidence(model, batch)
    for column, question in enumerate(QUESTIONS):
        alone = evidence(model, VOCABULARY, question)
        steps = len(alone.words)
        assert scores[:steps, column].tolist() == pytest.approx(alone.per_word, abs=1e-12)
        assert (scores[steps:, column] == 0).all()
        assert VOCABULARY.answers[chosen[column]] == alone.answer
        assert logits[column, chosen[column]].item() == pytest.approx(alone.logit)


def test_sums_by_sentence_and_what_is_outside_the_story_make_the_whole():
    found = evidence(machine(), VOCABULARY, QUESTION)
    assert found.words == tuple(word_sequence(QUESTION.story, QUESTION.question))
    numbers = sentence_of_each_word(QUESTION.story, QUESTION.question)
    sums = dict.fromkeys([-1, *range(len(QUESTION.story))], 0.0)
    for number, value in zip(numbers, found.per_word, strict=True):
        sums[number] += value
    assert found.outside_story == pytest.approx(sums.pop(-1))
    assert found.per_sentence == pytest.approx(tuple(sums.values()))
    assert sum(found.per_word) == pytest.approx(sum(found.per_sentence) + found.outside_story)


def test_shares_are_of_what_speaks_for_the_answer_and_ranked_starts_with_the_most():
    found = evidence(machine(), VOCABULARY, QUESTION)
    speaking = [max(value, 0) for value in found.per_sentence]
    assert found.shares == pytest.approx([value / sum(speaking) for value in speaking])
    ordered = [found.per_sentence[number] for number in found.ranked]
    assert ordered == sorted(found.per_sentence, reverse=True)


def test_probabilities_are_the_models_own_and_the_answer_can_be_chosen():
    model = machine()
    batch = VOCABULARY.batch([QUESTION])
    logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at)
    probabilities = logits[0].softmax(-1)
    found = evidence(model, VOCABULARY, QUESTION)
    assert found.probability == pytest.approx(probabilities.max().item())
    assert [p for _, p in found.others] == sorted((p for _, p in found.others), reverse=True)
    assert found.probability + sum(p for _, p in found.others) == pytest.approx(1)
    second = evidence(model, VOCABULARY, QUESTION, answer=found.others[0][0])
    assert second.answer == found.others[0][0]
    assert second.probability == pytest.approx(found.others[0][1])
    assert second.per_word != found.per_word


def test_evidence_is_frozen_and_leaves_no_gradient_behind():
    model = machine()
    with torch.no_grad():  # works here too
        found = evidence(model, VOCABULARY, QUESTION)
    assert all(parameter.grad is None for parameter in model.parameters())
    with pytest.raises(FrozenInstanceError):
        found.answer = "moon"


def linear_machine():
    """An L-NTM whose places do not depend on its memory: its logits are linear in its writes."""
    model = machine(read_pointers=2)
    with torch.no_grad():
        model.core.write_kernel.zero_()
        model.core.read_kernels.zero_()
        model.core.reader.weight[-2:].zero_()
        model.core.reader.bias[-2:] = -1e4  # g = 0: nothing is read by key
    return model


def test_in_a_linear_machine_evidence_is_exactly_what_each_write_gave():
    """y = y(no write) + Σ E_t, and leaving a sentence out takes just its E from y."""
    model = linear_machine()
    found = evidence(model, VOCABULARY, QUESTION)
    number = VOCABULARY.answers.index(found.answer)
    steps = len(found.words)
    without = logit(model, QUESTION, number, torch.zeros(steps, 1, dtype=torch.float64))
    assert found.logit - without == pytest.approx(sum(found.per_word), abs=1e-9)
    assert abs(found.logit - without) > 1e-3
    numbers = torch.tensor(sentence_of_each_word(QUESTION.story, QUESTION.question))
    for sentence, value in enumerate(found.per_sentence):
        scale = (numbers != sentence).double().unsqueeze(-1)
        assert found.logit - logit(model, QUESTION, number, scale) == pytest.approx(value, abs=1e-9)


def test_without_sentence_runs_with_write_scale_0_at_its_words():
    """s_t = 0 at the words of one sentence and nowhere else; all at once or one by one."""
    model = machine()
    found = evidence(model, VOCABULARY, QUESTION)
    number = VOCABULARY.answers.index(found.answer)
    batch = VOCABULARY.batch([QUESTION])
    numbers = torch.tensor(sentence_of_each_word(QUESTION.story, QUESTION.question))
    each = without_each_sentence(model, VOCABULARY, QUESTION)
    assert len(each) == len(QUESTION.story)
    for sentence, probability in enumerate(each):
        scale = (numbers != sentence).double().unsqueeze(-1)
        with torch.no_grad():
            logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at, write_scale=scale)
        assert probability == pytest.approx(logits[0].softmax(-1)[number].item())
        assert without_sentence(model, VOCABULARY, QUESTION, sentence) == pytest.approx(probability)
    other = without_each_sentence(model, VOCABULARY, QUESTION, answer=found.others[0][0])
    assert other != each


# --- a machine that has learned -------------------------------------------------------------------

COLOURS = ("red", "green", "blue")
FILLERS = (("the", "dog", "barks"), ("rain", "falls"), ("a", "bird", "sings", "loudly"))


def colour_question(rng: random.Random) -> Question:
    """Fillers, and one sentence at a random place that says the colour asked for."""
    story = [rng.choice(FILLERS) for _ in range(rng.randint(2, 5))]
    place, colour = rng.randint(0, len(story)), rng.choice(COLOURS)
    story.insert(place, ("it", "is", colour))
    return Question(tuple(story), ("what", "colour"), colour, (place,))


@pytest.fixture(scope="module")
def trained():
    """A feed-forward NTM, which can know the colour through its memory alone."""
    rng = random.Random(0)
    questions = [colour_question(rng) for _ in range(400)]
    vocabulary = Vocabulary.of(questions)
    model = machine("NTM", vocabulary, torch.float32, controller="feedforward", read_heads=1)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(150):
        batch = vocabulary.batch([questions[(step * 32 + i) % 400] for i in range(32)])
        logits, _ = model(batch.tokens, lengths=batch.lengths, at=batch.at)
        optimizer.zero_grad()
        cross_entropy(logits, batch.answers).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model, vocabulary, [colour_question(rng) for _ in range(150)]


def test_a_trained_machine_owes_its_answer_to_the_sentence_that_tells(trained):
    model, vocabulary, questions = trained
    found = hit_rate(model, vocabulary, questions)
    chance = sum(1 / len(question.story) for question in questions) / len(questions)
    last = sum(question.supporting[0] == len(question.story) - 1 for question in questions)
    assert found.questions == 150
    assert found.chance == pytest.approx(chance)
    assert found.last_sentence == last / 150
    assert found.rate == found.hits / 150
    assert found.rate > 0.7 > 2 * max(found.chance, found.last_sentence)
    assert f"{found.rate:.1%} of 150" in str(found)


def test_leaving_out_the_telling_sentence_costs_the_answer_and_a_filler_costs_nothing(
    trained,
):
    model, vocabulary, questions = trained
    with_fact, with_filler = [], []
    for question in questions[:40]:
        whole = evidence(model, vocabulary, question).probability
        for sentence, probability in enumerate(without_each_sentence(model, vocabulary, question)):
            drop = whole - probability
            (with_fact if sentence in question.supporting else with_filler).append(drop)
    assert sum(with_fact) / len(with_fact) > 0.3
    assert abs(sum(with_filler) / len(with_filler)) < 0.1


def test_hit_rate_counts_by_hand_over_several_chunks_and_skips_questions_without_facts():
    model = machine()
    bare = [Question(q.story, q.question, q.answer) for q in QUESTIONS[:3]]
    many = QUESTIONS * 6  # more than one pass
    found = hit_rate(model, VOCABULARY, [*bare, *many])
    hits = sum(
        evidence(model, VOCABULARY, question).ranked[0] in question.supporting
        for question in QUESTIONS
    )
    assert (found.questions, found.hits) == (120, 6 * hits)


# --- what cannot be asked -------------------------------------------------------------------------


def test_models_that_write_to_no_memory_are_refused():
    lstm = machine("LSTM")
    assert not can_trace(lstm)
    assert can_trace(machine())
    assert not can_trace(machine().core)
    calls = [
        lambda model: evidence(model, VOCABULARY, QUESTION),
        lambda model: hit_rate(model, VOCABULARY, QUESTIONS),
        lambda model: without_sentence(model, VOCABULARY, QUESTION, 0),
        lambda model: write_evidence(model, VOCABULARY.batch([QUESTION])),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="WordModel of LSTM, which has no memory to write to"):
            call(lstm)
        with pytest.raises(ValueError, match="expected a WordModel of NTM or LNTM, got LNTM"):
            call(machine().core)


def test_bad_questions_get_a_sentence_that_says_what_was_expected():
    model = machine()
    strange = Question((("zorg", "moved"),), ("where", "is", "mary"), "garden")
    with pytest.raises(ValueError, match="unknown word 'zorg'"):
        evidence(model, VOCABULARY, strange)
    with pytest.raises(ValueError, match=r"expected an answer among .*, got 'moon'"):
        evidence(model, VOCABULARY, QUESTION, answer="moon")
    with pytest.raises(ValueError, match=r"expected an answer among .*, got 'moon'"):
        without_sentence(model, VOCABULARY, QUESTION, 0, answer="moon")
    for sentence in (-1, len(QUESTION.story)):
        with pytest.raises(ValueError, match=f"expected a sentence from 0 to .*, got {sentence}"):
            without_sentence(model, VOCABULARY, QUESTION, sentence)
    bare = [Question(q.story, q.question, q.answer) for q in QUESTIONS]
    with pytest.raises(ValueError, match="expected questions that name supporting facts, got 20"):
        hit_rate(model, VOCABULARY, bare)
