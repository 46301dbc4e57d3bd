"""Weights to begin with, from a file: a checkpoint of this program or a state dict of one's own.

`load_initial` copies what fits in name and shape and says what it did not copy. A network that
learned other labels lends its features whole and its classifier row by row.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from app.errors import TrainingError
from training.base.regular_file import check_regular
from training.base.zip_size import check_stored
from training.checkpoints.checkpoint import CHECKPOINT_FORMAT, read_facts
from training.config.run_config import DataFacts, RunConfig
from training.datasets.expression_words import name_expression
from training.network.dlib_backbone import DlibBackbone
from training.network.dlib_file import is_dlib_file, read_dlib
from training.network.model import DaclNet

Kind = Literal["checkpoint", "compact checkpoint", "state dict", "dlib"]
HEAD = ("classifier.weight", "classifier.bias")
# Where other programs keep the state dict within what they save.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")


@dataclass(frozen=True, slots=True)
class Weights:
    """What a file holds. A plain state dict knows neither recipe nor labels nor centres."""

    path: Path
    kind: Kind
    tensors: dict[str, Tensor]
    config: RunConfig | None = None
    facts: DataFacts | None = None
    step: int | None = None
    centres: Tensor | None = None  # (K, d)


@dataclass(frozen=True, slots=True)
class InitReport:
    """What was copied into a network and what was not. Tensors are called by the network's names,
    but those in `unexpected` by the file's."""

    path: Path
    kind: Kind
    matched: tuple[str, ...]
    missing: tuple[str, ...]  # in the network only
    unexpected: tuple[str, ...]  # in the file only
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]  # name, file's, network's
    carried: tuple[tuple[str, str], ...] = ()  # (label, the file's label whose row it took)
    fresh: tuple[str, ...] = ()  # labels whose rows start from chance

    def summary(self) -> str:
        """One line."""
        parts = [f"{len(self.matched)} tensors taken"]
        for names, what in (
            (self.missing, "missing there"),
            (self.mismatched, "of another shape"),
            (self.unexpected, "not known here"),
        ):
            if names:
                parts.append(f"{len(names)} {what}")
        text = f"{self.path} ({self.kind}): {', '.join(parts)}"
        if self.carried:
            pairs = [a if a == b else f"{a} (as {b})" for a, b in self.carried]
            text += f"; labels carried over: {', '.join(pairs)}"
        if self.fresh:
            text += f"; new labels: {', '.join(self.fresh)}"
        return text + "."

    def lines(self) -> list[str]:
        """The full lists, a tensor a line."""
        return [
            *(f"taken: {name}" for name in self.matched),
            *(f"missing in the file: {name}" for name in self.missing),
            *(
                f"other shape: {name} is {theirs} in the file, {ours} in the network"
                for name, theirs, ours in self.mismatched
            ),
            *(f"not known here: {name}" for name in self.unexpected),
        ]


def match_label_rows(labels: Sequence[str], known: Sequence[str]) -> dict[int, int]:
    """Row of `labels` -> row of `known` that says the same. The same word goes before an alias, and
    each row of `known` goes to one label only."""
    rows: dict[int, int] = {}
    for spelling in (str, name_expression):
        theirs = [spelling(label) for label in known]
        for row, label in enumerate(labels):
            word = spelling(label)
            if row not in rows and word in theirs and theirs.index(word) not in rows.values():
                rows[row] = theirs.index(word)
    return rows


def read_weights(path: Path) -> Weights:
    """Raises `TrainingError` when the file is missing or holds no weights, `DataError` for a
    pipe."""
    check_regular(path)
    try:
        check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as cause:
        raise TrainingError(f"The weights {path} are missing.") from cause
    except Exception as cause:  # a damaged pickle raises whatever it stumbles over
        raise TrainingError(
            f"{path} holds no weights that can be read safely. Give a checkpoint of this program, "
            "or a state dict that torch.save wrote."
        ) from cause
    if isinstance(state, dict) and "recommended" in state and "config" in state:
        return _own(path, state)
    while isinstance(state, dict) and (found := [key for key in WRAPPERS if key in state]):
        if not isinstance(state[found[0]], dict):
            break
        state = state[found[0]]
    tensors: dict[str, Tensor] = {}
    if isinstance(state, Mapping):
        for key, value in state.items():
            if isinstance(value, Tensor):
                tensors[str(key).removeprefix("module.")] = value
    if not tensors:
        raise TrainingError(f"{path} holds no state dict: no tensors with names were found in it.")
    return Weights(path, "state dict", tensors)


def _dlib(net: DaclNet, path: Path) -> Weights:
    if not isinstance(net.backbone, DlibBackbone):
        raise TrainingError(f"{path} is dlib's network. Add --backbone dlib and --size-px 112.")
    channels = net.backbone.channels
    return Weights(path, "dlib", read_dlib(path, channels=channels))


