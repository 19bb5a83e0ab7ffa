"""A course on neural memory, and the library behind its lessons.

    from lessons_lib import LNTM, NTM, load

Every model is called alike: ``outputs, state = model(inputs, state, lengths=…, at=…)``, and with
``trace=True`` it also returns a record of every intermediate of every step.
"""

from lessons_lib.checkpoints import load
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import GRU, LSTM, RNN
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.words import Vocabulary, WordModel

__all__ = [
    "GRU",
    "LNTM",
    "LSTM",
    "NTM",
    "RNN",
    "HeadTrace",
    "Trace",
    "Vocabulary",
    "WordModel",
    "load",
]
