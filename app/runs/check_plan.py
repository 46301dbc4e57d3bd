"""Finds out before anything is loaded what of a plan cannot be had."""

from pathlib import Path

from app.errors import SinkError
from app.files.atomic import reserve
from app.outputs.run_metadata import read_notes
from app.outputs.video import check_video_format
from app.records.writers import check_records_suffix
from app.runs.checkpoint import ResumeFile, is_finished
from app.runs.open_live_outputs import check_live_outputs, find_events_file
from app.runs.plan import RunPlan


def check_plan(plan: RunPlan) -> None:
    """Checks the names of all outputs, and that each can be written.

    Leaves nothing behind. Raises `SinkError` for a suffix that is not written, two outputs of one
    name, an output that exists already or is the input, an unfinished run that is in the way, and a
    live output that cannot be had.
    """
    _check_names(plan)
    check_live_outputs(plan)
    outputs = plan.outputs
    if plan.is_resumable:
        if ResumeFile(outputs.first).exists() and not plan.overwrite:
            _check_unfinished(plan)
            return  # the names were free when that run began, what has them now is its own
        if is_plan_finished(plan):
            _check_covered(plan)
            return
    if plan.profile_file is not None:
        reserve(plan.profile_file, overwrite=plan.overwrite)
    for path in _list_targets(plan):
        if path == outputs.notes and path.exists() and not plan.overwrite:
            raise SinkError(
                f"{outputs.records} would share its notes, {path}, with other records. Add "
                "--overwrite, or choose another name."
            )
        reserve(path, overwrite=plan.overwrite, inputs=plan.input_files)


def is_plan_finished(plan: RunPlan) -> bool:
    """Tells whether `plan` goes on with a run that left nothing to do."""
    return plan.resume and is_finished(plan.outputs.all, ResumeFile(plan.outputs.first))


def check_not_stdout(path: Path) -> None:
    """Raises `SinkError` for "-", which other programs take for their standard output."""
    if path == Path("-"):
        raise SinkError(
            "- is not a file: nothing goes to the standard output but --events and --records. Name "
            "a file."
        )


def _list_targets(plan: RunPlan) -> list[Path]:
    """Lists the files to write, in the order in which a run complains of them."""
    outputs = plan.outputs
    if plan.is_resumable:
        return list(outputs.all)
    events = find_events_file(plan)
    paths = (
        outputs.records,
        *outputs.episodes,
        outputs.report,
        outputs.notes,
        outputs.video,
        events,
    )
    return [path for path in paths if path is not None]


def _check_names(plan: RunPlan) -> None:
    outputs = plan.outputs
    # Imported here, because most runs have neither.
    for path in outputs.episodes:
        from app.episodes.formats import check_episodes_suffix

        check_episodes_suffix(path)
    if outputs.report is not None:
        from app.report.sink import check_report_suffix

        check_report_suffix(outputs.report)
    named: set[Path] = set()
    for path in (*_list_targets(plan), *([outputs.pictures] if outputs.pictures else ())):
        check_not_stdout(path)
        if path.absolute() in named:
            raise SinkError(f"{path} cannot be two results at once. Choose another name.")
        named.add(path.absolute())
    if plan.is_resumable:  # in other runs, video and records check their suffix when they open
        if outputs.video is not None:
            check_video_format(outputs.video)
        if outputs.records is not None:
            check_records_suffix(outputs.records)


def _check_unfinished(plan: RunPlan) -> None:
    if not plan.resume:
        raise SinkError(
            f"An unfinished run of {plan.name} lies beside {plan.outputs.first}. Add --resume to "
            "go on, or --overwrite to begin anew."
        )


def _check_covered(plan: RunPlan) -> None:
    """Raises `SinkError` where faces are to be blurred and nothing says that they are."""
    outputs = plan.outputs
    pictures = outputs.video or outputs.report
    has_notes = outputs.records is not None and bool(read_notes(outputs.records))
    if plan.view.blur and pictures is not None and not has_notes:
        raise SinkError(
            f"{pictures} is there already, and nothing says that its faces are covered. Choose "
            "another name, or add --overwrite instead of --resume."
        )