def _own(path: Path, state: dict[str, Any]) -> Weights:
    if state.get("format") != CHECKPOINT_FORMAT:
        raise TrainingError(f"{path} is not a checkpoint that this version of the program reads.")
    try:
        return Weights(
            path=path,
            kind="checkpoint" if "optimizer" in state else "compact checkpoint",
            tensors=state[state["recommended"]],
            config=RunConfig.from_dict(state["config"]),
            facts=read_facts(state),
            step=state["step"],
            centres=state.get("centres", {}).get("centres"),
        )
    except (KeyError, TypeError, AttributeError) as cause:
        raise TrainingError(f"{path} is a damaged checkpoint: it lacks {cause}.") from cause


_BLOCK = re.compile(r"layer([1-4])\.(\d+)\.(conv1|bn1|conv2|bn2|downsample\.0|downsample\.1)\.(.+)")
_PARTS = {
    "bn1": "norm1",
    "bn2": "norm2",
    "downsample.0": "shortcut.0",
    "downsample.1": "shortcut.1",
}


def translate_name(name: str, blocks: int) -> str:
    """torchvision's name of a ResNet's tensor -> ours, for stages of `blocks`; others unchanged."""
    if (match := _BLOCK.fullmatch(name)) and int(match[2]) < blocks:
        stage = (int(match[1]) - 1) * blocks + int(match[2])
        return f"backbone.stages.{stage}.{_PARTS.get(match[3], match[3])}.{match[4]}"
    for theirs, ours in (
        ("conv1.", "backbone.stem.0."),
        ("bn1.", "backbone.stem.1."),
        ("fc.", "classifier."),
    ):
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


@torch.no_grad()
def load_initial(
    net: DaclNet,
    path: Path,
    *,
    labels: Sequence[str] | None = None,
    centres: Tensor | None = None,
) -> InitReport:
    """Copies into `net` what the file has under the same name and in the same shape.

    With `labels` (the network's, in order) and a file that names its own, the classifier takes the
    rows of the labels that both know, and `centres (K, d)`, where given, those rows of the file's.
    Without, the classifier is a tensor like any other. The norms of dlib's network only scale and
    shift; `training.run.begin.begin_with` measures them. Raises `TrainingError` when nothing fits;
    `net` then stays as it was.
    """
    check_regular(path)
    weights = _dlib(net, path) if is_dlib_file(path) else read_weights(path)
    known = weights.facts.labels if weights.facts is not None else ()
    by_row = bool(labels and known)
    rows = match_label_rows(labels or (), known)
    ours: dict[str, Tensor] = net.state_dict()
    theirs = {translate_name(name, net.config.blocks): name for name in weights.tensors}
    matched: list[str] = []
    heads: list[str] = []
    mismatched: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = []
    for name in ours.keys() & theirs.keys():
        source, target = weights.tensors[theirs[name]], ours[name]
        if by_row and name in HEAD and source.shape[1:] == target.shape[1:]:
            heads.append(name)
        elif source.shape == target.shape:
            matched.append(name)
        else:
            mismatched.append((name, tuple(source.shape), tuple(target.shape)))
    if not any(name.startswith("backbone.") and ours[name].ndim for name in matched):
        raise TrainingError(
            f"Nothing in {path} fits this network: {len(mismatched)} of its tensors have another "
            "shape. Its width, blocks, stem and colour must be the same."
        )
    for name in matched:
        ours[name].copy_(weights.tensors[theirs[name]])
    for name in heads:
        _copy_rows(ours[name], weights.tensors[theirs[name]], rows)
    known_centres = weights.centres if by_row else None
    if (
        centres is not None
        and known_centres is not None
        and known_centres.shape[1:] == centres.shape[1:]
    ):
        _copy_rows(centres, known_centres, rows)
    order = list(ours).index
    return InitReport(
        path=path,
        kind=weights.kind,
        matched=tuple(sorted(matched, key=order)),
        # Counters of batches, which older files lack, change nothing.
        missing=tuple(n for n in ours if n not in theirs and not n.endswith("_batches_tracked")),
        unexpected=tuple(name for place, name in theirs.items() if place not in ours),
        mismatched=tuple(sorted(mismatched, key=lambda entry: order(entry[0]))),
        carried=tuple((labels[a], known[b]) for a, b in sorted(rows.items())) if labels else (),
        fresh=tuple(x for row, x in enumerate(labels or ()) if by_row and row not in rows),
    )


def _copy_rows(target: Tensor, source: Tensor, rows: Mapping[int, int]) -> None:
    for row, source_row in rows.items():
        target[row].copy_(source[source_row])
