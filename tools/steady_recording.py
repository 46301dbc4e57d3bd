"""What the real path (detector, follower, aligner, classifier) reads of the frames of
`tools.steady_scenes`, frame by frame and before any steadying, and a file to keep it in."""

import io
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.contract import Contract
from app.detection.search import FaceSearch
from app.errors import DataError
from app.pipeline import build_pipeline
from app.recognition.classifier import Classifier
from app.types import Face, Floats, Frame, Mode
from tools.made_frames import FacePicture, pack_faces
from tools.steady_scenes import PLACES, Camera, Shown, Stage
from training.datasets.pack_reader import read_pack

CLEAR = 0.8  # probability of a clearly recognised expression
DWELL_S = (1.5, 2.5)
FADES_S = (0.0, 1 / 30, 0.067, 0.1)


@dataclass(frozen=True, slots=True)
class Change:
    """At `time_s`, that of the first frame with a part of it, the place's face begins to become one
    of another expression; `before`, `after`: rows of the labels. `lasts_s`: until the next."""

    time_s: float
    fade_s: float
    before: int
    after: int
    lasts_s: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One place's face. `raw (F, K)`: probabilities of each frame, NaN where it was not found."""

    raw: Floats
    changes: tuple[Change, ...] = ()

    @property
    def seen(self) -> NDArray[np.bool_]:
        return np.isfinite(self.raw[:, 0])


@dataclass(frozen=True, slots=True)
class Recording:
    """`still` and `changing` are places of several runs; frame f is at f / `fps` seconds."""

    labels: tuple[str, ...]
    fps: float
    still: tuple[Reading, ...]
    changing: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """A picture that is found in a frame, and what is read of it there."""

    picture: FacePicture
    probabilities: Floats
    voted: str


def record(
    data: Path, model: Path, *, still_s: float, changing_s: float, scenes: int, seed: int
) -> Recording:
    """`scenes` of each of three kinds, of as many faces as `PLACES`, from the validation split of
    `data`: random faces that hold still; those that hold still nearest to where their label would
    change; and faces clearly recognised as what most annotators saw, which change."""
    rng = np.random.default_rng(seed)
    camera = Camera()
    classifier = Classifier(model, device="cpu")
    labels, count = classifier.labels, len(PLACES)
    with FaceSearch() as search:
        known = _known(data, search, classifier, count * (scenes + 12), rng)
        at_random, rest = known[: count * scenes], known[count * scenes :]
        nearest = sorted(rest, key=lambda one: _to_the_border(one, classifier.contract))
        still: list[Reading] = []
        for first in range(0, count * scenes, count):
            for chosen in (at_random[first:][:count], nearest[first:][:count]):
                plays = [[Shown(0.0, 0.0, row)] for row in range(len(chosen))]
                still += _read(search, classifier, chosen, plays, still_s, camera, rng)
        clear = [
            one
            for one in known
            if one.probabilities.max() >= CLEAR
            and labels[int(one.probabilities.argmax())] == one.voted
        ]
        changing: list[Reading] = []
        for _ in range(scenes):
            plays = [_changing_play(clear, changing_s, camera.fps, rng) for _ in PLACES]
            read = _read(search, classifier, clear, plays, changing_s, camera, rng)
            changing += [
                replace(one, changes=_changes(play, clear, changing_s))
                for one, play in zip(read, plays, strict=True)
            ]
    return Recording(labels, camera.fps, tuple(still), tuple(changing))


def _to_the_border(one: _Known, contract: Contract) -> float:
    """How many nats a face's reading is from another label, "unsure" included."""
    second, first = np.sort(one.probabilities)[-2:].tolist()
    doubt = abs(float(contract.measure_sureness_nats(one.probabilities[None])[0]))
    return min(doubt, float(np.log(first / max(second, 1e-6))))


