"""Notes and sounds are of the video that was read, whatever has its name by then."""

import errno
import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import pytest

from app.batch.annotate import annotate
from app.errors import SinkError, SourceError
from app.files.original import Original
from app.outputs.video import VideoSink
from app.runs.networks import LoadedNetworks
from app.runs.plan import OutputPaths, RunPlan, VideoInput
from app.sources.images import ImageSource
from app.sources.video import VideoSource
from app.types import FrameResult
from tests.support.synthetic import LABELS, level_picture, write_video


def replace(path: Path) -> None:
    other = path.with_name("other.mp4")
    write_video(other, frames=3)
    os.replace(other, path)


def change(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def same_again(path: Path) -> None:
    """Another file, which differs in nothing."""
    facts, content = path.stat(), path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


CASES = pytest.mark.parametrize(
    ("act", "what"),
    [
        (lambda path: None, None),
        (replace, "replaced by another file"),
        (change, "changed"),
        (Path.unlink, "removed"),
        (same_again, None),
    ],
)


@CASES
def test_file_is_known_as_it_was_opened(
    tmp_path: Path, act: Callable[[Path], None], what: str | None
) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, frames=2)
    digest, size = sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    one = Original(path)
    act(path)
    assert one.find_change() == what
    assert one.bytes == size
    assert (one.compute_sha256() == digest) is (what != "changed")
    one.close()
    assert (one.compute_sha256() == digest) is (what != "changed")


@CASES
def test_notes_of_a_run_are_of_what_it_read(
    tmp_path: Path, blind_networks: LoadedNetworks, act: Callable[[Path], None], what: str | None
) -> None:
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.jsonl"
    write_video(clip, frames=6)
    digest = sha256(clip.read_bytes()).hexdigest()
    plan = RunPlan(VideoInput(clip), OutputPaths(records=out))

    def act_on(reached: int) -> None:
        if reached == 3:
            act(clip)

    outcome = annotate(plan, blind_networks, stop=lambda: False, on_reach=act_on)
    assert outcome.frames == 6
    notes = json.loads((tmp_path / "out.run.json").read_text())
    (file,) = notes["input"]["files"]
    assert file.get("changed") == (what and f"was {what} meanwhile")
    assert (file["sha256"] == digest) is (what != "changed")
    said = what and (
        f"clip.mp4 was {what} while it was read; what was read is of the file as it was opened."
    )
    assert outcome.cut_short == notes["cut_short"] == said


def test_sound_of_another_file_is_not_taken(tmp_path: Path) -> None:
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=6, sound="aac")
    with VideoSource(clip) as source:
        replace(clip)
        sink = VideoSink(out, source_video=source)
        for frame in source:
            sink.write(FrameResult(frame, (), LABELS), frame.image)
        sink.close()
    assert sink.warning == f"In {out}, the sound is missing, for its file was taken away."
    with VideoSource(out) as copy:
        assert not copy.has_audio
        assert len(list(copy)) == 6


def test_pictures_have_the_hash_of_what_was_read(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for number, path in enumerate(paths):
        path.write_bytes(cv2.imencode(".png", level_picture(number, (30, 20)))[1].tobytes())
    digests = [sha256(path.read_bytes()).hexdigest() for path in paths]
    source = ImageSource(paths)
    frames = iter(source)
    next(frames)
    paths[0].write_bytes(b"another")
    assert [one.sha256 for one in source.list_files()] == [digests[0], None]
    list(frames)
    assert [one.sha256 for one in source.list_files()] == digests


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.mp4"
    os.mkfifo(path)
    with pytest.raises(SourceError, match=r"pipe\.mp4 is a pipe or a device, not a file"):
        VideoSource(path)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (Path.unlink, "my talk does not exist."),
        (lambda path: path.write_bytes(b""), "my talk is empty."),
        (lambda path: path.write_bytes(b"no video"), "my talk is not a video, or is damaged"),
    ],
)
def test_errors_call_a_video_as_its_user_does(
    tmp_path: Path, act: Callable[[Path], Any], said: str
) -> None:
    path = tmp_path / ".copy.fetched"
    path.write_text("x")
    act(path)
    with pytest.raises(SourceError) as caught:
        VideoSource(path, name="my talk")
    assert str(caught.value).startswith(said)


def test_name_that_is_no_text_is_written_in_one_way(
    tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    try:
        clip = tmp_path / os.fsdecode(b"t\xff.mp4")
        write_video(clip, frames=3)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) not in (None, errno.EILSEQ):
            raise
        pytest.skip("this disk takes no such names")
    ends = ("jsonl", "csv", "eaf", "html")
    rows, table, elan, page = (clip.with_suffix(f".{end}") for end in ends)
    outputs = OutputPaths(records=rows, episodes=(table, elan), report=page)
    settings = {"video": [str(clip)]}
    plan = RunPlan(VideoInput(clip), outputs, settings=settings, command=[str(clip)])
    annotate(plan, blind_networks, stop=lambda: False)
    row = json.loads(rows.read_text("utf-8").splitlines()[0])
    notes = json.loads(clip.with_suffix(".run.json").read_text("utf-8"))
    name = "t\\udcff.mp4"
    assert (row["source"], notes["input"]["name"]) == (name, name)
    assert notes["settings"]["video"][0].endswith(name)
    assert notes["command"][0].endswith(name)
    assert name in page.read_text("utf-8")
    again = RunPlan(VideoInput(clip), outputs, settings=settings, resume=True)
    assert annotate(again, blind_networks, stop=lambda: False).finished_before


def test_full_disk_leaves_no_rows_that_nothing_can_go_on_with(
    tmp_path: Path, blind_networks: LoadedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    clip, rows = tmp_path / "clip.mp4", tmp_path / "out.jsonl"
    write_video(clip, frames=3)
    monkeypatch.setattr("app.runs.checkpoint.os.fsync", full)
    plan = RunPlan(VideoInput(clip), OutputPaths(records=rows))
    with pytest.raises(SinkError, match=r"/out\.jsonl could not be written: No space left"):
        annotate(plan, blind_networks, stop=lambda: False)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_equal_runs_give_equal_files(tmp_path: Path, blind_networks: LoadedNetworks) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=3)
    found = []
    for number in range(2):
        path = tmp_path / f"{number}.eaf"
        plan = RunPlan(VideoInput(clip), OutputPaths(episodes=(path,)))
        annotate(plan, blind_networks, stop=lambda: False)
        found.append(path.read_text())
    assert found[0] == found[1]
