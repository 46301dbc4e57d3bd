"""`run_demo.py --demo` shows what a demo should: labels that change, doubt, nobody, several people.

Nothing here says which label is right: docs/darwin.md does.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import av
import pytest

from app.defaults import DEMO_CLIP
from app.types import UNSURE
from tests.support.program import called
from tools import make_demo_clip as clip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the README's first command has run."""
    folder = tmp_path_factory.mktemp("demo")
    line = "--demo --no-window --device cpu -o out.mp4 --records out.jsonl --report out.html"
    code, said = called(folder, *line.split(), "--episodes", "out.vtt")
    assert code == 0, said
    assert f"{clip.FRAMES} frames with " in said
    return folder


@pytest.fixture(scope="module")
def faces(played: Path) -> dict[int, list[dict[str, Any]]]:
    """The rows of each frame that has faces."""
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for line in (played / "out.jsonl").read_text().splitlines():
        row = json.loads(line)
        assert row["source"] == "demo.mp4"
        if row["face_id"] is not None:
            found[row["frame"]].append(row)
    return found


def test_faces_are_found_where_they_are_drawn(faces: dict[int, list[dict[str, Any]]]) -> None:
    counts = {index: clip.count_whole_faces(index) for index in range(clip.FRAMES)}
    known = [index for index, count in counts.items() if count is not None]
    as_drawn = sum(len(faces.get(index, ())) == counts[index] for index in known)
    assert as_drawn >= 0.8 * len(known)  # Rejlander in profile is not always found
    nobody = [index for index in known if counts[index] == 0]
    assert sum(index in faces for index in nobody) <= 0.2 * len(nobody)
    assert max(map(len, faces.values())) >= 5


def test_labels_change_and_doubt_is_shown(faces: dict[int, list[dict[str, Any]]]) -> None:
    rows = [row for frame in faces.values() for row in frame]
    assert len({row["label"] for row in rows} - {UNSURE}) >= 4
    unsure = sum(row["label"] == UNSURE for row in rows)
    assert 25 <= unsure <= 0.4 * len(rows)
    first = {row["label"] for index in range(140) for row in faces.get(index, ())}
    assert len(first) >= 2  # one man, passive and smiling


def test_the_first_person_keeps_one_number(faces: dict[int, list[dict[str, Any]]]) -> None:
    assert {row["face_id"] for index in range(140) for row in faces.get(index, ())} == {1}


def test_sound_and_every_frame_are_in_the_annotated_video(played: Path) -> None:
    def read_sound(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

    assert read_sound(played / "out.mp4") == read_sound(DEMO_CLIP)
    with av.open(str(played / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == clip.FRAMES


def test_episodes_and_report_tell_of_several_expressions(played: Path) -> None:
    cues = (played / "out.vtt").read_text().split("\n\n")[1:]
    told = {cue.splitlines()[2].split(": ")[1].split(" (")[0] for cue in cues}
    assert len(told) >= 4
    assert (played / "out.html").read_text().count("data:image/jpeg") >= 6
