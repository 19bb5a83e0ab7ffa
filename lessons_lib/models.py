"""The models by name, so that a recipe or a checkpoint can say which one it is."""

from torch import nn

from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.words import WordModel

MODELS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU, "NTM": NTM, "LNTM": LNTM}


def build(kind: str, *, words: int | None = None, dropout: float = 0.0, **options) -> nn.Module:
    """Make a model by name; with ``words`` under an embedding of that many words.

    ``dropout`` is that of the embedding.

    Raises:
        ValueError: there is no model of that name.
    """
    if kind not in MODELS:
        raise ValueError(f"expected a model among {', '.join(MODELS)}, got {kind!r}")
    core = MODELS[kind](**options)
    return core if words is None else WordModel(core, words, dropout=dropout)
