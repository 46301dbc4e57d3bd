"""Joins lessons in the window to a run."""

from dataclasses import replace

from app.live.session import SessionOutcome
from app.live.teacher import FaceTeacher
from app.pipeline import Pipeline
from app.recognition.classifier import Classifier
from app.runs.plan import RunPlan
from app.teaching.lesson import check_model_teaches
from app.teaching.taught_face import TaughtFace
from app.wording import join_warnings


def make_teacher(
    plan: RunPlan, pipeline: Pipeline, taught: TaughtFace, classifier: Classifier
) -> FaceTeacher | None:
    """Makes what holds lessons in the window of a plan; None without a window. Raises
    `ProfileError` where a lesson was asked for and the model cannot be taught."""
    if not plan.in_window:
        return None
    if plan.teach is not None:
        check_model_teaches(classifier)
    return FaceTeacher(
        pipeline,
        taught,
        classifier,
        folder=plan.view.folder,
        name=plan.teach,
        overwrite=plan.overwrite,
    )


def note_unfinished_lesson(
    plan: RunPlan, outcome: SessionOutcome, teacher: FaceTeacher | None
) -> SessionOutcome:
    """Returns the outcome of a session, with a warning where the lesson that was asked for made no
    profile, or one of another name."""
    if plan.teach is None or teacher is None:
        return outcome
    warning = teacher.displaced
    if not teacher.is_saved:
        warning = f"No profile of this lesson was saved as {plan.profile_file}."
    return replace(outcome, cut_short=join_warnings(outcome.cut_short, warning))
