"""Holds lessons in a window: begins and ends them, saves what they taught, and puts it to use."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from app.errors import ProfileError, SinkError
from app.files.atomic import reserve
from app.teaching.learning import TaughtExpression, Verdict
from app.teaching.lesson import HOLD_S, PATIENCE_S, Lesson, LessonMoment, LessonResult
from app.teaching.profile import LoadedModel, read_back_profile, save_profile
from app.teaching.profile_name import PROFILE_SUFFIX
from app.teaching.taught_face import TaughtFace
from app.types import FrameResult

SUMMARY_S = 60.0  # for which the result of a lesson stays on the screen, unless a key takes it away
MAX_NAMES = 1000  # far more profiles than anybody has
UNFINISHED = "The lesson was not finished: nothing is saved."


class TeachingPipeline(Protocol):
    """Gives results with embeddings while that is asked for, as `app.pipeline.Pipeline` does."""

    with_embeddings: bool


class FaceTeacher:
    """Teaches the program one person's face, in a stream that somebody watches.

    Args:
        pipeline: Reads the frames.
        taught: Gets the profile.
        model: The model that reads.
        folder: The folder for NAME.profile.
        name: The name of the profile, for a lesson that begins at once; None: a lesson begins
            with a key, and its profile gets a free name.
        overwrite: True replaces a profile of this name.
        clock: Gives the time in seconds.

    Attributes:
        is_saved: True when a profile was saved.
        displaced: A line on a profile that was saved under another name than asked for, or None.
        summary: What the last lesson taught, in lines for the screen; empty when it was put away.
    """

    def __init__(
        self,
        pipeline: TeachingPipeline,
        taught: TaughtFace,
        model: LoadedModel,
        *,
        folder: Path,
        name: str | None = None,
        overwrite: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipeline, self._taught, self._model = pipeline, taught, model
        self._folder, self._name, self._overwrite = folder, name, overwrite
        self._clock = clock
        self._lesson: Lesson | None = None
        self._summary: tuple[str, ...] = ()
        self._summary_until_s = 0.0
        self.is_saved = False
        self.displaced: str | None = None

    @property
    def begins_at_once(self) -> bool:
        """True if a lesson was asked for before the window opened."""
        return self._name is not None

    @property
    def moment(self) -> LessonMoment | None:
        """The present moment of the lesson; None while there is none."""
        return None if self._lesson is None else self._lesson.moment

    @property
    def summary(self) -> tuple[str, ...]:
        """The lines on the last lesson, until they are put away."""
        return self._summary if self._clock() < self._summary_until_s else ()

    def press(self) -> str | None:
        """Does what the key asks for: puts the summary away, ends the lesson, or begins one.

        Returns:
            A line for the user, or None.
        """
        if self.summary:
            self._summary = ()
            return None
        if self._lesson is not None:
            self._end()
            return "The lesson is ended: nothing is saved."
        return self.begin()

    def begin(self) -> str | None:
        """Begins a lesson. Returns the line that says why none can begin, or None."""
        try:
            self._choose_path()
            lesson = Lesson(self._model)
        except (ProfileError, SinkError) as error:
            return str(error)
        self._lesson, self._summary = lesson, ()
        self._pipeline.with_embeddings = True
        return None

    def skip(self) -> None:
        """Leaves the present expression out."""
        if self._lesson is not None:
            self._lesson.skip()

    def add(self, result: FrameResult) -> list[str]:
        """Takes a new result. Returns the lines for the user that have come."""
        lines = self._taught.take_news()
        lesson = self._lesson
        if lesson is None:
            return lines
        if not lesson.is_over:
            lesson.add(result)
        if not lesson.is_over:
            return lines
        hindrance = lesson.moment.hindrance
        is_given_up = lesson.moment.phase == "given up"
        self._end()
        if is_given_up:
            why = "no face was in view" if hindrance == "no face" else "several faces were in view"
            return [*lines, f"The lesson ended: for {PATIENCE_S:.0f} s {why}. Nothing is saved."]
        return [*lines, *self._finish(lesson)]

    def close(self) -> list[str]:
        """Ends with the stream. Returns the line on a lesson that was not finished, if one was."""
        if self._lesson is None:
            return []
        self._end()
        return [UNFINISHED]

    def _end(self) -> None:
        self._lesson = None
        self._pipeline.with_embeddings = False

    def _choose_path(self, *, is_taught: bool = False) -> Path:
        """Chooses the file of the profile.

        Args:
            is_taught: True after the lesson. A name that was given, but that another file has got
                in the meantime, is then replaced by a free one.

        Raises:
            SinkError: It cannot be written.
        """
        first = self._name or "face"
        path = self._folder / (first + PROFILE_SUFFIX)
        if self._name is None or (is_taught and not self._overwrite):
            names = (first, *(f"{first}{number}" for number in range(2, MAX_NAMES)))
            paths = (self._folder / (name + PROFILE_SUFFIX) for name in names)
            path = next((one for one in paths if not one.exists()), path)
        reserve(path, overwrite=self._overwrite)
        return path

    def _finish(self, lesson: Lesson) -> list[str]:
        """Learns, saves and uses. Returns the lines for the user."""
        try:
            path = self._choose_path(is_taught=True)
            trouble = None
        except SinkError as error:
            path, trouble = self._folder / (self._name or "face"), str(error)
        try:
            found = lesson.finish(path.name.removesuffix(PROFILE_SUFFIX))
        except ProfileError as error:
            return [str(error)]
        rows = [format_expression(one) for one in found.learned.expressions]
        if found.profile is None:
            last = "Nothing of this would help, so nothing is saved."
        else:
            last = self._save(found, path, trouble)
        self._summary = (*rows, last)
        self._summary_until_s = self._clock() + SUMMARY_S
        return [*rows, last]

    def _save(self, found: LessonResult, path: Path, trouble: str | None) -> str:
        profile = found.profile
        assert profile is not None
        if trouble is None:
            try:
                save_profile(profile, path, overwrite=self._overwrite)
            except SinkError as error:
                trouble = str(error)
        self._taught.use(read_back_profile(profile), face_id=found.face_id)
        if trouble is not None:
            return f"In use until the window closes, but not saved: {trouble}"
        self.is_saved = True
        taken = ""
        if self._name is not None:
            wanted = self._folder / (self._name + PROFILE_SUFFIX)
            if path != wanted:
                taken = f"{wanted} came to be during the lesson and stays. "
                self.displaced = f"{taken}The profile is {path}."
            self._name, self._overwrite = profile.name, True  # the next lesson replaces it
        name = str(path.with_suffix(""))
        if " " in name:
            name = f'"{name}"'
        return f"{taken}Saved {path}, and in use. Next time: --profile {name}"


def format_expression(one: TaughtExpression) -> str:
    """Formats the result of one expression.

    >>> format_expression(TaughtExpression("neutral", Verdict.LEARNED, 5, 2, 5))
    'neutral: learned; 2 of 5 seconds read as asked, now 5'
    """
    match one.verdict:
        case Verdict.LEARNED:
            return (
                f"{one.label}: learned; {one.before} of {one.seconds} seconds read as asked, "
                f"now {one.after}"
            )
        case Verdict.NOT_SEEN:
            return f"{one.label}: as before; seen for {one.seconds} of {HOLD_S:.0f} seconds"
        case Verdict.READS_AS_OTHER:
            return f"{one.label}: as before; what you showed reads as {one.other}"
    return f"{one.label}: as before; teaching it would not help"
