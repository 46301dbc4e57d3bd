"""Runs the stages of a frame in order: detect, align, classify, track. `build_pipeline` makes the
stages that a kind of run needs.

The frames of a file are read in groups of a tenth of a second. The last frame of a group is looked
at; in the others, faces are looked at and read where they move or change, and interpolated where
they do not (`app.detection.known_faces`, `app.reading.face_reader`). The faces of a group can be
found in a thread of their own, while those of the group before are read (`Pipeline.find_ahead`).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from app.actions.stream import MAX_LIVE_READINGS, ActionSource, ActionStream
from app.alignment import is_alignable
from app.detection.follower import Follower
from app.detection.frame_groups import GROUP_S
from app.detection.group_finder import FoundGroup, GroupFinder
from app.detection.pace import FILE_PACE, LIVE_PACE
from app.detection.ports import FaceFinder, FaceFollower, StreamSearch
from app.process.stage_clock import StageClock
from app.reading.face_reader import FaceReader, ReadFaces
from app.reading.result_maker import ResultMaker
from app.recognition.activation_maps import add_maps
from app.recognition.embeddings import add_embeddings
from app.recognition.mirrored import MirroredReader
from app.recognition.ports import CropReader
from app.stage_state import SavedState, State
from app.teaching.taught_face import TaughtFace
from app.tracking.resting_face import RestingFaces
from app.tracking.smoothing import SMOOTHING_S
from app.tracking.tracker import Tracker
from app.types import Face, Frame, FrameResult, Image, Mode


class Pipeline:
    """Reads the expressions of one stream of frames. `build_pipeline` chooses the parts.

    Args:
        detector: Finds the faces of a frame, unless there is a follower.
        classifier: Reads the aligned crops.
        tracker: Numbers the people of a stream and smooths their readings. None: every frame stands
            for itself; faces are numbered from 1, the largest first, and nothing is smoothed.
        follower: Finds the faces of a stream near their last places.
        stage_clock: The time of a live stream for the stages, so that a late frame is no cut.
        with_quality: True measures the quality of every face, False only that of unsure faces,
            whose reason depends on it.
        group_s: The time in seconds from one frame that is looked at to the next; None reads every
            frame as soon as it comes. With a follower and a tracker only.
        actions: Adds facial actions to the results; None adds none.
        with_embeddings: True gives faces the embeddings of their readings. Nothing else changes.
        taught: Corrects the readings of the person who has a profile; None: of nobody. With a
            tracker only.
        clock: Gives seconds, for `FrameResult.stage_ms`.

    Attributes:
        with_maps: While it is True, faces come with their class activation maps, and every frame is
            read as soon as it comes.
        looks_at_all: While it is True, every frame is looked at, as blurring faces needs: a face
            that jumps away or appears between two looks would stay uncovered.
        catches_up: While it is True, no group is found ahead, so that the results of all complete
            groups are given.
        with_embeddings: As above. It may be set at any time.
        taught: As above. Its profile may be changed at any time.
    """

    def __init__(
        self,
        detector: FaceFinder,
        classifier: CropReader,
        *,
        tracker: Tracker | None,
        follower: FaceFollower | None = None,
        stage_clock: StageClock | None = None,
        with_quality: bool = False,
        group_s: float | None = None,
        actions: ActionStream | None = None,
        with_embeddings: bool = False,
        taught: TaughtFace | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._detector = detector
        self._contract = classifier.contract
        self._tracker = tracker
        self._follower = follower
        self._stage_clock = stage_clock
        self._reader = FaceReader(
            classifier,
            with_quality=with_quality,
            takes_turns=stage_clock is not None,
            with_embeddings=with_embeddings,
            clock=clock,
        )
        self.with_embeddings, self.taught = with_embeddings, taught
        self._results = ResultMaker(classifier.contract, tracker, taught)
        self._actions = actions
        self._clock = clock
        self._groups: GroupFinder | None = None
        if group_s is not None:
            assert follower is not None  # in a stream that is read in groups
            self._groups = GroupFinder(follower, group_s=group_s, clock=clock)
        self._ready: list[FrameResult] = []  # that were not given yet
        self.with_maps = self.looks_at_all = self.catches_up = False

    def find_ahead(self) -> AbstractContextManager[None]:
        """Finds ahead inside the block: the faces of a group are found in a thread, while those of
        the group before are read. The results are the same, and come one group later. What fails in
        finding comes out of the call that would give the results of that group."""
        return nullcontext() if self._groups is None else self._groups.find_ahead()

    def feed(self, frame: Frame) -> list[FrameResult]:
        """Takes the next frame.

        Returns:
            The results that are ready, in order: those of this frame and of frames before. Where
            frames are read in groups, the results of some frames are still to come.
        """
        if self._groups is None or self.with_maps:
            return [*self.flush(), self.step(frame)]
        ready, self._ready = self._ready, []
        at_once = self.looks_at_all or self.catches_up
        for group in self._groups.add(frame, at_each=self.looks_at_all, at_once=at_once):
            ready += self._read_group(group)
        return ready

    def flush(self) -> list[FrameResult]:
        """Reads the frames that wait, for their group to be complete or after it was found ahead,
        at the end of a stream. Returns all results that were not given yet."""
        ready, self._ready = self._ready, []
        return ready + self._read_waiting()

    def read_all(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        """Yields the results of frames of one size, and of those that wait at their end."""
        for frame in frames:
            yield from self.feed(frame)
        yield from self.flush()

    def drop_pending(self) -> None:
        """Forgets the frames that wait for their group to be complete, as if they had not come. A
        group that is found ahead is complete, and is still to be read."""
        self._ready = []
        if self._groups is not None:
            self._groups.drop_waiting()

    @property
    def has_pending(self) -> bool:
        """True while frames wait for their group to be complete, or a group is found ahead. `state`
        is then that before the frames that wait; while a group is found ahead, there is none."""
        return bool(self._ready or self._groups) or self._is_ahead

    @property
    def awaits_frames(self) -> bool:
        """True while frames wait for their group to be complete."""
        return bool(self._groups)

    @property
    def _is_ahead(self) -> bool:
        return self._groups is not None and self._groups.is_ahead

    def _read_waiting(self) -> list[FrameResult]:
        """Reads all frames that wait."""
        results: list[FrameResult] = []
        if self._groups is not None:
            for group in self._groups.take_waiting(at_each=self.looks_at_all):
                results += self._read_group(group)
        return results

    def _choose_embeddings(self) -> None:
        """Asks the network for embeddings where the results or a profile need them."""
        uses_profile = self.taught is not None and self.taught.profile is not None
        self._reader.with_embeddings = self.with_embeddings or uses_profile

    def _read_group(self, group: FoundGroup) -> list[FrameResult]:
        self._choose_embeddings()
        readings = self._reader.read_group(group.frames, group.faces, group.taken_s)
        return [
            self._finish(frame, frame.time_s, reading)
            for frame, reading in zip(group.frames, readings, strict=True)
        ]

    def step(self, frame: Frame) -> FrameResult:
        """Reads the next frame at once. Frames that wait must have been flushed or dropped."""
        if self._groups:
            raise ValueError(f"{len(self._groups)} frames wait; flush them before the next step")
        if self._is_ahead:
            raise ValueError("a group is found ahead; flush it before the next step")
        began_s = self._clock()
        time_s = (
            frame.time_s if self._stage_clock is None else self._stage_clock.advance(frame.time_s)
        )
        found = self._find(frame.image, time_s)
        self._choose_embeddings()
        taken_s = self._clock() - began_s
        reading = self._reader.read_frame(frame, time_s, found, taken_s, with_maps=self.with_maps)
        return self._finish(frame, time_s, reading)

    def _finish(self, frame: Frame, time_s: float, reading: ReadFaces) -> FrameResult:
        """Makes the result of a frame whose faces were read."""
        began_s = self._clock()
        unread = [face for face in reading.found if not is_alignable(face.landmarks)]
        result = self._results.make_result(
            frame,
            time_s,
            reading.faces,
            reading.raw,
            reading.quality,
            unread,
            reading.carried_embeddings,
        )
        tracked_s = self._clock()
        taken_ms = {**reading.stage_ms, "track": 1000 * (tracked_s - began_s)}
        if self._actions is not None:
            result = self._actions.add(result, time_s, smooth=self.smoothing_s != 0)
            taken_ms["actions"] = 1000 * (self._clock() - tracked_s)
        if reading.maps:
            result = add_maps(result, reading.maps, self._contract.template)
        if reading.embeddings and self.with_embeddings:
            result = add_embeddings(result, reading.embeddings)
        return replace(result, stage_ms=taken_ms)

    def explain(self, result: FrameResult) -> FrameResult:
        """Returns the same result with a class activation map of each face
        (`FaceReader.explain`)."""
        return self._reader.explain(result)

    @property
    def smoothing_s(self) -> float | None:
        """The time in seconds over which readings are averaged; None for pictures. It may be set at
        any time."""
        return None if self._tracker is None else self._tracker.smoothing_s

    @smoothing_s.setter
    def smoothing_s(self, seconds: float | None) -> None:
        if self._tracker is not None and seconds is not None:
            self._tracker.smoothing_s = seconds

    @property
    def resting(self) -> RestingFaces | None:
        """The resting faces of the people of a stream; None for pictures, and where they were not
        asked for."""
        return None if self._tracker is None else self._tracker.resting

    def reset(self) -> None:
        """Forgets all people. Everybody in the next frame is new. Frames that wait are read before
        that."""
        self._ready += self._read_waiting()
        if self._groups is not None:
            self._groups.restart()
        self._reader.reset()
        self._results.reset()
        if self._actions is not None:
            self._actions.reset()
        if self._follower is not None:
            self._follower.reset()

    def state(self) -> State:
        """Returns all that the next frame's result depends on but the frame itself. Raises
        `ValueError` while a group is found ahead."""
        if self._is_ahead:
            raise ValueError("a group is found ahead; flush it before the state is kept")
        return {
            "groups": None if self._groups is None else self._groups.state(),
            **self._reader.state(),
            "reasons": self._results.state(),
            "tracker": None if self._tracker is None else self._tracker.state(),
            "follower": None if self._follower is None else self._follower.state(),
            "actions": None if self._actions is None else self._actions.state(),
            "taught": None if self.taught is None else self.taught.state(),
        }

    def restore(self, state: SavedState) -> None:
        """Takes up a state that `state` gave. Raises `KeyError`, `TypeError` or `ValueError` for a
        state of another kind of run, or none."""
        self._reader.restore(state)
        self._results.restore(state["reasons"])
        for stage, kept in (
            (self._groups, "groups"),
            (self._tracker, "tracker"),
            (self._follower, "follower"),
            (self._actions, "actions"),
        ):
            if (stage is None) != (state[kept] is None):
                raise ValueError(f"the state is of another kind of run: {kept}")
            if stage is not None:
                stage.restore(state[kept])
        if self.taught is not None and state.get("taught") is not None:
            self.taught.restore(state["taught"])
        if self._groups is not None:
            self._reader.before_s = self._groups.end_s

    def _find(self, image: Image, time_s: float) -> tuple[Face, ...]:
        if self._follower is not None:
            return self._follower.find(image, time_s, self._results.restless)
        return self._detector.detect(image)


def build_pipeline(
    search: StreamSearch,
    classifier: CropReader,
    mode: Mode,
    *,
    smoothing_s: float = SMOOTHING_S,
    with_resting_faces: bool = False,
    thorough: bool = False,
    with_quality: bool = False,
    exact: bool = False,
    actions: ActionSource | None = None,
    with_embeddings: bool = False,
    taught: TaughtFace | None = None,
) -> Pipeline:
    """Builds the pipeline of one run.

    Args:
        search: Finds the faces. A search may be shared by pipelines that run one after the other.
        classifier: Reads the aligned crops.
        mode: The kind of frames. Pictures get no tracker and no follower, and each face is read
            together with its mirror image; of the settings below, only `with_quality`, `actions`
            and `with_embeddings` mean something there.
        smoothing_s: The time in seconds over which readings are averaged, at least 0.
        with_resting_faces: True lets the run allow for people's resting faces when asked to.
        thorough: True searches all of each frame within a second, as blurring faces needs.
        with_quality: True measures the quality of every face, as records and reports need; it takes
            0.07 ms a face.
        exact: True looks at every frame and reads every face anew, as is also done where
            `smoothing_s` is 0; only a crowd takes turns. With False, a file's frames are read in
            groups (`Pipeline.feed`), and a camera's faces move with the picture between two looks.
        actions: Reads the facial actions of faces; None leaves them out.
        with_embeddings: True gives faces the embeddings of their readings, for which the classifier
            must have some.
        taught: Corrects the readings of the person who has a profile, in streams; None: of nobody.

    Raises:
        ValueError: `smoothing_s` is no such time.
    """
    added = None
    if actions is not None:
        most = MAX_LIVE_READINGS if mode.is_live else None
        added = ActionStream(actions, is_stream=mode.is_stream, most=most)
    if not mode.is_stream:
        return Pipeline(
            search,
            MirroredReader(classifier),
            tracker=None,
            with_quality=with_quality,
            actions=added,
            with_embeddings=with_embeddings,
        )
    resting = RestingFaces(classifier.contract.labels) if with_resting_faces else None
    exact = exact or smoothing_s == 0
    pace = LIVE_PACE if mode.is_live else FILE_PACE
    if exact:
        pace = replace(pace, calm_s=0.0)
    return Pipeline(
        search,
        classifier,
        tracker=Tracker(smoothing_s=smoothing_s, resting=resting),
        follower=Follower(search, pace=replace(pace, is_thorough=thorough)),
        stage_clock=StageClock() if mode.is_live else None,
        with_quality=with_quality,
        group_s=GROUP_S if mode.is_recording and not exact else None,
        actions=added,
        with_embeddings=with_embeddings,
        taught=taught,
    )
