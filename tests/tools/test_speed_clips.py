"""Made videos for measuring: their lengths, sizes and numbers, and how they are played live."""

import json
import sys
import urllib.request
from itertools import islice, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from app.defaults import PORTRAIT_CLIP
from app.errors import DataError, SinkError
from app.records.schema import FaceRecord, Record
from app.sources.video import VideoSource
from tests.support.synthetic import write_video
from tools import live_watch, make_crowd_clip, make_speed_clip, plain_loop
from tools.build_costs import Cost
from tools.film_server import find_codec, loop_packets, serve_film
from tools.live_figures import count_readings, find_ages_ms, summarise_live
from tools.live_watch import (
    NUMBERS,
    WAITING,
    FilmCamera,
    Watch,
    loop_jpegs,
    read_stamp,
    stamp_picture,
)
from tools.make_speed_clip import film_pictures, repeat_clip, write_film, write_pictures
from tools.speed_clips import SpeedClips, count_video_frames
from tools.whole_clip import write_under_hidden_name

WINDOW_FUNCTIONS = (
    *("imshow", "waitKey", "waitKeyEx", "pollKey", "resizeWindow", "namedWindow", "moveWindow"),
    *("getWindowProperty", "getWindowImageRect", "destroyWindow", "destroyAllWindows"),
)


def grey(level: int, width: int = 640, height: int = 360) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.mark.parametrize("number", [0, 1, 2, 77, 127, 128, 255])
@pytest.mark.parametrize("width", [320, 1280, 3840])
def test_stamps_are_read_again(number: int, width: int) -> None:
    image = grey(200, width, width * 9 // 16)
    stamp_picture(image, number + NUMBERS)
    assert read_stamp(image) == number


def test_stamps_survive_compression_and_one_free_corner() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
    stamp_picture(image, 99)
    image[:, :400] = 0
    image[:180] = 0
    done, content = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 80))
    assert done
    assert read_stamp(cv2.imdecode(content, cv2.IMREAD_COLOR)) == 99


@pytest.mark.parametrize("level", [0, 32, 40, 48, 255])
def test_pictures_without_a_stamp_have_no_number(level: int) -> None:
    assert read_stamp(grey(level)) is None
    assert read_stamp(grey(level, 8, 8)) is None


def test_neighbours_differ_in_two_cells() -> None:
    cells = [live_watch._encode_number(number) for number in range(NUMBERS + 1)]
    apart = [sum(a != b for a, b in zip(*two, strict=True)) for two in pairwise(cells)]
    assert set(apart) == {2}
    assert len({tuple(one) for one in cells[:-1]}) == NUMBERS


@pytest.mark.parametrize("b_frames", [0, 2])
def test_a_clip_is_repeated_picture_by_picture(tmp_path: Path, b_frames: int) -> None:
    clip, long = tmp_path / "clip.mp4", tmp_path / "long.mp4"
    write_video(clip, frames=7, b_frames=b_frames)
    repeat_clip(clip, long, 3)
    assert count_video_frames(long) == 21
    with VideoSource(long) as source:
        frames = list(source)
    assert source.warning is None
    assert [round(frame.time_s, 3) for frame in frames] == [round(k / 25, 3) for k in range(21)]
    np.testing.assert_array_equal(frames[0].image, frames[7].image)
    np.testing.assert_array_equal(frames[6].image, frames[20].image)


def test_films_go_forwards_and_backwards_with_noise_and_numbers() -> None:
    films = list(film_pictures([grey(100, 40, 30), grey(200, 40, 30)], (320, 180)))
    assert [round(float(film[60:120, 100:200].mean())) for film in films] == [100, 200, 200, 100]
    assert [read_stamp(film) for film in films] == [0, 1, 2, 3]
    assert 1.5 < float(films[0][60:120, 100:200, 0].std()) < 2.5


def test_a_phone_film_is_upright_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "phone.mp4"
    picture = grey(50, 90, 160)
    picture[:80] = 200
    write_film(path, [picture] * 3, "phone")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.codec_context.name) == (160, 90, "h264")
    with VideoSource(path) as source:
        frame = next(iter(source))
    assert frame.image.shape == (160, 90, 3)
    assert frame.image[:70].mean() > 180
    assert frame.image[90:].mean() < 70


def test_pictures_are_630_px_along_the_longer_side(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=9)
    write_pictures(clip, tmp_path / "made", 4)
    made = sorted((tmp_path / "made").iterdir())
    assert [cv2.imread(str(one)).shape for one in made] == [(472, 630, 3)] * 4
    write_pictures(tmp_path / "made", tmp_path / "again", 1)
    assert len(list((tmp_path / "again").iterdir())) == 4
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty has no pictures"):
        write_pictures(tmp_path / "empty", tmp_path / "none", 4)


def test_clips_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=5)
    clips = SpeedClips(tmp_path / "kept")
    first = clips.make("repeated", clip, "--repeat", "2")
    assert count_video_frames(first) == 10
    monkeypatch.setattr("subprocess.run", None)
    assert clips.make("repeated", clip, "--repeat", "2") == first
    assert [one.name for one in clips.folder.iterdir()] == [first.name]