def _known(
    data: Path,
    search: FaceSearch,
    classifier: Classifier,
    count: int,
    rng: np.random.Generator,
) -> list[_Known]:
    """Of `count` random faces those that a search finds in a noisy frame, and what is read of them
    there."""
    names = read_pack(data).meta.vote_names
    pictures = pack_faces(data, count, rng)
    pipeline = build_pipeline(search, classifier, Mode.PICTURES)
    found: list[_Known] = []
    for first in range(0, len(pictures), len(PLACES)):
        part = pictures[first : first + len(PLACES)]
        stage = Stage(rng, Camera())
        plays = [[Shown(0.0, 0.0, row)] for row in range(len(part))]
        for time_s, image in stage.frames(part, plays, 1 / Camera().fps):
            for face in pipeline.step(Frame(image, 0, time_s, "made")).faces:
                row = _place_of(face.face, stage.sides_px)
                if row is not None and row < len(part):
                    voted = names[int(part[row].votes.argmax())]
                    found.append(_Known(part[row], face.raw_probabilities, voted))
    return found


def _changing_play(
    clear: Sequence[_Known], seconds: float, fps: float, rng: np.random.Generator
) -> list[Shown]:
    """Faces of changing labels, each label as often as any other; a change falls on a frame."""
    by_label: dict[str, list[int]] = {}
    for row, one in enumerate(clear):
        by_label.setdefault(one.voted, []).append(row)
    if len(by_label) < 2:
        raise DataError("There are not two expressions that are clearly recognised. Add faces.")
    play: list[Shown] = []
    time_s, last = 0.0, ""
    while time_s < seconds - DWELL_S[0]:
        last = str(rng.choice([label for label in sorted(by_label) if label != last]))
        fade_s = FADES_S[int(rng.integers(len(FADES_S)))] if play else 0.0
        play.append(Shown(time_s, fade_s, int(rng.choice(by_label[last]))))
        time_s = round((time_s + rng.uniform(*DWELL_S)) * fps) / fps
    return play


def _changes(play: Sequence[Shown], clear: Sequence[_Known], end_s: float) -> tuple[Change, ...]:
    ends = [*(shown.begin_s for shown in play[1:]), end_s]
    tops = [int(clear[shown.source].probabilities.argmax()) for shown in play]
    return tuple(
        Change(play[n].begin_s, play[n].fade_s, tops[n - 1], tops[n], ends[n] - play[n].begin_s)
        for n in range(1, len(play))
    )


def _read(
    search: FaceSearch,
    classifier: Classifier,
    known: Sequence[_Known],
    plays: Sequence[Sequence[Shown]],
    seconds: float,
    camera: Camera,
    rng: np.random.Generator,
) -> list[Reading]:
    stage = Stage(rng, camera)
    pipeline = build_pipeline(search, classifier, Mode.FILE)
    pictures = [one.picture for one in known]
    rows = []
    frames = (
        Frame(image, index, time_s, "made")
        for index, (time_s, image) in enumerate(stage.frames(pictures, plays, seconds))
    )
    for result in pipeline.read_all(frames):
        raw = np.full((len(plays), len(classifier.labels)), np.nan, np.float32)
        for face in result.faces:
            place = _place_of(face.face, stage.sides_px)
            if place is not None and place < len(plays):
                raw[place] = face.raw_probabilities
        rows.append(raw)
    return [Reading(raw) for raw in np.stack(rows, axis=1)]  # (P, F, K)


def _place_of(face: Face, sides_px: NDArray[np.float64]) -> int | None:
    x0, y0, x1, y1 = face.box_xyxy
    apart = np.hypot(*(np.array(PLACES) - ((x0 + x1) / 2, (y0 + y1) / 2)).T) / sides_px
    nearest = int(apart.argmin())
    return nearest if apart[nearest] < 0.5 else None


def save(recording: Recording, path: Path) -> None:
    """Replaces `path` (.npz) as a whole."""
    facts = {
        "labels": recording.labels,
        "fps": recording.fps,
        "changes": [[asdict(change) for change in one.changes] for one in recording.changing],
    }
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        facts=np.array(json.dumps(facts)),
        still=np.stack([one.raw for one in recording.still]),
        changing=np.stack([one.raw for one in recording.changing]),
    )
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(packed.getvalue())
    os.replace(partial, path)


def load(path: Path) -> Recording:
    """Raises `DataError` for a file that `save` did not write."""
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            still, changing = file["still"], file["changing"]
        return Recording(
            labels=tuple(facts["labels"]),
            fps=facts["fps"],
            still=tuple(Reading(raw) for raw in still),
            changing=tuple(
                Reading(raw, tuple(Change(**change) for change in changes))
                for raw, changes in zip(changing, facts["changes"], strict=True)
            ),
        )
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"{path} is no recording of readings. Leave --readings out.") from cause
