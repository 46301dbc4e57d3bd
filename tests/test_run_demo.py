"""The command line, as its users type it, with the shipped model on the shipped clip."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from app.cli.options import parser
from app.defaults import DEMO_CLIP, PORTRAIT_CLIP, ROOT
from app.detection.search import LEAST_SCORE, FaceSearch
from app.pipeline import Pipeline
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.recognition.quality import BLURRED_SHARPNESS, TURNED_DEG
from app.records.schema import COLUMNS, QUALITY_COLUMNS, SCHEMA, list_flat_columns
from app.tracking.smoothing import SMOOTHING_S
from app.types import LANDMARKS, Frame, FrameResult
from run_demo import main
from tests.support.program import called
from tests.support.servers import PASSWORD, USER, http_camera
from tests.support.tiny_model import tiny_contract, write_tiny_model
from tools import make_portrait_clip as clip

FIELDS = list(COLUMNS)


def no_display() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}


def demo(*arguments: str | Path, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "run_demo.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=no_display(),
        timeout=120,
        check=False,
        **options,
    )


def still(path: Path, index: int = 0) -> Path:
    """A frame of the portrait clip as a picture file."""
    cv2.imwrite(str(path), clip_frame(index))
    return path


def clip_frame(index: int) -> np.ndarray:
    with av.open(str(PORTRAIT_CLIP)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                return frame.to_ndarray(format="bgr24")
    raise AssertionError(index)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the README's main job has run."""
    folder = tmp_path_factory.mktemp("demo")
    line = "--no-window -o out.mp4 --records out.jsonl --report out.html --episodes out.vtt"
    video = ("--video", PORTRAIT_CLIP)
    done = demo(*video, *line.split(), "--episodes", "out.eaf", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stdout + done.stderr)
    return folder


@pytest.fixture(scope="module")
def rows(played: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (played / "out.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_main_job_leaves_its_outputs_and_nothing_else(played: Path) -> None:
    names = ["out.eaf", "out.html", "out.jsonl", "out.mp4", "out.run.json", "out.vtt", "said"]
    assert sorted(p.name for p in played.iterdir()) == names


@pytest.mark.slow
def test_main_job_says_two_lines_and_no_chatter(played: Path) -> None:
    lines = (played / "said").read_text().splitlines()
    assert len(lines) == 2
    assert re.fullmatch(rf"{DEFAULT_MODEL.name} on (CPU|CUDA)( \(.*\))?\.", lines[0])
    assert lines[1].startswith("240 frames with ")


@pytest.mark.slow
def test_every_frame_has_its_rows(rows: list[dict[str, Any]]) -> None:
    assert sorted({row["frame"] for row in rows}) == list(range(clip.FRAMES))
    nested = ["probabilities", "raw_probabilities", "landmarks"]
    assert list(rows[0]) == [*FIELDS, *nested, *QUALITY_COLUMNS, "schema"]
    assert {row["source"] for row in rows} == {"portrait.mp4"}
    for row in rows:
        assert row["time_s"] == pytest.approx(row["frame"] / clip.FPS, abs=1e-6)


@pytest.mark.slow
def test_faces_are_found_where_they_were_drawn(rows: list[dict[str, Any]]) -> None:
    found = dict.fromkeys(range(clip.FRAMES), 0)
    for row in rows:
        found[row["frame"]] += row["face_id"] is not None
    wanted = {i: clip.expected_faces(i) for i in found}
    wrong = [i for i, n in wanted.items() if n is not None and found[i] != n]
    assert len(wrong) <= 5, wrong
    for row in rows:
        if row["face_id"] is not None:
            middle = (row["x"] + row["width"] / 2, row["y"] + row["height"] / 2)
            assert -50 < middle[0] < clip.WIDTH_PX + 50
            assert -50 < middle[1] < clip.HEIGHT_PX + 50
            assert row["det_score"] >= LEAST_SCORE


@pytest.mark.slow
def test_the_smile_is_read_as_happiness(rows: list[dict[str, Any]]) -> None:
    faces = [row for row in rows if row["face_id"] is not None]
    labels = [row["label"] for row in faces]
    assert labels.count("happiness") >= 0.98 * len(labels)
    assert np.mean([row["probabilities"]["happiness"] for row in faces]) > 0.9
    for row in faces:
        assert sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-4)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)


