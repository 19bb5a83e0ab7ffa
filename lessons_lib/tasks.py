"""The five tasks of the NTM paper (section 4), made afresh from a seed whenever they are needed.

A task is a frozen set of parameters; ``task.batch(size, generator)`` makes a ``Batch``. All
sequences of a batch share one length, so nothing is padded. Batches are made on the CPU, so that
they are the same on every machine, and moved by ``Batch.to``.

Copy, repeat copy, recall and sort have one layout: what is to be remembered, a marker, and then
the answer, during which the inputs are zeros. Only the steps of the answer count.
"""

import math
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from lessons_lib import ngrams
from lessons_lib.checks import expect

PURPOSES = ("train", "evaluate")


def stream(seed: int, purpose: str = "train", index: int = 0) -> torch.Generator:
    """Give the random numbers of batch ``index``: the same for the same seed, purpose and index.

    Batch ``i`` of a training is made from ``stream(seed, "train", i)``, whatever came before it,
    so a resumed training meets the batches it would have met. torch's CPU generator keeps only 32
    bits of a seed: the first of them is the purpose, so that training and evaluation never share
    a stream, under any seeds; the others mix seed and index. (Two streams may still make the same
    *short* sequence: one vector of 8 bits has only 256 values.) Raises ValueError for an unknown
    purpose, or where seed or index is not a whole number of at least 0.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"expected purpose to be one of {', '.join(PURPOSES)}; got {purpose!r}")
    _at_least(0, seed=seed, index=index)
    mixed = int(np.random.SeedSequence((seed, index)).generate_state(1)[0])
    return torch.Generator().manual_seed(PURPOSES.index(purpose) << 31 | mixed >> 1)


@dataclass(frozen=True, eq=False, repr=False)
class Batch:
    """One batch of sequences, all of the same length.

    ``inputs`` (T, B, input_size) and ``targets`` (T, B, output_size), the latter 0 or 1, and 0
    where they don't count; ``mask`` (T, B), bool, says which steps count. T steps, B sequences.
    """

    inputs: Tensor
    targets: Tensor
    mask: Tensor

    @property
    def lengths(self) -> Tensor:
        """Steps of each sequence, ``(B,)``: T for every one, since nothing is padded."""
        steps, size = self.mask.shape
        return torch.full((size,), steps, device=self.mask.device)

    def to(self, device: Any = None, dtype: torch.dtype | None = None) -> "Batch":
        """Move the batch to a device, and its inputs and targets to a floating-point dtype."""
        inputs = self.inputs.to(device=device, dtype=dtype)
        return Batch(inputs, self.targets.to(inputs), self.mask.to(inputs.device))

    def __repr__(self) -> str:
        """Give the sizes, not the numbers."""
        steps, size, channels = self.inputs.shape
        counted = int(self.mask[:, 0].sum()) if size else 0
        return (
            f"Batch({size} sequences of {steps} steps, {counted} of which count; "
            f"{channels} inputs, {self.targets.shape[-1]} outputs)"
        )


def loss(outputs: Tensor, batch: Batch) -> Tensor:
    """Mean cross-entropy, in nats per bit, over the steps that count.

    ``−mean [y ln σ(o) + (1 − y) ln(1 − σ(o))]`` with outputs ``o`` (T, B, output_size) before the
    sigmoid and targets ``y``. Raises ValueError where the outputs don't fit the batch.
    """
    return _cross_entropy(outputs, batch).sum() / (batch.mask.sum() * outputs.shape[-1])


def bits_per_sequence(outputs: Tensor, batch: Batch) -> Tensor:
    """Cost of each sequence in bits, ``(B,)``: the unit of the NTM paper's learning curves.

    ``−Σ [y log₂ σ(o) + (1 − y) log₂(1 − σ(o))]`` over the steps that count; outputs
    (T, B, output_size) come before the sigmoid. Raises ValueError where they don't fit the batch.
    """
    return _cross_entropy(outputs, batch).sum(dim=(0, 2)) / math.log(2)


def wrong_bits(outputs: Tensor, batch: Batch) -> Tensor:
    """Count the wrong bits of each sequence, ``(B,)``, over the steps that count.

    An output (T, B, output_size) above 0, so a probability above ½, says 1; any other says 0, and
    a NaN is always wrong. Raises ValueError where the outputs don't fit the batch.
    """
    _fit(outputs, batch)
    wrong = ((outputs > 0) != (batch.targets > 0.5)) | outputs.isnan()
    return (wrong & batch.mask[..., None]).sum(dim=(0, 2))


@dataclass(frozen=True)
class Copy:
    """Copy (NTM section 4.1): see random vectors, then a delimiter, then say the vectors again.

    Inputs: the bits, then one channel for the delimiter (``bits + 1``). Open in the paper, chosen
    here: there is no flag before the first vector; the answer starts the step after the delimiter.
    """

    bits: int = 8
    min_length: int = 1
    max_length: int = 20

    name: ClassVar[str] = "copy"
    length_name: ClassVar[str] = "length"

    def __post_init__(self) -> None:
        """Refuse parameters that make no task."""
        _at_least(1, bits=self.bits)
        _range("length", self.min_length, self.max_length)

    @property
    def input_size(self) -> int:
        """The bits and the delimiter."""
        return self.bits + 1

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    def batch(self, size: int, generator: torch.Generator, *, length: int | None = None) -> Batch:
        """Make ``size`` sequences of ``length`` vectors (drawn where not given).

        2·length + 1 steps, of which the last length count.
        """
        _at_least(1, size=size)
        length = _pick("length", length, self.min_length, self.max_length, generator)
        vectors = _random_bits(generator, length, size, self.bits)
        shown = vectors.new_zeros(length + 1, size, self.input_size)
        shown[:length, :, : self.bits] = vectors
        shown[length, :, self.bits] = 1
        return _then_answer(shown, vectors)


@dataclass(frozen=True)
class RepeatCopy:
    """Repeat copy (NTM section 4.2): say the vectors again n times, then an end marker.

    Inputs: the bits, a delimiter, and the number n on a channel of its own, brought to mean 0 and
    variance 1 over the training range. Outputs: the bits and the end marker, which counts too at
    every step of the answer. Open in the paper, chosen here: n comes on the step of the delimiter,
    a delimiter is there (an n in the middle of its range would otherwise look like no input), and
    the bits are 0 beside the end marker. An n beyond the training range is scaled just the same.
    """

    bits: int = 8
    min_length: int = 1
    max_length: int = 10
    min_repeats: int = 1
    max_repeats: int = 10

    name: ClassVar[str] = "repeat-copy"
    length_name: ClassVar[str] = "length"

    def __post_init__(self) -> None:
        """Refuse parameters that make no task."""
        _at_least(1, bits=self.bits)
        _range("length", self.min_length, self.max_length)
        _range("repeats", self.min_repeats, self.max_repeats)

    @property
    def input_size(self) -> int:
        """The bits, the delimiter and the number of repeats."""
        return self.bits + 2

    @property
    def output_size(self) -> int:
        """The bits and the end marker."""
        return self.bits + 1

    def repeats_signal(self, repeats: int) -> float:
        """Scale the number of repeats to mean 0, variance 1 over its (uniform) training range.

        ``(n − mean) / √((m² − 1) / 12)`` where the range has m values; 1 for the root if m = 1.
        """
        values = self.max_repeats - self.min_repeats + 1
        deviation = math.sqrt((values**2 - 1) / 12) or 1.0
        return (repeats - (self.min_repeats + self.max_repeats) / 2) / deviation

    def batch(
        self,
        size: int,
        generator: torch.Generator,
        *,
        length: int | None = None,
        repeats: int | None = None,
    ) -> Batch:
        """Make ``size`` sequences of one ``length`` and ``repeats``, drawn where not given.

        length + 1 steps are shown; the last length·repeats + 1 count.
        """
        _at_least(1, size=size)
        length = _pick("length", length, self.min_length, self.max_length, generator)
        repeats = _pick("repeats", repeats, self.min_repeats, self.max_repeats, generator)
        vectors = _random_bits(generator, length, size, self.bits)
        shown = vectors.new_zeros(length + 1, size, self.input_size)
        shown[:length, :, : self.bits] = vectors
        shown[length, :, self.bits] = 1
        shown[length, :, self.bits + 1] = self.repeats_signal(repeats)
        answer = vectors.new_zeros(length * repeats + 1, size, self.output_size)
        answer[:-1, :, : self.bits] = vectors.repeat(repeats, 1, 1)
        answer[-1, :, self.bits] = 1
        return _then_answer(shown, answer)


@dataclass(frozen=True)
class AssociativeRecall:
    """Associative recall (NTM section 4.3): shown a list and one item of it, say the next item.

    An item is ``item_length`` vectors. Inputs: the bits, the delimiter of items and the delimiter
    of the query (rows 7 and 8 of figure 12). Open in the paper, chosen here: one item delimiter
    before each item (it also ends the item before it), one query delimiter on either side of the
    query; any item but the last is asked for, each as often. Items are independent, so two of
    them may be alike: at the paper's 18 bits an item, about 1 list of 6 in 17,000 has such a pair.
    """

    bits: int = 6
    item_length: int = 3
    min_items: int = 2
    max_items: int = 6

    name: ClassVar[str] = "associative-recall"
    length_name: ClassVar[str] = "items"

    def __post_init__(self) -> None:
        """Refuse parameters that make no task: a lone item has no next one."""
        _at_least(1, bits=self.bits, item_length=self.item_length)
        _range("items", self.min_items, self.max_items, least=2)

    @property
    def input_size(self) -> int:
        """The bits, the item delimiter and the query delimiter."""
        return self.bits + 2

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    def batch(self, size: int, generator: torch.Generator, *, items: int | None = None) -> Batch:
        """Make ``size`` lists of ``items`` items (drawn where not given), a query for each.

        (items + 1)·(item_length + 1) + 1 steps are shown; the last item_length count.
        """
        _at_least(1, size=size)
        items = _pick("items", items, self.min_items, self.max_items, generator, least=2)
        vectors = _random_bits(generator, items, self.item_length, size, self.bits)
        asked = torch.randint(items - 1, (size,), generator=generator)
        query, answer = (
            vectors[which, :, torch.arange(size)].transpose(0, 1)  # (item_length, batch, bits)
            for which in (asked, asked + 1)
        )
        parts = [self._after_delimiter(item, self.bits) for item in vectors]
        parts.append(self._after_delimiter(query, self.bits + 1))
        parts.append(self._after_delimiter(query[:0], self.bits + 1))
        return _then_answer(torch.cat(parts), answer)

    def _after_delimiter(self, vectors: Tensor, channel: int) -> Tensor:
        """Put a delimiter on its channel before the vectors ``(steps, batch, bits)``."""
        steps, size, _ = vectors.shape
        part = vectors.new_zeros(steps + 1, size, self.input_size)
        part[0, :, channel] = 1
        part[1:, :, : self.bits] = vectors
        return part


@dataclass(frozen=True)
class DynamicNgrams:
    """Dynamic n-grams (NTM section 4.4): predict the next bit of a source drawn anew each time.

    At step t the input is bit t and the target bit t + 1 (so ``length − 1`` steps, one channel
    each way). The first ``context`` bits are fair coins and don't count as targets. The paper
    doesn't say whether it counts them; its figure 13 agrees with one bit more for each of them.
    ``optimal_cost`` is what the best possible predictor pays.
    """

    context: int = 5
    length: int = 200

    name: ClassVar[str] = "dynamic-ngrams"
    length_name: ClassVar[str] = "length"

    def __post_init__(self) -> None:
        """Refuse parameters that make no task: at least one bit must have a full context."""
        _at_least(1, context=self.context)
        _at_least(self.context + 1, length=self.length)

    @property
    def input_size(self) -> int:
        """One bit."""
        return 1

    @property
    def output_size(self) -> int:
        """One bit."""
        return 1

    def batch(self, size: int, generator: torch.Generator, *, length: int | None = None) -> Batch:
        """Make ``size`` sequences of ``length`` bits (the task's own where not given).

        length − 1 steps, of which the last length − context count.
        """
        _at_least(1, size=size)
        length = self.length if length is None else length
        _at_least(self.context + 1, length=length)
        tables = ngrams.draw_tables(size, self.context, generator)
        bits = ngrams.draw_bits(tables, length, generator)
        mask = torch.zeros(length - 1, size, dtype=torch.bool)
        mask[self.context - 1 :] = True
        targets = torch.where(mask, bits[1:], 0)
        return Batch(bits[:-1, :, None], targets[..., None], mask)

    def optimal_probabilities(self, batch: Batch) -> Tensor:
        """Give the best possible P(target = 1), (T, B, 1), NTM eq. 10; ½ where it doesn't count."""
        last = batch.targets[-1:]
        bits = torch.cat([batch.inputs, last])[..., 0].double()
        return ngrams.optimal_probability(bits, self.context)[1:, :, None]

    def optimal_cost(self, batch: Batch) -> Tensor:
        """Give what the best possible predictor pays, in bits per sequence ``(B,)``, NTM eq. 10."""
        return bits_per_sequence(torch.logit(self.optimal_probabilities(batch)), batch)


@dataclass(frozen=True)
class PrioritySort:
    """Priority sort (NTM section 4.5): say the vectors of highest priority, in their order.

    Inputs: the bits, the priority (uniform on [−1, 1)) and a delimiter. Open in the paper, chosen
    here: the highest comes first; of two equal priorities the one shown first; a delimiter step
    ends the list (the paper names none), so that its length may change.
    """

    bits: int = 8
    items: int = 20
    keep: int = 16

    name: ClassVar[str] = "priority-sort"
    length_name: ClassVar[str] = "items"

    def __post_init__(self) -> None:
        """Refuse parameters that make no task."""
        _at_least(1, bits=self.bits, keep=self.keep)
        _at_least(self.keep, items=self.items)

    @property
    def input_size(self) -> int:
        """The bits, the priority and the delimiter."""
        return self.bits + 2

    @property
    def output_size(self) -> int:
        """The bits."""
        return self.bits

    def batch(
        self,
        size: int,
        generator: torch.Generator,
        *,
        items: int | None = None,
        keep: int | None = None,
    ) -> Batch:
        """Make ``size`` lists of ``items`` vectors of which ``keep`` are asked for.

        items + 1 steps are shown; the last keep count.
        """
        items = self.items if items is None else items
        keep = self.keep if keep is None else keep
        _at_least(1, size=size, keep=keep)
        _at_least(keep, items=items)
        vectors = _random_bits(generator, items, size, self.bits)
        uniform = torch.rand(items, size, generator=generator, dtype=torch.float32)
        priority = 2 * uniform - 1
        shown = vectors.new_zeros(items + 1, size, self.input_size)
        shown[:items, :, : self.bits] = vectors
        shown[:items, :, self.bits] = priority
        shown[items, :, self.bits + 1] = 1
        order = priority.argsort(dim=0, descending=True, stable=True)[:keep]  # (keep, batch)
        return _then_answer(shown, vectors[order, torch.arange(size)])


Task = Copy | RepeatCopy | AssociativeRecall | DynamicNgrams | PrioritySort
TASKS: dict[str, type[Task]] = {
    task.name: task for task in (Copy, RepeatCopy, AssociativeRecall, DynamicNgrams, PrioritySort)
}


def make_task(name: str, **parameters: int) -> Task:
    """Make the task of that name, e.g. ``make_task("copy", max_length=10)``.

    Raises ValueError for an unknown name, an unknown parameter or a value that makes no task.
    """
    if name not in TASKS:
        raise ValueError(f"expected a task, one of {', '.join(TASKS)}; got {name!r}")
    known = [field.name for field in fields(TASKS[name])]
    unknown = [parameter for parameter in parameters if parameter not in known]
    if unknown:
        raise ValueError(
            f"expected parameters of {name} among {', '.join(known)}; got {', '.join(unknown)}"
        )
    return TASKS[name](**parameters)


def _then_answer(shown: Tensor, answer: Tensor) -> Batch:
    """Put the answer after what is shown: zeros as inputs, and only its steps count."""
    steps, size, _ = answer.shape
    inputs = torch.cat([shown, shown.new_zeros(steps, size, shown.shape[-1])])
    targets = torch.cat([answer.new_zeros(len(shown), size, answer.shape[-1]), answer])
    mask = torch.zeros(len(inputs), size, dtype=torch.bool)
    mask[len(shown) :] = True
    return Batch(inputs, targets, mask)


def _random_bits(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randint(2, shape, generator=generator).float()


def _fit(outputs: Tensor, batch: Batch) -> None:
    targets = batch.targets.to(outputs.dtype) if isinstance(outputs, Tensor) else batch.targets
    expect({}, targets=(targets, "steps batch bits"), outputs=(outputs, "steps batch bits"))


def _cross_entropy(outputs: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy in nats of each output (T, B, output_size), 0 where it doesn't count."""
    _fit(outputs, batch)
    outputs = outputs.to(torch.promote_types(outputs.dtype, torch.float32))  # sums need the range
    targets = batch.targets.to(outputs.dtype)
    cost = binary_cross_entropy_with_logits(outputs, targets, reduction="none")
    return torch.where(batch.mask[..., None], cost, 0)


def _pick(
    name: str, given: int | None, low: int, high: int, generator: torch.Generator, least: int = 1
) -> int:
    """Take the size given, or draw one of low..high, each as often."""
    if given is None:
        return int(torch.randint(low, high + 1, (), generator=generator))
    _at_least(least, **{name: given})
    return given


def _range(name: str, low: int, high: int, least: int = 1) -> None:
    _at_least(least, **{f"min_{name}": low})
    _at_least(low, **{f"max_{name}": high})


def _at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
            raise ValueError(f"expected {name} to be a whole number >= {least}, got {value!r}")
