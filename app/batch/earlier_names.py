"""Finds the name under which an earlier run has stored records of a video.

Names depend on the other videos of a run: `talk.mp4` alone gets `talk.jsonl`, and beside `talk.mov`
it gets `talk.mp4.jsonl`. A video that was added or removed since then must not give the others new
names: they would be read again, and a study would count them twice.
"""

from collections.abc import Sequence
from pathlib import Path

from app.files.hashing import sha256_of_file
from app.outputs.run_metadata import read_notes
from app.report.notes import find_objects, find_section
from app.runs.checkpoint import ResumeFile
from app.types import JsonValue


def find_earlier_name(
    video: Path, names: Sequence[str], folder: Path, ending: str, *, by_hash: bool
) -> str | None:
    """Finds the first of `names` under which there are records, or a checkpoint, of this video.

    Args:
        video: The video.
        names: Short names that it may have had.
        folder: The folder of the records.
        ending: The end of the names of records, such as ".jsonl".
        by_hash: True also compares the hash of the whole file, for videos that are alike in name
            and size.
    """
    for name in names:
        records = folder / f"{name}{ending}"
        if _has_checkpoint_of(records, video) or _are_records_of(records, video, by_hash=by_hash):
            return name
    return None


def has_results(folder: Path, name: str, ending: str) -> bool:
    """Tells whether there are records of this name, or a checkpoint of a run that makes them."""
    records = folder / f"{name}{ending}"
    return records.exists() or ResumeFile(records).exists()


def _are_records_of(records: Path, video: Path, *, by_hash: bool) -> bool:
    if not records.is_file():
        return False
    files = find_objects(find_section(read_notes(records), "input"), "files")
    try:
        if not files or (files[0].get("name"), files[0].get("bytes")) != (
            video.name,
            video.stat().st_size,
        ):
            return False
        return not by_hash or files[0].get("sha256") == sha256_of_file(video)
    except OSError:
        return False


def _has_checkpoint_of(records: Path, video: Path) -> bool:
    file = ResumeFile(records)
    if not file.exists():
        return False
    try:
        facts = file.read_video_facts()
        at = video.stat()
    except OSError:
        return False
    now: dict[str, JsonValue] = {"bytes": at.st_size, "changed_ns": at.st_mtime_ns}
    return {name: facts.get(name) for name in now} == now