@pytest.mark.slow
def test_identities_last(rows: list[dict[str, Any]]) -> None:
    """One person until the clip is empty, then one, joined by another."""
    first = {row["face_id"] for row in rows if row["frame"] < 124}
    last = [row["face_id"] for row in rows if row["frame"] >= 195]
    assert first == {1}
    assert sorted(set(last)) == [2, 3]


@pytest.mark.slow
def test_rows_of_empty_frames_are_empty(rows: list[dict[str, Any]]) -> None:
    empty = [row for row in rows if 135 <= row["frame"] < 158]
    assert len(empty) == 23
    for row in empty:
        assert all(row[name] is None for name in (*FIELDS[3:], "probabilities"))


@pytest.mark.slow
def test_video_keeps_every_frame_its_time_and_the_sound(played: Path) -> None:
    def facts(path: Path) -> tuple[list[float], list[bytes]]:
        with av.open(str(path)) as container:
            times = [frame.time for frame in container.decode(video=0)]
        with av.open(str(path)) as container:
            sound = [bytes(p) for p in container.demux(audio=0) if p.size]
        return times, sound

    (times, sound), (clip_times, clip_sound) = facts(played / "out.mp4"), facts(PORTRAIT_CLIP)
    assert times == pytest.approx(clip_times, abs=1e-6)
    assert sound == clip_sound
    with av.open(str(played / "out.mp4")) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height) == (clip.WIDTH_PX, clip.HEIGHT_PX)


@pytest.mark.slow
def test_overlay_is_drawn_into_the_video(played: Path) -> None:
    with av.open(str(played / "out.mp4")) as container:
        drawn = next(container.decode(video=0)).to_ndarray(format="bgr24").astype(int)
    changed = np.abs(drawn - clip_frame(0).astype(int)).max(axis=2) > 60
    assert 0.01 < changed.mean() < 0.5


