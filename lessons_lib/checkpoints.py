"""Trained models on disk: saved with vocabulary and run record, loaded safely by name or path."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import torch
from torch import nn

from lessons_lib import models, records
from lessons_lib.words import Vocabulary

_HERE = Path(__file__).parent
#: In an installed package the data lie inside it; in a clone, beside it.
DATA = _HERE / "data" if (_HERE / "data").is_dir() else _HERE.parent / "data"


def save(
    path: Path, model: nn.Module, settings: dict, vocabulary: Vocabulary | None, record: dict
) -> Path:
    """Write ``path.pt`` (weights, settings, vocabulary) and ``path.json`` (the run record).

    The record gains the SHA-256 of the weights' file, by which ``load`` knows that both belong
    together and are whole.
    """
    weights = path.with_name(path.name + ".pt")
    weights.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "settings": settings,
        "words": None if vocabulary is None else list(vocabulary.words),
        "answers": None if vocabulary is None else list(vocabulary.answers),
        "weights": {name: tensor.cpu() for name, tensor in model.state_dict().items()},
    }
    torch.save(content, weights)
    sealed = {**record, "sha256": records.sha256(weights), "settings": settings}
    records.write_json(path.with_name(path.name + ".json"), sealed)
    return weights


def shipped() -> list[str]:
    """Return the names of the checkpoints that come with the library."""
    return sorted(path.stem for path in (DATA / "checkpoints").glob("*.pt"))


def study(name: str) -> dict[str, list[dict]]:
    """Return a recorded study of ``data/studies``: for each recipe's name its seeds' records.

    Raises:
        FileNotFoundError: there is no such study; lists those there are.
    """
    path = DATA / "studies" / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.json")))
        raise FileNotFoundError(f"expected a study among {known}, got {name!r}")
    found: dict[str, list[dict]] = {}
    for entry in json.loads(path.read_text(encoding="utf-8"))["entries"]:
        found.setdefault(entry["recipe"]["name"], []).append(entry)
    return found


def load(name_or_path: str | Path) -> tuple[nn.Module, Vocabulary | None, dict]:
    """Load a trained model: ``model, vocabulary, record``.

    Args:
        name_or_path: a shipped name such as "ntm-copy", or the path of a ``.pt`` file with its
            ``.json`` beside it.

    Returns:
        The model in evaluation mode on the CPU; its vocabulary, None for algorithmic tasks; its
        run record.

    Raises:
        FileNotFoundError: there is no such checkpoint; lists the shipped ones.
        ValueError: the file does not match the SHA-256 in its record, or is no checkpoint.
    """
    path = Path(name_or_path)
    if str(name_or_path) in shipped():
        path = DATA / "checkpoints" / f"{name_or_path}.pt"
    if not path.is_file():
        raise FileNotFoundError(
            f"expected a path or a shipped checkpoint ({', '.join(shipped())}), got {name_or_path}"
        )
    beside = path.with_suffix(".json")
    if not beside.is_file():
        raise FileNotFoundError(f"expected the run record {beside} beside {path}")
    record = _record(beside)
    found = records.sha256(path)
    if found != record.get("sha256"):
        raise ValueError(
            f"{path} has SHA-256 {found}, its record says {record.get('sha256')}: "
            f"the file is damaged, or is not the one that the record describes"
        )
    content = _content(path)
    model = models.build(**content["settings"])
    model.load_state_dict(content["weights"])
    vocabulary = None
    if content["words"] is not None:
        vocabulary = Vocabulary(tuple(content["words"]), tuple(content["answers"]))
    return model.eval(), vocabulary, record


def _record(path: Path) -> dict:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"expected a run record as JSON in {path}, got: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"expected a run record in {path}, got a {type(record).__name__}")
    return record


def _content(path: Path) -> dict:
    content = read_tensors(path)
    wanted = {"settings", "words", "answers", "weights"}
    if not isinstance(content, dict) or not wanted <= content.keys():
        raise ValueError(f"expected a checkpoint with {', '.join(sorted(wanted))} in {path}")
    return content


def read_tensors(path: Path, device: torch.device | str = "cpu") -> object:
    """Read a file by torch's safe reader, which runs none of the file's own code.

    Raises:
        ValueError: the file is damaged, or holds more than tensors and plain values.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"expected a checkpoint of this library in {path}: {error}") from error
