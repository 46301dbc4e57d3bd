"""The sink and the command make the same page, and the command says what it lacks."""

import json
import os
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.errors import SinkError
from app.records.writers import RecordsSink
from app.report.__main__ import main
from app.report.sink import ReportSink
from app.sources.video import VideoSource
from tests.support.synthetic import LABELS, frame_result, tracked_face, write_video


def test_sink_and_command_show_the_same_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = ReportSink(tmp_path / "live.html", facts=dict, overwrite=False)
    records = RecordsSink(tmp_path / "r.jsonl", LABELS, overwrite=False)
    for n, name in enumerate(("a.png", "b.png")):
        image = np.full((60, 80, 3), 40 * n, np.uint8)
        cv2.imwrite(str(tmp_path / name), image)
        result = frame_result(
            tracked_face(box_xyxy=(10, 10, 40, 40), probabilities=(0.1, 0.8, 0.1)),
            image=image,
            index=n,
            time_s=0.0,
            source=name,
        )
        for sink in (report, records):
            sink.write(result, image)
    records.close()
    report.close()
    line = [str(tmp_path / "r.jsonl"), "-o", str(tmp_path / "later.html")]
    assert main(line) == 0
    assert "2 pictures, 2 faces, 2 shown" in capsys.readouterr().err
    live, later = ((tmp_path / f"{name}.html").read_text() for name in ("live", "later"))
    assert live == later
    assert live.count("data:image/jpeg") == 4
    (tmp_path / "a.png").unlink()
    assert main([*line, "--overwrite", "--pictures", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert f"1 of the pictures is not in {tmp_path}, or is another one." in said
    assert main([*line, "--overwrite"]) == 0
    said = capsys.readouterr().err
    assert "note: 1 picture not shown, for want of the files: name their folder by" in said
    assert main([*line, "--overwrite", "--no-stills"]) == 0
    assert "data:image" not in (tmp_path / "later.html").read_text()


@pytest.mark.parametrize("up", ["../out.png", "inner/../../out.png", "ABSOLUTE"])
def test_pictures_outside_the_folder_are_not_shown(tmp_path: Path, up: str) -> None:
    (tmp_path / "in" / "inner").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "out.png"), np.zeros((60, 80, 3), np.uint8))
    name = str(tmp_path / "out.png") if up == "ABSOLUTE" else up
    records = RecordsSink(tmp_path / "in/r.jsonl", LABELS, overwrite=False)
    records.write(frame_result(tracked_face(), time_s=0.0, source=name), np.zeros((9, 9, 3)))
    records.close()
    assert main([str(tmp_path / "in/r.jsonl"), "-o", str(tmp_path / "p.html")]) == 0
    assert "data:image" not in (tmp_path / "p.html").read_text()


def shares_at(index: int) -> tuple[float, float, float]:
    """Happiest at frame 20."""
    happy = 0.7 + 0.01 * min(index, 40 - index)
    return 0.9 - happy, happy, 0.1


def happy_results(video: Path) -> list[Any]:
    with VideoSource(video) as source:
        return [
            frame_result(
                tracked_face(box_xyxy=(10, 10, 40, 40), probabilities=shares_at(one.index)),
                image=one.image,
                index=one.index,
                time_s=one.time_s,
                source=one.source,
            )
            for one in source
        ]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    write_video(tmp_path / "clip.mp4", frames=25)
    return tmp_path / "clip.mp4"


def test_sink_and_command_make_the_same_page(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = ReportSink(tmp_path / "live.html", facts=dict, overwrite=False)
    records = RecordsSink(tmp_path / "r.jsonl", LABELS, overwrite=False)
    for result in happy_results(video):
        for sink in (report, records):
            sink.write(result, result.frame.image)
    records.close()
    assert not (tmp_path / "live.html").exists()
    report.close()
    assert main([str(tmp_path / "r.jsonl"), "-o", str(tmp_path / "later.html")]) == 0
    assert "25 frames, 1 face, 1 episode, 1 still " in capsys.readouterr().err
    live, later = ((tmp_path / f"{name}.html").read_text() for name in ("live", "later"))
    assert live == later
    assert live.count('src="data:image/jpeg;base64,') == 1


def test_no_faces_are_stored_unasked(video: Path, tmp_path: Path) -> None:
    report = ReportSink(tmp_path / "live.html", facts=dict, overwrite=False, with_stills=False)
    records = RecordsSink(tmp_path / "r.csv", LABELS, overwrite=False)
    for result in happy_results(video):
        for sink in (report, records):
            sink.write(result, result.frame.image)
    report.close()
    records.close()
    assert main([str(tmp_path / "r.csv"), "-o", str(tmp_path / "l.html"), "--no-stills"]) == 0
    for name in ("live", "l"):
        page = (tmp_path / f"{name}.html").read_text()
        assert "data:image" not in page
        assert "shows faces" not in page


def test_another_video_that_shares_its_first_frame_time_is_noticed(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = RecordsSink(tmp_path / "r.csv", LABELS, overwrite=False)
    for result in happy_results(video):
        steady = replace(result.faces[0], face_id=2, probabilities=np.array([0.1, 0.8, 0.1]))
        records.write(replace(result, faces=(*result.faces, steady)), result.frame.image)
    records.close()
    other, page = tmp_path / "other.mp4", tmp_path / "r.html"
    write_video(other, frames=25, rate=Fraction(20))
    assert main([str(tmp_path / "r.csv"), "-o", str(page), "--video", str(other)]) == 1
    assert "other.mp4 is not the video of these records." in capsys.readouterr().err
    assert "data:image" not in page.read_text()


def test_command_says_what_is_wrong(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = RecordsSink(tmp_path / "r.csv", LABELS, overwrite=False)
    for result in happy_results(video):
        records.write(result, result.frame.image)
    records.close()
    out, other = tmp_path / "r.html", tmp_path / "other.mp4"
    write_video(other, frames=25, rate=Fraction(20))
    line = [str(tmp_path / "r.csv"), "-o"]
    video.rename(tmp_path / "moved.mp4")
    assert main([*line, str(tmp_path / "none.html")]) == 0
    said = capsys.readouterr().err
    assert "note: no stills, for want of the video: name it by --video." in said
    (tmp_path / "moved.mp4").rename(video)
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe.mp4")
        assert (
            main([*line, str(tmp_path / "pipe.html"), "--video", str(tmp_path / "pipe.mp4")]) == 1
        )
        assert "pipe.mp4 is no regular file." in capsys.readouterr().err
    assert main([*line, str(out), "--video", str(other)]) == 1
    assert "is not the video of these records" in capsys.readouterr().err
    notes = {"input": {"files": [{"sha256": "of another"}]}}
    (tmp_path / "r.run.json").write_text(json.dumps(notes))
    assert main([*line, str(out), "--video", str(video), "--overwrite"]) == 1
    assert "is not the video of these records" in capsys.readouterr().err
    (tmp_path / "r.run.json").write_text(json.dumps({"settings": {"blur": True}}))
    assert main([*line, str(out), "--video", str(video), "--overwrite"]) == 1
    assert "faces were to be blurred" in capsys.readouterr().err
    assert "data:image" not in out.read_text()
    assert main([*line, str(out)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main([*line, str(tmp_path / "r.pdf")]) == 2
    assert "must end in .html" in capsys.readouterr().err
    (tmp_path / "empty.jsonl").touch()
    assert main([str(tmp_path / "empty.jsonl"), "-o", str(tmp_path / "e.html")]) == 2
    assert "has no rows" in capsys.readouterr().err
    with pytest.raises(SinkError, match="exists already"):
        ReportSink(out, facts=dict, overwrite=False)
