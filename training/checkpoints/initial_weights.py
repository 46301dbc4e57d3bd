"""Reads weights to begin with: a checkpoint of this program, or another program's state dict.

`load_initial` copies the tensors that fit in name and shape and reports the others. A network that
learned other labels gives its features whole and its classifier row by row.
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
from training.checkpoints.checkpoint import (
    CHECKPOINT_FORMAT,
    describe_other_form,
    read_facts,
)
from training.checkpoints.digest import hash_weights
from training.checkpoints.origins import WeightOrigin, name_origin, read_origins
from training.config.run_config import DataFacts, RunConfig
from training.datasets.expression_words import name_expression
from training.network.dlib_backbone import DlibBackbone
from training.network.dlib_file import (
    DLIB_SUFFIX,
    is_dlib_file,
    read_dlib,
)
from training.network.model import DaclNet

Kind = Literal["checkpoint", "compact checkpoint", "state dict", "dlib"]
HEAD = ("classifier.weight", "classifier.bias")
# Keys under which other programs store the state dict.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
MAX_LISTED_NAMES = 2  # of tensors in one line; more are only counted


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights in a file. A plain state dict has no recipe, no labels and no centres."""

    path: Path
    kind: Kind
    tensors: dict[str, Tensor]
    config: RunConfig | None = None
    facts: DataFacts | None = None
    step: int | None = None
    centres: Tensor | None = None  # (K, d)
    origins: tuple[WeightOrigin, ...] = ()  # what these weights began with


@dataclass(frozen=True, slots=True)
class InitReport:
    """The tensors that were copied into a network, and the others. Names are the network's,
    except for the file's in `unexpected`."""

    path: Path
    kind: Kind
    matched: tuple[str, ...]
    missing: tuple[str, ...]  # in the network only
    unexpected: tuple[str, ...]  # in the file only
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]  # name, file's, network's
    carried: tuple[tuple[str, str], ...] = ()  # (label, the file's label whose row it took)
    fresh: tuple[str, ...] = ()  # labels whose rows stay random
    origins: tuple[WeightOrigin, ...] = ()  # of the weights, the file itself last

    def summary(self) -> str:
        """Sums the report up in one line."""
        parts = [f"{len(self.matched)} tensors taken"]
        for names, what in (
            (self.missing, "not in the file, which begin anew"),
            (
                [entry[0] for entry in self.mismatched],
                "of another shape, which begin anew",
            ),
            (self.unexpected, "in the file only"),
        ):
            if names:
                listed = f" ({', '.join(names)})" if len(names) <= MAX_LISTED_NAMES else ""
                parts.append(f"{len(names)} {what}{listed}")
        text = f"{self.path} ({self.kind}): {', '.join(parts)}"
        if self.carried:
            pairs = [a if a == b else f"{a} (as {b})" for a, b in self.carried]
            text += f"; labels carried over: {', '.join(pairs)}"
        if self.fresh:
            text += f"; new labels: {', '.join(self.fresh)}"
        return text + "."

    def lines(self) -> list[str]:
        """Lists all tensors, one a line."""
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
    """Maps each row of `labels` to the row of `known` with the same meaning. The same word goes
    before an alias, and each row of `known` serves one label only.

    >>> match_label_rows(["Happy", "sad", "calm"], ["sadness", "happiness"])
    {0: 1, 1: 0}
    """
    rows: dict[int, int] = {}
    for spelling in (str, name_expression):
        theirs = [spelling(label) for label in known]
        for row, label in enumerate(labels):
            word = spelling(label)
            if row not in rows and word in theirs and theirs.index(word) not in rows.values():
                rows[row] = theirs.index(word)
    return rows


def read_weights(path: Path) -> Weights:
    """Reads the weights of a file that torch saved.

    Raises `TrainingError` for a file that is missing or holds no weights, `DataError` for a pipe.
    """
    check_regular(path)
    try:
        check_stored(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as cause:
        raise TrainingError(f"The weights {path} are missing.") from cause
    except Exception as cause:  # a damaged pickle may raise any error
        hint = describe_other_form(path) or (
            "holds no weights that can be read safely. Give a checkpoint of this program, a state "
            f"dict that torch.save wrote, or dlib's network as a {DLIB_SUFFIX} file"
        )
        raise TrainingError(f"{path} {hint}.") from cause
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


def read_dlib_weights(path: Path, config: RunConfig) -> Weights:
    """Reads the weights of dlib's network, for a run of the recipe `config`, which the result
    carries. Raises `TrainingError`."""
    channels = 1 if config.train.colour == "grey" else 3
    return Weights(path, "dlib", read_dlib(path, channels=channels), config=config)


def _dlib(net: DaclNet, path: Path) -> Weights:
    channels = net.backbone.channels if isinstance(net.backbone, DlibBackbone) else 1
    tensors = read_dlib(path, channels=channels)
    if not isinstance(net.backbone, DlibBackbone):
        raise TrainingError(
            f"{path} is dlib's network. Add --recipe dlib; in training.compare, which has no "
            "--recipe, --backbone dlib --size-px 112."
        )
    return Weights(path, "dlib", tensors)


def name_weights(weights: Weights) -> WeightOrigin:
    """Names a file of weights as an origin. Raises `TrainingError` where it is gone meanwhile."""
    path, facts = weights.path, weights.facts
    dataset = None if facts is None else facts.dataset
    return name_origin(weights.kind, path.name, dataset, hash_weights(path))


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
            origins=read_origins(state),
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
    """Translates torchvision's name of a ResNet's tensor into this program's; others stay.

    Args:
        name: Name in a state dict.
        blocks: Blocks of each stage.

    >>> translate_name("layer2.0.bn1.weight", blocks=2), translate_name("fc.bias", blocks=2)
    ('backbone.stages.2.norm1.weight', 'classifier.bias')
    """
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
    """Copies tensors of a file into `net` that have the same name and shape.

    dlib's network has norms that only scale and shift; `training.run.begin.load_beginning` measures
    them.

    Args:
        net: Changed in place; unchanged after an error.
        path: A checkpoint, a state dict, or dlib's file.
        labels: The network's labels, in order. Where the file names its own, the classifier takes
            the rows of shared labels; None treats the classifier like any other tensor.
        centres: `(K, d)`, changed in place: takes the file's rows of shared labels.

    Returns:
        The names of the tensors that fit and of those that do not.

    Raises:
        TrainingError: Nothing fits.
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
    for name in (*matched, *heads):
        if not weights.tensors[theirs[name]].isfinite().all():
            raise TrainingError(
                f"{path} holds numbers that are not finite, in {theirs[name]}. Give other weights."
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
        origins=(*weights.origins, name_weights(weights)),
    )


def _copy_rows(target: Tensor, source: Tensor, rows: Mapping[int, int]) -> None:
    for row, source_row in rows.items():
        target[row].copy_(source[source_row])
