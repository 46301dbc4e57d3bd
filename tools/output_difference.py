"""Compares two folders of outputs, leaving out what differs from run to run.

`tools.compare_outputs` names what is left out.
"""

import difflib
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import av

TERMINAL = "terminal"  # the folder with what commands print
JOBS, DOCTOR = f"{TERMINAL}/jobs.err", f"{TERMINAL}/doctor.out"
NOTES_LEFT_OUT = ("begun", "ended", "timings", "code")
REPORT_TIMES = re.compile(r'(<th scope="row">(?:begun|speed)</th>)<td>[^<]*</td>')
PRINTED_TIMES = re.compile(r"(in|,) [\d.,]+ s\b(?: \([\d.,]+ (?:frames|pictures)/s\))?")
FOLDERS_LEFT_OUT = {"tensorboard"}
MAX_DIFF_LINES = 12
MAX_LINE_CHARS = 200


def hash_parts(name: str, content: bytes) -> list[str]:
    """Hashes every frame and packet of sound of a video, or every file in a ZIP archive.

    Returns a line for each; none for other kinds of files. PyTorch's and NumPy's files are ZIP
    archives.
    """
    file = io.BytesIO(content)
    if name.endswith(".mp4"):
        return _hash_frames(file)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            members = sorted(archive.namelist())
            return [f"{member} {_sha256(archive.read(member))}" for member in members]
    return []


def _hash_frames(file: io.BytesIO) -> list[str]:
    lines = []
    with av.open(file, "r") as container:
        for packet in container.demux():
            if packet.stream.type != "video":
                lines.append(f"{packet.stream.type} {packet.pts} {_sha256(bytes(packet))}")
                continue
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                pixels = _sha256(frame.to_ndarray().tobytes())
                kind = f"{frame.format.name} {frame.width}x{frame.height}"
                lines.append(f"frame {frame.pts} {kind} {pixels}")
    return lines


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def blank_notes(text: str) -> str:
    """Blanks the values of `NOTES_LEFT_OUT` in a run's notes; every other byte stays."""
    try:
        notes = json.loads(text)
    except ValueError:
        return text
    for name in NOTES_LEFT_OUT:
        if name in notes:
            item = json.dumps({name: notes[name]}, indent=1)[2:-2]  # without the braces
            text = text.replace(item, f' "{name}": …')
    return text


def list_checks(text: str) -> str:
    """Lists the names and keys of the checks that `--doctor --json` printed."""
    try:
        return "\n".join(f"{check['name']}: {', '.join(check)}" for check in json.loads(text))
    except (ValueError, KeyError, TypeError):
        return text


def make_comparable(name: str, content: bytes, folders: Mapping[str, str]) -> str | None:
    """Gives the text of an output without what differs from run to run.

    Args:
        name: the output's path within its build's folder.
        content: the output.
        folders: names of folders and what replaces each.

    Returns:
        The text; None where the output is none.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    for folder in sorted(folders, key=len, reverse=True):
        text = text.replace(folder, folders[folder])
    if name.endswith("run.json"):
        return blank_notes(text)
    if name == DOCTOR:
        return list_checks(text)
    if name.endswith(".html"):
        return REPORT_TIMES.sub(r"\1<td>…</td>", text)
    if name.endswith(".err"):
        text = PRINTED_TIMES.sub(r"\1 … s", text)
    return "\n".join(sorted(text.split("\n"))) if name == JOBS else text


def find_files(folder: Path) -> dict[str, Path]:
    """Finds all outputs that are compared, by their path within `folder`."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not FOLDERS_LEFT_OUT & set(path.relative_to(folder).parts)
    }


def describe_difference(
    name: str, base: bytes, head: bytes, folders: Mapping[str, str]
) -> list[str]:
    """Tells two outputs of one name apart, in some lines; none where they are the same."""
    if base == head:
        return []
    texts = [make_comparable(name, content, folders) for content in (base, head)]
    if None in texts:
        parts = [hash_parts(name, content) for content in (base, head)]
        first = f"{name}: the bytes differ ({len(base)} and {len(head)})"
        if parts[0] and parts[0] == parts[1]:
            first += ", though every part is the same"
        return [first, *_diff(*parts)]
    one, two = (str(text).split("\n") for text in texts)
    return [] if one == two else [f"{name}: the text differs", *_diff(one, two)]


def _diff(base: list[str], head: list[str]) -> list[str]:
    diff = list(difflib.unified_diff(base, head, "base", "head", n=1, lineterm=""))
    lines = [line[:MAX_LINE_CHARS] for line in diff[:MAX_DIFF_LINES]]
    if len(diff) > MAX_DIFF_LINES:
        lines.append(f"… {len(diff) - MAX_DIFF_LINES} more lines")
    return [f"  {line}" for line in lines]


def compare_folders(
    base: Path, head: Path, folders: Mapping[str, str], show: Callable[[str], object] = print
) -> tuple[int, int]:
    """Shows every difference between two folders of outputs. Returns (outputs, differing ones)."""
    ours, theirs = find_files(base), find_files(head)
    names, differing = sorted({*ours, *theirs}), 0
    for name in names:
        if name in ours and name in theirs:
            contents = ours[name].read_bytes(), theirs[name].read_bytes()
            lines = describe_difference(name, *contents, folders)
        else:
            lines = [f"{name}: only in {'base' if name in ours else 'head'}"]
        differing += bool(lines)
        for line in lines:
            show(line)
    return len(names), differing