@pytest.mark.slow
def test_faces_have_figures_of_quality(rows: list[dict[str, Any]]) -> None:
    faces = [row for row in rows if row["face_id"] is not None]
    whole = [row for row in faces if row["x"] > 0]
    assert {row["schema"] for row in rows} == {SCHEMA}
    for row in faces:
        assert row["size_px"] == pytest.approx((row["width"] * row["height"]) ** 0.5, abs=0.02)
        assert list(row["landmarks"]) == list(LANDMARKS)
        assert sum(row["raw_probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert np.median([row["sharpness"] for row in whole]) > BLURRED_SHARPNESS
    assert all(0.1 < row["brightness"] < 0.9 for row in whole)
    assert np.median([abs(row["yaw_deg"]) for row in whole]) < TURNED_DEG


@pytest.mark.slow
def test_episodes_and_report_say_the_same_as_the_records(played: Path) -> None:
    cues = (played / "out.vtt").read_text().split("\n\n")[1:]
    assert [cue.splitlines()[2] for cue in cues] == [
        f"face {number}: happiness (100 %)" for number in (1, 2, 3)
    ]
    assert (played / "out.eaf").read_text().count("<ALIGNABLE_ANNOTATION") == 3
    page = (played / "out.html").read_text()
    assert page.count('<rect class="span') == page.count("data:image/jpeg") == 3
    notes = json.loads((played / "out.run.json").read_text())
    assert notes["counts"]["frames"] == clip.FRAMES
    assert notes["model"]["sha256"] in page
    assert notes["input"]["files"][0]["sha256"] in page


@pytest.fixture(scope="module")
def raw_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of the clip as a table, without smoothing."""
    folder = tmp_path_factory.mktemp("raw")
    line = "--no-window --smoothing 0 --records raw.csv"
    code, said = called(folder, "--video", str(PORTRAIT_CLIP), *line.split())
    assert code == 0, said
    return folder / "raw.csv"


@pytest.mark.slow
def test_csv_has_one_column_per_label(raw_csv: Path) -> None:
    with open(raw_csv, newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    labels = list(Classifier(DEFAULT_MODEL, device="cpu").labels)
    assert list(table[0]) == [column.name for column in list_flat_columns(labels)]
    assert {row["frame"] for row in table} == {str(i) for i in range(clip.FRAMES)}
    assert {row["label"] for row in table if row["frame"] == "140"} == {""}


@pytest.mark.slow
def test_pictures_stand_for_themselves(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in (0, 100, 145):
        still(tmp_path / "in" / f"{index:03}.png", index)
    code, said = called(tmp_path, *"--image in --no-window -o out --records r.jsonl".split())
    assert code == 0, said
    table = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(row["source"], row["face_id"]) for row in table] == [
        ("000.png", 1),
        ("100.png", 1),
        ("145.png", None),
    ]
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == [f"{i:03}_annotated.png" for i in (0, 100, 145)]


@pytest.mark.slow
def test_without_an_output_the_result_lies_beside_the_input(tmp_path: Path) -> None:
    (tmp_path / "mine.mp4").write_bytes(PORTRAIT_CLIP.read_bytes())
    still(tmp_path / "photo.jpg")
    assert called(tmp_path, *"--video mine.mp4 --no-window --end 1".split())[0] == 0
    assert called(tmp_path, *"--image photo.jpg --no-window".split())[0] == 0
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["mine.mp4", "mine_annotated.mp4", "photo.jpg", "photo_annotated.jpg"]


@pytest.mark.slow
def test_prior_correction_makes_rare_expressions_more_probable(tmp_path: Path) -> None:
    still(tmp_path / "photo.png")
    rows = []
    for tau in ("0", "1"):
        options = ("--no-window", "--records", f"{tau}.jsonl", "--prior-correction", tau)
        assert called(tmp_path, "--image", "photo.png", *options)[0] == 0
        rows.append(json.loads((tmp_path / f"{tau}.jsonl").read_text()))
    contract = Classifier(DEFAULT_MODEL, device="cpu").contract
    plain, corrected = (np.array(list(row["probabilities"].values())) for row in rows)
    sharper = plain ** (contract.find_temperature(0.0) / contract.find_temperature(1.0))
    wanted = sharper / contract.training_data.class_shares
    np.testing.assert_allclose(corrected, wanted / wanted.sum(), atol=1e-4)
    assert corrected[1] < sharper[1] / sharper.sum()  # happiness is frequent
    bad = demo("--demo", "--prior-correction", "2", cwd=tmp_path)
    assert (bad.returncode, "must be between 0 and 1" in bad.stderr) == (2, True)


@pytest.mark.slow
def test_unreadable_picture_is_skipped_and_said(tmp_path: Path) -> None:
    still(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    line = "--image bad.png good.png --no-window --records r.csv"
    code, said = called(tmp_path, *line.split())
    assert code == 1
    assert "bad.png" in said
    assert len((tmp_path / "r.csv").read_text().splitlines()) == 2


@pytest.mark.slow
def test_truncated_video_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    content = PORTRAIT_CLIP.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])
    code, said = called(tmp_path, *"--video cut.mp4 --no-window -o o.mp4".split())
    assert code == 1
    assert "cut.mp4 is damaged or cut short" in said
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert 20 < sum(1 for _ in container.decode(video=0)) < clip.FRAMES


def bad_inputs(folder: Path) -> None:
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("hello " * 100)
    (folder / "bad.png").write_bytes(b"\x89PNG but not really")
    (folder / "there.mp4").write_bytes(b"keep me")
    (folder / "bad.onnx").write_bytes(b"no model")
    (folder / "folder").mkdir()
    write_tiny_model(folder / "bare.onnx", None)
    write_tiny_model(folder / "plain.onnx", tiny_contract())
    still(folder / "photo.png")
    with av.open(str(folder / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        for start in range(0, 44_100, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44_100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--camera 97 --no-window --records r.csv", "Camera 97 did not open"),
        ("--camera 97 --no-window", "Camera 97 did not open"),
        ("--camera -1 --no-window", "'-1' is no camera"),
        ("--camera file:///dev/zero", "Give its path to --video"),
        ("--camera udp://me:s3cret@x", "Streams of this kind ('udp') are not read"),
        ("--camera ./photo.png --no-window", "is not a camera's device. Use --video"),
        ("--camera http://me@h/ --size 640x480", "--size and --fps are asked of a camera"),
        ("--video text.mp4 --no-window --size 9x9", "--size is asked of a camera"),
        ("--image photo.png --no-window --fps 5", "--size and --fps are asked of a camera"),
        ("--image photo.png --no-window --every 2", "--every, --start and --end choose frames"),
        ("--demo --no-window --jobs 2", "--jobs, --shard and --resume go with --video"),
        ("--video text.mp4 --every 2 --fps 5 --no-window", "counted or timed, not both"),
        ("--video text.mp4 text.mp4 sound.mp4", "Add --no-window"),
        ("--video there.mp4 sound.mp4 --no-window --records r.csv", "r.csv is one file"),
        ("--video there.mp4 --no-window --records nowhere/r.csv", "nowhere does not exist"),
        ("--video missing.mp4 --no-window", "missing.mp4"),
        ("--video empty.mp4 --no-window", "empty.mp4"),
        ("--video text.mp4 --no-window", "text.mp4"),
        ("--video sound.mp4 --no-window", "sound.mp4"),
        ("--video folder --no-window", "folder"),
        ("--image bad.png --no-window", "bad.png"),
        ("--image missing.png --no-window", "missing.png"),
        ("--image folder --no-window", "folder"),
        ("--demo --no-window -o there.mp4", "there.mp4 exists already"),
        ("--demo --no-window -o nowhere/o.mp4", "nowhere"),
        ("--demo --no-window -o o.txt", "o.txt"),
        ("--demo --no-window -o folder", "folder"),
        ("--demo --no-window --records r.xml", "r.xml"),
        ("--demo --no-window --records nowhere/r.csv", "nowhere"),
        ("--demo --no-window -o r.csv --records r.csv", "r.csv"),
        ("--demo --no-window --records r.csv --episodes r.csv", "r.csv cannot be two results"),
        ("--demo --no-window -o -", "nothing goes to the standard output"),
        ("--demo --no-window --episodes e.srt", "e.srt must end in"),
        ("--demo --no-window --records .csv", "Put a name before it, such as results.csv."),
        ("--demo --no-window -o .mp4", "Put a name before it, such as results.mp4."),
        ("--demo --no-window --report .html", "Put a name before it, such as results.html."),
        ("--demo --no-window --report r.pdf", "r.pdf must end in .html"),
        ("--image photo.png --no-window --episodes e.csv", "Pictures have no time"),
        ("--video there.mp4 --no-window -o there.mp4 --overwrite", "input itself"),
        ("--demo --no-window -o o.mp4 --model missing.onnx", "missing.onnx is missing"),
        ("--demo --no-window -o o.mp4 --model bad.onnx", "bad.onnx"),
        ("--demo --no-window -o o.mp4 --model bare.onnx", "bare.onnx has no contract"),
        (
            "--demo --no-window --prior-correction 0.5 -o o.mp4 --model plain.onnx",
            "plain.onnx does not say how frequent its classes were",
        ),
        ("--demo", "--no-window"),
        ("--video missing.mp4", "missing.mp4 does not exist"),
        ("--video text.mp4", "text.mp4 is not a video"),
        ("--video photo.png", "photo.png is a picture. Use --image"),
        ("--image missing.png", "missing.png does not exist"),
        ("--image sound.mp4", "sound.mp4 is a video. Use --video"),
        ("--image folder", "The folder folder has no pictures"),
        ("--video missing.mp4 --serve --window", "missing.mp4 does not exist"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path, line: str, message: str, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    bad_inputs(tmp_path)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code = main(line.split())
    said = [text for text in "".join(capfd.readouterr()).splitlines() if " on CPU" not in text]
    assert code == 2
    assert len(said) == 1, said
    assert said[0].startswith("error: ")
    assert message in said[0]
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


@pytest.mark.slow
def test_cuda_that_is_not_there_is_said(tmp_path: Path) -> None:
    if Classifier(DEFAULT_MODEL).provider == "CUDA":
        pytest.skip("CUDA works here")
    arguments = ("--demo", "--no-window", "-o", "o.mp4", "--device", "cuda")
    done = demo(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: CUDA does not work here")
    assert list(tmp_path.iterdir()) == []


def find_bytes(path: Path) -> int:
    """The size of a file; 0 where there is none, as for a moment while a run tries its names."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_a_kill_and_a_closed_terminal_keep_what_was_finished(
    how: signal.Signals, tmp_path: Path
) -> None:
    ignored = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as `nohup pytest` would have it
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run_demo.py"), "--demo", "--no-window", "-o", "o.mp4"]
        + ["--records", "r.jsonl"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=no_display(),
    )
    signal.signal(signal.SIGHUP, ignored)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # until the first rows are on the disk
        if any(find_bytes(path) > 1000 for path in tmp_path.glob(".r.jsonl*")):
            break
        time.sleep(0.01)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Interrupted" in said
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    with av.open(str(tmp_path / "o.mp4")) as container:
        frames = sum(1 for _ in container.decode(video=0))
    assert frames == rows[-1]["frame"] + 1 < clip.FRAMES
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.mp4", "r.jsonl", "r.run.json"]
    assert json.loads((tmp_path / "r.run.json").read_text())["interrupted"] is True


class FakeCapture:
    """A camera that shows the first frame of the clip at its own pace and is unplugged after some
    of its pictures were `worked_on`. It comes back once; the second time somebody presses Ctrl-C.
    """

    opened = plugged = worked_on = 0

    def __init__(self, index: int) -> None:
        type(self).opened += 1
        type(self).plugged += 1
        self._index = index
        self._last = self.worked_on + 4
        self._picture = clip_frame(0)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        if self.plugged > 2:
            os.kill(os.getpid(), signal.SIGINT)
            return False
        return self._index == 0

    def set(self, what: int, value: float) -> bool:
        return True

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: 640, cv2.CAP_PROP_FRAME_HEIGHT: 480}.get(what, 30)

    def read(self) -> tuple[bool, np.ndarray | None]:
        time.sleep(0.04)
        return (False, None) if self.worked_on >= self._last else (True, self._picture.copy())

    def release(self) -> None:
        type(self).opened -= 1