def test_what_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video")
    with pytest.raises(DataError, match=r"^phone cannot be made of .*clip\.mp4: error: "):
        SpeedClips(tmp_path / "kept").make("phone", clip)
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize("main", [make_speed_clip.main, plain_loop.main])
def test_missing_and_existing_files_are_one_line(
    main, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind = ["repeated"] if main is make_speed_clip.main else []
    clip = tmp_path / "clip.mp4"
    assert main([*kind, str(clip), str(tmp_path / "new.mp4")]) == 2
    assert capsys.readouterr().err.endswith("clip.mp4 is no file. Give a video.\n")
    clip.write_bytes(b"")
    taken = tmp_path / "taken.mp4"
    taken.write_bytes(b"another")
    assert main([*kind, str(clip), str(taken)]) == 2
    assert "taken.mp4 exists already." in capsys.readouterr().err
    assert taken.read_bytes() == b"another"


def test_a_clip_replaces_a_file_only_when_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, made = tmp_path / "clip.mp4", tmp_path / "made.mp4"
    clip.write_bytes(PORTRAIT_CLIP.read_bytes())
    made.write_bytes(b"another")
    words = ["repeated", str(clip), str(made), "--repeat", "1"]
    assert make_speed_clip.main([*words, "--overwrite"]) == 0
    assert made.stat().st_size > 100_000
    words[2] = str(clip)
    assert make_speed_clip.main([*words, "--overwrite"]) == 2
    assert "clip.mp4 is the input itself." in capsys.readouterr().err
    assert clip.read_bytes() == PORTRAIT_CLIP.read_bytes()
    with pytest.raises(SinkError, match=r"made\.mp4 exists already"):
        make_crowd_clip.main([str(made), "--people", "1", "--seconds", "0.1"])


def test_a_film_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def write_half() -> None:
        with write_under_hidden_name(tmp_path / "film.mp4") as hidden:
            hidden.write_bytes(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames as a Motion JPEG."""
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    write_film(path, film_pictures([grey(90)] * 3, (640, 360)), "720p")
    return path


def test_a_camera_gives_pictures_when_they_are_due(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FilmCamera, "film", str(film))
    monkeypatch.setattr(FilmCamera, "sent", [])
    clock = [5.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda wait_s: clock.append(clock.pop() + wait_s + 1e-6))
    camera = FilmCamera(0)
    assert [read_stamp(camera.read()[1]) for _ in range(4)] == [0, 1, 2, 3]
    assert clock[0] == pytest.approx(5.1, abs=1e-3)
    assert [number for number, _ in camera.sent] == [0, 1, 2, 3]
    assert [due_s for _, due_s in camera.sent] == pytest.approx([5 + k / 30 for k in range(4)])
    camera.release()


def test_a_driver_keeps_few_pictures_and_loses_the_others(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FilmCamera, "film", str(film))
    monkeypatch.setattr(FilmCamera, "sent", [])
    camera = FilmCamera(0)
    camera._fill(10.0)
    camera._fill(10.21)  # six intervals of a thirtieth later
    assert [number for number, _ in camera.sent] == [0, 1, 2]
    assert len(camera._waiting) == WAITING
    assert [round(due_s, 3) for _, due_s in camera.sent] == [10.0, 10.033, 10.067]
    assert next(camera._numbers) == 7


def test_jpegs_are_given_as_they_are_where_asked_for(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FilmCamera, "film", str(film))
    camera = FilmCamera(0)
    assert camera.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    _, jpeg = camera.read()
    assert jpeg.shape[0] == 1
    assert jpeg.tobytes() == next(loop_jpegs(str(film)))


def test_a_watch_counts_new_pictures_after_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 4.0, 4.5, 5.0, 5.5, 6.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    watch = Watch(2.0)
    for number in (0, 1, 2, 2, None, 3, 4):
        image = grey(0)
        if number is not None:
            stamp_picture(image, number)
        watch.show("title", image)
    assert watch.figures is not None
    assert watch.figures["shown"] == [(2, 4.0), (3, 5.5), (4, 6.0)]
    assert (watch.figures["unreadable"], watch.figures["seconds"]) == (1, 2.0)
    assert watch.wait_key(1) == ord("q")


@pytest.mark.parametrize(("code", "ended"), [(0, 0), (1, 0), (2, 2)])
def test_records_that_lack_frames_are_no_failure_of_a_watch(
    code: int, ended: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 is the program's exit code where the disk was too slow for live records."""

    def run(words: list[str]) -> int:
        image = grey(0)
        stamp_picture(image, 1)
        for _ in range(3):
            cv2.imshow("title", image)
        return code

    for name in (*WINDOW_FUNCTIONS, "VideoCapture"):  # put back at the end
        monkeypatch.setattr(cv2, name, getattr(cv2, name))
    monkeypatch.setattr("subprocess.run", None)
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setattr("sys.path", ["tools", *sys.path])
    monkeypatch.setattr("run_demo.main", run)
    monkeypatch.setattr(live_watch, "WARM_UP_S", 0.0)
    path = tmp_path / "watch.json"
    monkeypatch.setattr("sys.argv", ["live_watch.py", str(path), "0.0", "-", "--camera", "0"])
    assert live_watch.main() == ended
    assert json.loads(path.read_text())["shown"][0][0] == 1


def test_ages_count_from_the_latest_picture_of_a_number() -> None:
    sent = [(0, 1.0), (1, 1.1), (NUMBERS, 9.0), (NUMBERS + 1, 9.1)]
    shown = [(0, 1.05), (1, 1.3), (0, 8.9), (0, 9.2), (5, 9.3)]
    ages = find_ages_ms(sent, shown)
    assert ages == pytest.approx([50, 200, 7900, 200])


def read(person: int, time_s: float, p: float) -> Record:
    shares = {"happiness": p, "neutral": 1 - p}
    face = FaceRecord(person, (0, 0, 9, 9), 0.9, "happiness", None, shares, shares)
    return Record("camera:0", round(100 * time_s), time_s, face)


def test_readings_are_changes_of_raw_probabilities() -> None:
    often = [read(1, k / 10, k % 2) for k in range(31)]
    seldom = [read(2, k / 10, k // 3 / 20) for k in range(31)]
    passing = [read(3, k / 10, k % 2) for k in range(10)]
    assert count_readings(often) == pytest.approx(10)
    assert count_readings(seldom) == pytest.approx(10 / 3)
    assert count_readings([*often, *seldom, *passing]) == pytest.approx((10 + 10 / 3) / 2)
    assert count_readings(passing) is None


def test_a_live_run_has_its_figures(tmp_path: Path) -> None:
    records = tmp_path / "a.jsonl"
    records.write_text(
        '{"source": "c", "frame": 0, "time_s": 0.0, "face_id": null, "x": null, "y": null, '
        '"width": null, "height": null, "det_score": null, "label": null, '
        '"probabilities": null}\n'
    )
    watched = {
        "shown": [(n, 1.05 + 0.1 * n) for n in range(20)],
        "unreadable": 10,
        "seconds": 1.0,
        "processor_s": 0.3,
        "resident_mb": 300.0,
        "peak_mb": None,
    }
    sent = [(n, 1.0 + 0.1 * n) for n in range(20)]
    found = summarise_live(Cost(1.0, 1.0, 1.0), watched, sent, records).figures
    assert found == pytest.approx(
        {
            "frames/s": 30.0,
            "processor ms a frame": 10.0,
            "latency p50, ms": 50.0,
            "latency p95, ms": 50.0,
            "resident memory, MB": 300.0,
            "faces a frame": 0.0,
        }
    )
    few = {**watched, "shown": watched["shown"][:9], "unreadable": 31}
    with pytest.raises(DataError, match="Of 40 live pictures, 31 have a number that cannot"):
        summarise_live(Cost(1.0, 1.0, 1.0), few, sent, records)


def test_packets_of_a_film_go_round(film: Path) -> None:
    packets = list(islice(loop_packets(film), 7))
    assert all(is_key for is_key, _ in packets)
    assert packets[0][1] == packets[6][1] == next(loop_jpegs(str(film)))
    assert packets[0][1][:2] == b"\xff\xd8"


def test_h264_is_served_with_start_codes(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_film(path, film_pictures([grey(90)] * 3, (640, 360)), "4k-h264")
    packets = list(islice(loop_packets(path), 7))
    keys = [is_key for is_key, _ in packets]
    assert (keys[0], keys[6]) == (True, True)
    assert not keys[1]
    assert all(content.startswith(b"\0\0\0\1") for _, content in packets)
    assert find_codec(path) == "h264"


def test_other_films_are_not_served(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    write_video(path, frames=2, codec="mpeg4")
    with pytest.raises(DataError, match="is mpeg4; only mjpeg and h264 are served"):
        find_codec(path)


@pytest.mark.slow
def test_a_served_film_comes_in_time(film: Path) -> None:
    with serve_film(film) as server, av.open(server.address) as stream:
        numbers = []
        for frame in stream.decode(video=0):
            numbers.append(read_stamp(frame.to_ndarray(format="bgr24")))
            if len(numbers) == 8:
                break
        sent = server.read_times()
        with urllib.request.urlopen(f"{server.address}times") as answer:
            assert len(json.load(answer)) >= len(sent)
    assert numbers == [0, 1, 2, 3, 4, 5, 0, 1]
    dues = [due_s for _, due_s in sent]
    assert dues[7] - dues[0] == pytest.approx(7 / 30)


@pytest.mark.slow
def test_the_plain_loop_annotates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "a.mp4"
    assert plain_loop.main([str(PORTRAIT_CLIP), str(output), "--frames", "5"]) == 0
    assert count_video_frames(output) == 5
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["frames"], found["faces"]) == (5, 5)
