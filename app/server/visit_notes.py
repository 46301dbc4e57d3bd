"""Makes the notes of what a visitor records: NAME.run.json, as a run over files has it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from app.live.remote import LiveState
from app.outputs.run_metadata import RunNotes, name_notes
from app.server.visit_session import SharedNetworks
from app.sources.base import Gap, Source


def open_visit_notes(
    records: Path,
    networks: SharedNetworks,
    source: Source,
    state: LiveState,
    *,
    more_settings: Mapping[str, object] | None = None,
    dropped: Callable[[], Mapping[str, int]] = dict,
    find_gaps: Callable[[], Sequence[Gap]] | None = None,
    more_warnings: Callable[[], Iterable[str | None]] = tuple,
) -> RunNotes:
    """Opens the notes beside a visitor's records.

    They do not have the server's command, whose words may be no matter of its visitors.

    Args:
        records: The records that the notes go with.
        networks: Read the source.
        source: The source.
        state: The switches of the source when the recording begins.
        more_settings: Further settings by the names of their options.
        dropped: Gives at the end, for each file, the number of frames that it lacks.
        find_gaps: Gives at the end the times without pictures; None: those of the source.
        more_warnings: Gives at the end what else is missing.

    Raises:
        SinkError: The file cannot be written.
    """
    classifier, recognition = networks.classifier, networks.recognition
    smoothing_s = state.smoothing_s
    return RunNotes(
        name_notes(records),
        source=source,
        model=classifier.path,
        model_sha256=classifier.sha256,
        prior_correction=classifier.prior_correction,
        contract=classifier.contract,
        provider=classifier.provider,
        settings={
            "actions": networks.actions is not None,
            "blur": state.blur,
            "exact": recognition.exact,
            "far_faces": recognition.far_faces,
            "max_faces": recognition.max_faces,
            "smoothing": recognition.smoothing_s if smoothing_s is None else smoothing_s,
            **(more_settings or {}),
        },
        interrupted=lambda: False,
        overwrite=False,
        dropped=dropped,
        command=(),
        find_gaps=find_gaps,
        more_warnings=more_warnings,
    )