@pytest.fixture
def fake_camera(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[FakeCapture]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    FakeCapture.opened = FakeCapture.plugged = FakeCapture.worked_on = 0

    def step(pipeline: Pipeline, frame: Frame) -> FrameResult:
        FakeCapture.worked_on += 1
        return real(pipeline, frame)

    real = Pipeline.step
    monkeypatch.setattr(Pipeline, "step", step)
    return FakeCapture


@pytest.mark.slow
def test_unplugged_camera_comes_back_and_outputs_are_whole(
    tmp_path: Path, fake_camera: type[FakeCapture], capfd: Any
) -> None:
    code = main("--camera 0 --size 1280x720 --no-window -o cam.mp4 --records cam.jsonl".split())
    assert code == 130
    shown, said = capfd.readouterr()
    lines = said.splitlines()
    assert lines[0] == "Camera 0 gives 640 x 480 at 30 frames/s, not 1280 x 720 as was asked."
    assert sum(" stopped delivering pictures. Check its cable" in line for line in lines) == 2
    assert sum(line.startswith("camera:0 is back after ") for line in lines) == 1
    assert re.search(r"; without pictures 2 times, \d+\.\d s in all -> cam", lines[-2])
    assert all(re.search(r" face [12] happiness ", line) for line in shown.splitlines())
    rows = [json.loads(line) for line in (tmp_path / "cam.jsonl").read_text().splitlines()]
    assert {(row["source"], row["label"]) for row in rows} == {("camera:0", "happiness")}
    ids = [row["face_id"] for row in rows]
    assert (ids[0], ids[-1], sorted(ids) == ids) == (1, 2, True)
    times_s = [row["time_s"] for row in rows]
    assert times_s == sorted(set(times_s))
    notes = json.loads((tmp_path / "cam.run.json").read_text())
    first, second = notes["gaps"]
    after = times_s.index(first["after_s"]) + 1
    assert ids[after] == 2
    assert times_s[after] - times_s[after - 1] == pytest.approx(first["seconds"], abs=1e-5)
    assert second["after_s"] == times_s[-1]
    assert notes["dropped"] == {}
    assert [row["frame"] for row in rows] == list(range(len(rows)))
    with av.open(str(tmp_path / "cam.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx(times_s, abs=0.002)
    assert FakeCapture.opened == 1  # the capture that never opened


@pytest.mark.slow
def test_camera_without_any_output_is_a_line_of_text(
    fake_camera: type[FakeCapture], tmp_path: Path, capfd: Any
) -> None:
    FakeCapture.plugged = 1
    assert main("--camera 0 --no-window".split()) == 130
    shown, said = capfd.readouterr()
    assert shown.splitlines()
    for line in shown.splitlines():
        form = r"00:\d\d  (no face|face 1 happiness (0\.\d\d|1\.00))(  \d+\.\d frames/s)?"
        assert re.fullmatch(form, line), line
    assert "without pictures once" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_stream_is_read_and_its_password_never_shown(tmp_path: Path) -> None:
    with http_camera() as server:
        host = f"127.0.0.1:{server.server_address[1]}"
        url = f"http://{USER}:{PASSWORD}@{host}/login/9999?k={PASSWORD}"
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "run_demo.py"), "--camera", url, "--no-window"]
            + ["--records", "r.jsonl", "--report", "r.html"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=no_display(),
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
    assert first.startswith("00:00  no face")
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert {row["source"] for row in rows} == {f"http://***@{host}/login/9999?***"}
    texts = [shown, said, *(p.read_text() for p in tmp_path.iterdir())]
    assert len(texts) == 5
    assert not any(PASSWORD in text for text in texts)


def test_cameras_are_listed(tmp_path: Path) -> None:
    done = demo("--list-cameras", cwd=tmp_path)
    if done.returncode == 1:
        assert " x " not in done.stdout
        assert done.stderr.startswith("No camera works here.")
    else:
        assert re.match(r"\d+  \d+ x \d+ at \d+", done.stdout)


def test_help_is_quick_and_names_the_keys(tmp_path: Path) -> None:
    done = demo("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == ""
    for word in ("--camera", "--records", "space", "exit codes", "not a feeling"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("options", "smoothing_s"),
    [([], SMOOTHING_S), (["--smoothing", "0"], 0.0), (["--smoothing", "2"], 2.0)],
)
def test_smoothing_is_told_in_seconds(options: list[str], smoothing_s: float) -> None:
    assert parser().parse_args(options).smoothing == smoothing_s


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_smoothing_that_is_no_time_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([f"--smoothing={text}"])
    assert ended.value.code == 2
    assert "--smoothing" in capsys.readouterr().err


@pytest.mark.slow
def test_smoothing_calms_the_labels_of_the_clip(played: Path, raw_csv: Path) -> None:
    with raw_csv.open() as file:
        raw = [row for row in csv.DictReader(file) if row["face_id"]]
    labels = [name.removeprefix("raw_") for name in raw[0] if name.startswith("raw_")]
    assert all(row[name] == row[f"raw_{name}"] for row in raw for name in labels)
    calm = [json.loads(line) for line in (played / "out.jsonl").read_text().splitlines()]

    def changes(rows: list[dict[str, Any]]) -> int:
        said: dict[str, list[str]] = {}
        for row in rows:
            said.setdefault(str(row["face_id"]), []).append(row["label"])
        return sum(a != b for one in said.values() for a, b in pairwise(one))

    assert changes([row for row in calm if row["face_id"]]) <= changes(raw)


@pytest.mark.slow
@pytest.mark.parametrize("source", [DEMO_CLIP, PORTRAIT_CLIP], ids=["demo", "video"])
def test_blurred_faces_are_blurred_in_the_file(source: Path, tmp_path: Path) -> None:
    """In what is written nobody is found where the clip shows a face, and no letters lie there."""
    out = tmp_path / "out.mp4"
    chosen = ["--demo"] if source == DEMO_CLIP else ["--video", str(source)]
    words = [*chosen, "--no-window", "--device", "cpu", "--blur", "--hud", "off", "--end", "0.5"]
    assert main([*words, "-o", str(out)]) == 0
    with FaceSearch() as search, av.open(str(source)) as before, av.open(str(out)) as after:
        pairs = zip(before.decode(video=0), after.decode(video=0), strict=False)
        for index, pictures in enumerate(pairs):
            shown, saved = (picture.to_ndarray(format="bgr24") for picture in pictures)
            if index % 5 == 0:
                assert len(search.detect(shown)) == 1
                assert search.detect(saved) == ()
                assert np.abs(shown[:40].astype(int) - saved[:40]).mean() < 5
