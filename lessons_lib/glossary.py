"""One glossary: each idea with its symbol, its name in the code, its shape and its lesson.

Shapes: B batch, T steps, I inputs, C controller units, H heads, R read pointers, S slots, W width.
"""

from __future__ import annotations

from dataclasses import dataclass

from IPython.display import Markdown


@dataclass(frozen=True)
class Entry:
    """One idea: `term`, the papers' `symbol` (LaTeX), `shape`, `name` in the code.

    `lesson` is where it is first met, `meaning` one sentence.
    """

    term: str
    symbol: str
    shape: str
    name: str
    lesson: int
    meaning: str


ENTRIES = (
    Entry("input", "x_t", "(T, B, I)", "inputs", 1, "What comes in at step t."),
    Entry("hidden state", "h_t", "(B, C)", "hidden", 1, "What a recurrent network carries on."),
    Entry("output", "o_t", "(T, B, output_size)", "outputs", 1, "What the network says at step t."),
    Entry("valid steps", "T_b", "(B,)", "lengths", 1, "How many steps of a sequence are real."),
    Entry("answer step", "t_b", "(B,)", "at", 1, "The one step of a sequence whose output counts."),
    Entry("gradient bound", "v", "number", "max_norm", 1, "Gradients above this norm are scaled."),
    Entry("cell state", "c_t", "(B, C)", "cell", 2, "The LSTM's conveyor belt."),
    Entry("input gate", "i_t", "(B, C)", "input_gate", 2, "How much new content is taken in."),
    Entry("forget gate", "f_t", "(B, C)", "forget_gate", 2, "How much of the cell is kept."),
    Entry("output gate", "o_t", "(B, C)", "output_gate", 2, "How much of the cell is shown."),
    Entry(
        "candidate", r"\tilde c_t", "(B, C)", "candidate", 2, "The new content that is proposed."
    ),
    Entry("reset gate", "r_t", "(B, C)", "reset_gate", 2, "GRU: how much past the candidate sees."),
    Entry("update gate", "z_t", "(B, C)", "update_gate", 2, "GRU: how much of the past is kept."),
    Entry("memory", "M_t, S_t", "(B, S, W)", "memory", 3, "S slots of W numbers each; the tape."),
    Entry("slots", "S", "number", "slots", 3, "How many rows the memory has."),
    Entry("width", "W", "number", "width", 3, "How many numbers stand in one slot."),
    Entry("weighting", "w_t", "(B, H, S)", "weights", 3, "How much each slot counts; sums to 1."),
    Entry("reads", "r_t", "(B, R, W)", "reads", 3, "The mixture of slots that a head reads."),
    Entry("erase vector", "e_t", "(B, H, W)", "erase_vector", 3, "Which numbers a write fades."),
    Entry("add vector", "a_t", "(B, H, W)", "add_vector", 3, "What a write adds."),
    Entry("key", "k_t, c_t", "(B, H, W)", "key", 4, "What a head looks for in the memory."),
    Entry("key strength", r"\beta_t", "(B, H)", "key_strength", 4, "How sharply it looks."),
    Entry("content weighting", "w^c_t", "(B, H, S)", "content", 4, "Where slots resemble the key."),
    Entry(
        "previous weighting", "w_{t-1}", "(B, H, S)", "previous", 4, "Where the head was before."
    ),
    Entry(
        "interpolation gate", "g_t", "(B, H)", "gate", 4, "Trust the key (1) or stay where it was."
    ),
    Entry(
        "interpolated weighting", "w^g_t", "(B, H, S)", "interpolated", 4, "What the gate lets on."
    ),
    Entry("shift", "s_t", "(B, H, 3)", "shift", 4, "A step back, staying, a step forward."),
    Entry(
        "shifted weighting", r"\tilde w_t", "(B, H, S)", "shifted", 4, "The weighting, moved along."
    ),
    Entry("sharpening", r"\gamma_t", "(B, H)", "sharpening", 4, "Undoes the blur of shifting."),
    Entry("memory before", "M_{t-1}", "(B, S, W)", "memory_before", 5, "What a step found."),
    Entry("memory after", "M_t", "(B, S, W)", "memory_after", 5, "What a step left."),
    Entry("memory start", "M_0", "a word", "memory_init", 5, "What the memory holds at first."),
    Entry("kernels", "K", "(R, W, k)", "kernels", 6, "Patterns that are looked for at each slot."),
    Entry("scores", "w^l_t", "(B, R, S)", "scores", 6, "How well each slot fits a kernel."),
    Entry("global map", "w^l_t", "(B, R, S)", "global_map", 6, "The scores made into a weighting."),
    Entry("add gate", "f_t", "(B, H)", "add_gate", 6, "Whether a word is stored at all."),
    Entry("read pointers", "R", "number", "read_pointers", 6, "How many places are read at once."),
)


def table(lesson: int | None = None) -> Glossary:
    """Return the glossary as a table, or only what one lesson introduces.

    Raises:
        ValueError: no entry belongs to that lesson.
    """
    chosen = [entry for entry in ENTRIES if lesson in (None, entry.lesson)]
    if not chosen:
        raise ValueError(f"expected a lesson that introduces terms, got {lesson!r}")
    head = ["| term | symbol | in the code | shape | lesson | meaning |", "|---|" + "---|" * 5]
    return Glossary("\n".join(head + [_row(entry) for entry in chosen]))


def find(name: str) -> Entry:
    """Return the entry of a name in the code. Raises ValueError where there is none."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise ValueError(f"expected a name from the glossary, got {name!r}")


class Glossary(Markdown):
    """A Markdown table whose text form is the same on every run."""

    def __repr__(self) -> str:
        """Return the table's own text."""
        return self.data


def _row(entry: Entry) -> str:
    cells = (
        entry.term,
        f"${entry.symbol}$",
        f"`{entry.name}`",
        entry.shape,
        str(entry.lesson),
        entry.meaning,
    )
    return f"| {' | '.join(cells)} |"
