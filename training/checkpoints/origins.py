"""Records which weights of elsewhere a network began with, and the notes that follow from them.

A checkpoint keeps the origins of its weights, and so do the checkpoints and files that are made of
it: an exported model names them in its contract, and its licence note speaks of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.base.licences import choose_licence

# The SHA-256 of the weights that dlib's author published, in the two forms that
# `training.network.dlib_file` reads. Other networks of the same shape have other authors.
DLIB_NAME = "dlib_face_recognition_resnet_model_v1"
PUBLISHED_BY_DLIB: dict[str, str] = {
    "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30": DLIB_NAME,  # the .dat
    # The .bin of face-api.
    "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589": DLIB_NAME,
}
DLIB_NOTE = (
    "Began with dlib's face recognition network, which its author Davis King put into the public "
    "domain; the rights to the three million pictures that it learned from were never cleared."
)
FOREIGN_NOTE = "Began with the weights {name}, which others made: check their terms."


@dataclass(frozen=True, slots=True)
class WeightOrigin:
    """Weights that a run began with. `name` is that of their file, or `DLIB_NAME` for the published
    network; for a checkpoint of this program it is the data that they learned from."""

    kind: str  # of `training.checkpoints.initial_weights.Kind`
    name: str
    sha256: str

    @property
    def is_own(self) -> bool:
        """True for a checkpoint of this program."""
        return "checkpoint" in self.kind


def name_origin(kind: str, file_name: str, dataset: str | None, sha256: str) -> WeightOrigin:
    """Names the origin of weights.

    Args:
        kind: The kind of the file.
        file_name: Its name.
        dataset: The data that a checkpoint of this program learned from.
        sha256: Its digest.

    >>> name_origin("checkpoint", "best.pt", "FER+", "0a")
    WeightOrigin(kind='checkpoint', name='FER+', sha256='0a')
    """
    known = PUBLISHED_BY_DLIB.get(sha256)
    return WeightOrigin(kind, known or dataset or file_name, sha256)


def read_origins(state: Mapping[str, Any]) -> tuple[WeightOrigin, ...]:
    """Reads the origins in a checkpoint's state; older checkpoints have none."""
    return tuple(WeightOrigin(**entry) for entry in state.get("origins", ()))


def write_origins(origins: Iterable[WeightOrigin]) -> list[dict[str, str]]:
    """Makes the entry of a checkpoint's state, or of a contract's recipe."""
    return [asdict(origin) for origin in dict.fromkeys(origins)]


def list_origin_notes(origins: Sequence[WeightOrigin], dataset: str) -> list[str]:
    """Lists the sentences that a licence note needs beside that of the network's own data.

    Args:
        origins: The origins of its weights.
        dataset: The data that it learned from last.

    >>> list_origin_notes([WeightOrigin("state dict", "faces.pth", "0a")], "FER+")
    ['Began with the weights faces.pth, which others made: check their terms.']
    >>> list_origin_notes([WeightOrigin("checkpoint", "FER+", "0a")], "FER+")
    []
    """
    notes = []
    for origin in origins:
        if origin.is_own:
            if origin.name != dataset:
                notes.append(
                    f"Began with a network of {origin.name}. {choose_licence(origin.name)}"
                )
        elif origin.name == DLIB_NAME:
            notes.append(DLIB_NOTE)
        else:
            notes.append(FOREIGN_NOTE.format(name=origin.name))
    return list(dict.fromkeys(notes))


def describe_origins(origins: Sequence[WeightOrigin]) -> str:
    """Describes weights of elsewhere for a contract's method; "" where there are none.

    >>> describe_origins([WeightOrigin("dlib", DLIB_NAME, "0a")])
    '; began with dlib_face_recognition_resnet_model_v1'
    """
    names = dict.fromkeys(origin.name for origin in origins if not origin.is_own)
    return f"; began with {', '.join(names)}" if names else ""


def complete_licence(origins: Sequence[WeightOrigin], dataset: str) -> str:
    """Makes the licence note of a network that learned from `dataset` and began with `origins`.

    >>> complete_licence([WeightOrigin("dlib", DLIB_NAME, "0a")], "FER+").endswith(DLIB_NOTE)
    True
    """
    return " ".join([choose_licence(dataset), *list_origin_notes(origins, dataset)])
