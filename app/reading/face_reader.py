"""Reads the faces that were found in the frames of a stream, or in pictures: cuts their crops, runs
the classifier on those that need it, and takes over the readings of the others."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.alignment import is_alignable
from app.crops import align_faces
from app.reading.carried_quality import CarriedQuality
from app.reading.carried_readings import CarriedReadings
from app.reading.group_readings import read_group
from app.reading.reading_turns import ReadingTurns
from app.recognition.activation_maps import add_maps
from app.recognition.ports import CropReader
from app.stage_state import SavedState, State
from app.types import Face, FaceQuality, Floats, Frame, FrameResult, Image

NO_IMAGE = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class ReadFaces:
    """The readings of the faces of a frame.

    Attributes:
        found: All faces of the frame.
        faces: Those of them that can be aligned, N.
        raw: Their readings, probabilities `(N, K)`.
        quality: The quality of faces, by their places in `faces`.
        maps: Their class activation maps, by the same places; empty where none were asked for.
        embeddings: The embeddings of those that were read in this frame, likewise.
        carried_embeddings: The embeddings `(N, d)` that belong to the readings, carried on or
            interpolated as these are; None where none were asked for.
        stage_ms: The time in milliseconds of "detect", "align" and "classify".
    """

    found: Sequence[Face]
    faces: Sequence[Face]
    raw: Floats
    quality: Mapping[int, FaceQuality]
    maps: Mapping[int, Floats]
    embeddings: Mapping[int, Floats]
    stage_ms: Mapping[str, float]
    carried_embeddings: Floats | None = None


@dataclass(frozen=True, slots=True)
class _Readings:
    """The network's readings of N crops: `probabilities (N, K)`, and N activation maps `(K, h, w)`
    and embeddings `(d,)`, or none where they were not asked for."""

    probabilities: Floats
    cams: Sequence[Floats] = ()
    embeddings: Sequence[Floats] = ()


class FaceReader:
    """Reads the faces of one stream of frames.

    Args:
        classifier: Reads the aligned crops.
        with_quality: True measures the quality of every face.
        takes_turns: True lets the faces of a crowd take turns, as those of a camera do.
        with_embeddings: True gives the embeddings of faces that are read.
        clock: Gives seconds, for `ReadFaces.stage_ms`.

    Attributes:
        before_s: The time in seconds of the last frame that was read.
        with_embeddings: As above. It may be set at any time.
    """

    def __init__(
        self,
        classifier: CropReader,
        *,
        with_quality: bool = False,
        takes_turns: bool = False,
        with_embeddings: bool = False,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._classifier = classifier
        self._with_quality = with_quality
        self.with_embeddings = with_embeddings
        self._clock = clock
        self._readings, self._cams = CarriedReadings(), CarriedReadings()
        self._embeddings = CarriedReadings()
        self._quality = CarriedQuality()
        self._turns = ReadingTurns() if takes_turns else None
        self.before_s = -math.inf

    def read_frame(
        self,
        frame: Frame,
        time_s: float,
        found: Sequence[Face],
        found_s: float,
        *,
        with_maps: bool = False,
    ) -> ReadFaces:
        """Reads the faces of a frame.

        Args:
            frame: The frame.
            time_s: Its time for the turns, in seconds.
            found: Its faces.
            found_s: The seconds that finding them took.
            with_maps: True adds class activation maps.
        """
        contract = self._classifier.contract
        self.before_s = frame.time_s
        began_s = self._clock()
        faces = tuple(face for face in found if is_alignable(face.landmarks))
        carried = self._readings.carry(faces)
        known = self._embeddings.carry(faces) if self.with_embeddings else {}
        if self.with_embeddings:  # a reading without its embedding is of no use
            carried = {row: reading for row, reading in carried.items() if row in known}
        if self._turns is not None:
            for row in self._turns.choose(faces, carried, time_s):
                del carried[row]
        fresh = [row for row in range(len(faces)) if row not in carried]
        if self._turns is not None:
            self._turns.note([faces[row] for row in fresh], time_s)
        crops = self._align(frame.image, [faces[row] for row in fresh])
        aligned_s = self._clock()
        own = self._read(crops, with_maps=with_maps)
        raw = own.probabilities
        maps: dict[int, Floats] = {}
        if with_maps:
            maps = self._cams.carry(faces) | dict(zip(fresh, own.cams, strict=True))
        self._cams.keep([faces[row] for row in maps], list(maps.values()))
        if carried:
            every = np.zeros((len(faces), len(contract.labels)), np.float32)
            every[fresh] = raw
            for row, reading in carried.items():
                every[row] = reading
            raw = every
        self._readings.keep(faces, raw)
        stage_ms = {
            "detect": 1000 * found_s,
            "align": 1000 * (aligned_s - began_s),
            "classify": 1000 * (self._clock() - aligned_s),
        }
        measured: dict[int, FaceQuality] = {}
        if self._with_quality:
            (measured,) = self._quality.measure_group([(frame, faces)], [1.0])
        embeddings = dict(zip(fresh, own.embeddings, strict=True)) if own.embeddings else {}
        every_embedding = self._keep_embeddings(
            faces,
            [embeddings[row] if row in embeddings else known[row] for row in range(len(raw))]
            if self.with_embeddings
            else None,
        )
        return ReadFaces(found, faces, raw, measured, maps, embeddings, stage_ms, every_embedding)

    def read_group(
        self, frames: Sequence[Frame], found: Sequence[Sequence[Face]], taken_s: float
    ) -> list[ReadFaces]:
        """Reads the faces of a group of frames with few runs of the network
        (`app.reading.group_readings`).

        Args:
            frames: The frames of the group, one at least.
            found: The faces of each.
            taken_s: The seconds that finding all of them took.
        """
        if len(frames) < 2:
            (frame,), (every,) = frames, found
            return [self.read_frame(frame, frame.time_s, every, taken_s)]
        faces = [[face for face in one if is_alignable(face.landmarks)] for one in found]
        found_s = self._clock()
        align_s = 0.0
        embeddings: list[dict[int, Floats]] = [{} for _ in frames]

        def read(places: Sequence[tuple[int, int]]) -> Floats:
            nonlocal align_s
            cut_s = self._clock()
            crops = [self._align(frames[n].image, [faces[n][row]]) for n, row in places]
            crops = [self._align(NO_IMAGE, ()), *crops]
            align_s += self._clock() - cut_s
            own = self._read(np.concatenate(crops))
            if own.embeddings:
                for (n, row), embedding in zip(places, own.embeddings, strict=True):
                    embeddings[n][row] = embedding
            return own.probabilities

        times_s = [frame.time_s for frame in frames]
        readings = read_group(
            faces,
            times_s,
            (self.before_s, self._readings.get),
            read,
            self._classifier.contract.measure_sureness_nats,
        )
        self._readings.keep(faces[-1], readings[-1])
        carried: Sequence[Floats | None] = [None] * len(frames)
        if self.with_embeddings:
            shares = [(at_s - self.before_s) / (times_s[-1] - self.before_s) for at_s in times_s]
            carried = self._interpolate_embeddings(faces, embeddings, shares)
        else:
            self._keep_embeddings(faces[-1], None)
        stage_ms = {
            "detect": 1000 * taken_s / len(frames),
            "align": 1000 * align_s / len(frames),
            "classify": 1000 * (self._clock() - found_s - align_s) / len(frames),
        }
        quality: list[dict[int, FaceQuality]] = [{} for _ in frames]
        if self._with_quality:
            quality = self._quality.measure_group(
                list(zip(frames, faces, strict=True)),
                [(at_s - self.before_s) / (times_s[-1] - self.before_s) for at_s in times_s],
            )
        self.before_s = times_s[-1]
        return [
            ReadFaces(every, tuple(one), raw, measured, {}, known, stage_ms, own)
            for every, one, raw, measured, known, own in zip(
                found, faces, readings, quality, embeddings, carried, strict=True
            )
        ]

    def _keep_embeddings(
        self, faces: Sequence[Face], embeddings: Sequence[Floats] | None
    ) -> Floats | None:
        """Keeps the embeddings of all faces of a frame for the next one. Returns them as an array
        (N, d); None where there are none."""
        if embeddings is None:
            self._embeddings = CarriedReadings()
            return None
        self._embeddings.keep(faces, embeddings)
        return _stack_rows(embeddings)

    def _interpolate_embeddings(
        self,
        faces: Sequence[Sequence[Face]],
        embeddings: Sequence[Mapping[int, Floats]],
        shares: Sequence[float],
    ) -> list[Floats | None]:
        """Interpolates the embeddings of a group's faces that were not read, as
        `app.reading.group_readings` does with their readings.

        Args:
            faces: The faces of each frame. Every face of the last frame was read.
            embeddings: The embeddings of those that were read, by their places.
            shares: The share of the time of the group that has passed at each frame.
        """
        after = {face.key: embeddings[-1][row] for row, face in enumerate(faces[-1])}
        found = []
        for group, read, share in zip(faces, embeddings, shares, strict=True):
            rows = []
            for row, face in enumerate(group):
                if row in read:
                    rows.append(read[row])
                    continue
                last = after[face.key]
                first = self._embeddings.get(face.key)
                rows.append(last if first is None else (1 - share) * first + share * last)
            found.append(_stack_rows(rows))
        self._keep_embeddings(faces[-1], list(found[-1]))
        return list(found)

    def explain(self, result: FrameResult) -> FrameResult:
        """Returns the same result with a class activation map of each face, and reads the faces
        again for that. A frame on which the view is paused gets its maps this way."""
        crops = self._align(result.frame.image, [face.face for face in result.faces])
        _, cams = self._classifier.predict_with_maps(crops)
        return add_maps(result, dict(enumerate(cams)), self._classifier.contract.template)

    def _read(self, crops: NDArray[np.uint8], *, with_maps: bool = False) -> _Readings:
        """Reads crops `(N, S, S, 3)`."""
        if self.with_embeddings:
            probabilities, cams, embeddings = self._classifier.predict_with_embeddings(crops)
            return _Readings(probabilities, list(cams), list(embeddings))
        if with_maps:
            probabilities, cams = self._classifier.predict_with_maps(crops)
            return _Readings(probabilities, list(cams))
        return _Readings(self._classifier.predict(crops))

    def _align(self, image: Image, faces: Sequence[Face]) -> NDArray[np.uint8]:
        contract = self._classifier.contract
        return align_faces(
            image, faces, contract.template, contract.size_px, colour=contract.colour
        )

    def reset(self) -> None:
        """Forgets the readings of all faces."""
        self._quality = CarriedQuality()
        self._readings, self._cams = CarriedReadings(), CarriedReadings()
        self._embeddings = CarriedReadings()

    def state(self) -> State:
        """Returns the readings that the next frame's may depend on. Maps are not kept."""
        kept = self._embeddings.state() if self.with_embeddings else None
        return {
            "quality": self._quality.state(),
            "readings": self._readings.state(),
            "embeddings": kept,
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave."""
        self._quality.restore(state["quality"])
        self._readings.restore(state["readings"])
        if (kept := state.get("embeddings")) is not None:  # earlier versions kept none
            self._embeddings.restore(kept)


def _stack_rows(rows: Sequence[Floats]) -> Floats:
    return np.stack(rows).astype(np.float32) if len(rows) else np.zeros((0, 0), np.float32)
