"""The command line: ``python -m lessons_lib train | evaluate | answer | list``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

import torch

from lessons_lib import commands, commands_evaluate
from lessons_lib.babi import SPLITS, VARIANTS

PROG = "python -m lessons_lib"

DESCRIPTION = """\
Train, measure and ask the models of the course on neural memory.

CHECKPOINT is a shipped name (see "list") or the path of a .pt file with its .json beside it.
RECIPE is a name that "list" shows."""

TRAIN = """\
Train a recipe. Leaves in the output folder a state to resume from, and at the end the checkpoint
(.pt) and its run record (.json). Where the folder holds a state of the same recipe and seed, the
training goes on from there. Ctrl-C pauses it; the same command goes on. Several seeds train in a
process each. A run record instead of a name trains what it records, with its seed."""

TRAIN_EXAMPLES = """\
examples:
  python -m lessons_lib train lntm-qa1
  python -m lessons_lib train ntm-copy --seed 3 --out runs/copy
  python -m lessons_lib train lntm-qa1 --steps 200 --out runs/short --quiet
  python -m lessons_lib train copy-live --seeds 0-9 --jobs 2
  python -m lessons_lib train data/checkpoints/lntm-qa1.json --out runs/again"""

EVALUATE = """\
Measure a trained model with its weights fixed, on examples that training never met.

DATA is an algorithmic task or a story task, made afresh, or a bAbI file, folder or archive
(.tar.gz). A task made afresh has the parameters that the checkpoint was trained with."""

EVALUATE_EXAMPLES = """\
examples:
  python -m lessons_lib evaluate ntm-copy copy --length 120 --count 50
  python -m lessons_lib evaluate lntm-qa1 qa1 --count 10000
  python -m lessons_lib evaluate lntm-qa1 tasks_1-20_v1-2.tar.gz --split test --json
  python -m lessons_lib evaluate lntm-qa1 qa1_valid.txt --evidence"""

ANSWER = """\
Read a story and a question from standard input and answer it: the answer, its probability, the
runner-up, and the sentences that carried the answer, by gradient x write of its logit. One
sentence a line; the question is the last line and ends with "?"."""

ANSWER_EXAMPLES = """\
example:
  python -m lessons_lib answer lntm-qa1 <<END
  Mary moved to the bathroom.
  John went to the hallway.
  Where is Mary?
  END"""


MOST_SEEDS = 1000


class Parser(argparse.ArgumentParser):
    """argparse's parser, which says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and leave with exit code 2."""
        self.exit(2, f"{self.prog}: error: {message} (--help says more)\n")


def parser() -> Parser:
    """Return the parser of the whole command line."""
    top = Parser(
        prog=PROG, description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"lessons-lib {version('lessons-lib')}")
    commands_ = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands_)
    _add_evaluate(commands_)
    _add_answer(commands_)
    text = "Show the shipped checkpoints, the recipes and the tasks."
    _add(commands_, "list", commands.show, text, "")
    return top


def _add(commands_, name: str, run, description: str, examples: str) -> Parser:
    one = commands_.add_parser(
        name,
        help=" ".join(description.split(".")[0].split()),
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    one.set_defaults(run=run)
    return one


def _add_train(commands_) -> None:
    one = _add(commands_, "train", commands.train, TRAIN, TRAIN_EXAMPLES)
    one.add_argument(
        "recipe", metavar="RECIPE", help='a recipe\'s name, see "list"; or a run record (.json)'
    )
    one.add_argument(
        "--seed",
        "--seeds",
        dest="seeds",
        type=_seeds,
        metavar="N",
        help="of start and batches: 3, or several, 0-9 or 0,2,5 (default: 0, or the record's)",
    )
    one.add_argument(
        "--jobs", type=_from(1), default=1, metavar="N", help="seeds trained at once (default: 1)"
    )
    one.add_argument("--out", metavar="DIR", default="runs", help="folder (default: runs)")
    one.add_argument("--steps", type=_from(1), metavar="N", help="updates (default: the recipe's)")
    one.add_argument(
        "--device", type=_device, help="cpu, cuda, ... (default: a GPU where there is one)"
    )
    one.add_argument("--threads", type=_from(1), metavar="N", help="of torch (default: torch's)")
    one.add_argument("--quiet", action="store_true", help="no progress bar")


def _add_evaluate(commands_) -> None:
    one = _add(commands_, "evaluate", commands_evaluate.evaluate, EVALUATE, EVALUATE_EXAMPLES)
    one.add_argument("checkpoint", metavar="CHECKPOINT", help="a shipped name or a .pt file")
    one.add_argument("data", metavar="DATA", help="a task, or a bAbI file, folder or archive")
    one.add_argument(
        "--task", metavar="qaN", help="which task of DATA (default: the one trained on)"
    )
    one.add_argument(
        "--split",
        choices=SPLITS,
        help="of stories (default: what there is of test, valid and train, in this order)",
    )
    one.add_argument("--variant", choices=VARIANTS, help="of a bAbI archive (default: its first)")
    one.add_argument(
        "--length",
        type=_from(1),
        metavar="L",
        help="vectors, or items, of a sequence (default: drawn as in training)",
    )
    one.add_argument(
        "--slots",
        type=_from(1),
        metavar="S",
        help="run an NTM on a tape of S slots (default: as trained; enough for a longer copy)",
    )
    one.add_argument(
        "--count",
        type=_from(1),
        metavar="N",
        help="examples (default: 500 sequences, 1000 generated questions, all of a file)",
    )
    one.add_argument("--seed", type=_from(0), default=0, help="of what is made (default: 0)")
    one.add_argument(
        "--evidence",
        action="store_true",
        help="also measure how often the evidence points at a supporting fact",
    )
    one.add_argument("--json", action="store_true", help="print JSON")


def _add_answer(commands_) -> None:
    one = _add(commands_, "answer", commands.answer, ANSWER, ANSWER_EXAMPLES)
    one.add_argument("checkpoint", metavar="CHECKPOINT", help="a shipped name or a .pt file")


def _from(least: int):
    """Return an argparse type: a whole number of at least ``least``."""

    def whole(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) < 2**63):
            raise argparse.ArgumentTypeError(
                f"expected a whole number of at least {least}, got {text}"
            )
        return int(text)

    return whole


def _seeds(text: str) -> list[int]:
    """Return the seeds of "3", "0-9" or "0,2,5-7", each once, in that order."""
    whole, found = _from(0), []
    for part in text.split(","):
        ends = [whole(end) for end in part.split("-", 1)] if "-" in part[1:] else [whole(part)] * 2
        found += range(ends[0], min(ends[1], ends[0] + MOST_SEEDS) + 1)
    if not found or len(found) > MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"expected 1 to {MOST_SEEDS} seeds like 0-9, got {text}")
    return list(dict.fromkeys(found))


def _device(text: str) -> torch.device:
    """Return a device on which a tensor can be made."""
    try:
        device = torch.device(text)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).split("\n")[0]
        raise argparse.ArgumentTypeError(f"torch has no device {text!r} here: {reason}") from None
    return device


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    0 done; 1 the training met a NaN; 2 something asked for cannot be done, said in one line on
    standard error; 130 stopped by Ctrl-C.
    """
    asked = parser().parse_args(arguments)
    try:
        return asked.run(asked)
    except (ValueError, OSError) as error:
        print(f"{PROG}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
