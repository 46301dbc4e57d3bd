"""Unusual videos, from file to annotated file and records, judged by another program: ffprobe."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.batch.annotate import FileOutcome, annotate
from app.runs.networks import LoadedNetworks
from app.runs.plan import OutputPaths, RunPlan, VideoInput
from tests.support.synthetic import cut, noise_picture, write_video

FFMPEG, FFPROBE = shutil.which("ffmpeg"), shutil.which("ffprobe")
pytestmark = pytest.mark.skipif(not (FFMPEG and FFPROBE), reason="ffmpeg and ffprobe are not there")
SECONDS = 0.6


def ffprobe(path: Path, *options: str) -> dict[str, Any]:
    words = [str(FFPROBE), "-v", "error", "-of", "json", *options, str(path)]
    found: dict[str, Any] = json.loads(
        subprocess.run(words, capture_output=True, check=True).stdout
    )
    return found


def streams(path: Path, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ffprobe(path, "-show_streams", "-select_streams", kind)["streams"]
    return found


def times_s(path: Path) -> list[float]:
    """Of the pictures, from the start of the file."""
    shown = ffprobe(path, "-select_streams", "v:0", "-show_entries", "frame=pts_time")["frames"]
    about = ffprobe(path, "-show_entries", "format=start_time")["format"]
    start_s = max(0.0, float(about.get("start_time", 0)))  # below 0 is what sound needs to begin
    return [float(frame["pts_time"]) - start_s for frame in shown]


def packets(path: Path, kind: str) -> list[str]:
    """Hashes of what is in a stream, without its container."""
    words = [str(FFMPEG), "-v", "error", "-i", str(path), "-map", f"0:{kind}", "-c", "copy"]
    done = subprocess.run(
        [*words, "-f", "framehash", "-"], capture_output=True, check=True, text=True
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return [line.rpartition(",")[2].strip() for line in lines]


def rotation_of(stream: dict[str, Any]) -> int:
    return sum(int(one.get("rotation", 0)) for one in stream.get("side_data_list", ()))


def film(path: Path, *words: str, source: str = "testsrc2=s=320x240:r=25") -> Path:
    """Made by ffmpeg; skips where it lacks an encoder."""
    command = [str(FFMPEG), "-v", "error", "-f", "lavfi", "-t", str(SECONDS), "-i", source]
    done = subprocess.run([*command, *words, str(path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"ffmpeg cannot make it: {done.stderr.decode()[-200:]}")
    return path


TWO_SOUNDS = (
    "-f lavfi -t 0.6 -i sine=440:r=48000 -f lavfi -t 0.6 -i sine=880:r=48000 -map 0:v -map 1:a "
    "-map 2:a -c:v libx264 -c:a aac -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu"
).split()
JUMPY = ["-vf", "select='not(mod(n,3))+eq(n,4)+eq(n,11)'", "-fps_mode", "vfr", "-c:v", "libx264"]
# name, words for ffmpeg, size of the annotated pictures
FILMS: Sequence[tuple[str, Sequence[str], tuple[int, int]]] = (
    ("hevc10.mp4", ["-c:v", "libx265", "-pix_fmt", "yuv420p10le"], (320, 240)),
    ("interlaced.mkv", ["-c:v", "libx264", "-flags", "+ilme+ildct", "-top", "1"], (320, 240)),
    ("odd.mkv", ["-vf", "scale=321:243", "-c:v", "ffv1"], (322, 244)),
    ("odd.mp4", ["-vf", "scale=321:243", "-c:v", "libx264", "-pix_fmt", "yuv444p"], (322, 244)),
    ("wide.mp4", ["-vf", "scale=240:240,setsar=64/45", "-c:v", "libx264"], (342, 240)),
    ("wide.mkv", ["-vf", "scale=320:120,setsar=1/2", "-c:v", "libx264"], (320, 240)),
    ("grey.mkv", ["-c:v", "libx264", "-pix_fmt", "gray"], (320, 240)),
    ("silent.mp4", ["-c:v", "libx264"], (320, 240)),
    ("sounds.mp4", TWO_SOUNDS, (320, 240)),
    ("sounds.mkv", TWO_SOUNDS, (320, 240)),
    ("jumpy.mp4", JUMPY, (320, 240)),
    ("jumpy.mkv", JUMPY, (320, 240)),
)


def run(clip: Path, blind_networks: LoadedNetworks) -> tuple[Path, list[float], FileOutcome]:
    """The annotated video, the records' times, and what came of it."""
    out, rows = clip.with_name(f"out{clip.suffix}"), clip.with_name("out.jsonl")
    plan = RunPlan(VideoInput(clip), OutputPaths(out, rows))
    outcome = annotate(plan, blind_networks, stop=lambda: False)
    frames = {row["frame"]: row["time_s"] for row in map(json.loads, rows.read_text().splitlines())}
    assert list(frames) == list(range(len(frames)))
    return out, list(frames.values()), outcome


@pytest.mark.slow
@pytest.mark.parametrize(("name", "words", "size_wh"), FILMS, ids=[one[0] for one in FILMS])
def test_other_programs_find_in_the_copy_what_was_in_the_video(
    name: str,
    words: Sequence[str],
    size_wh: tuple[int, int],
    tmp_path: Path,
    blind_networks: LoadedNetworks,
) -> None:
    clip = film(tmp_path / name, *words)
    out, recorded_s, outcome = run(clip, blind_networks)
    assert outcome.cut_short is None
    shown_s = times_s(clip)
    assert recorded_s == pytest.approx(shown_s, abs=2e-6)
    assert times_s(out) == pytest.approx(shown_s, abs=2e-6)
    (picture,) = streams(out, "v")
    assert (picture["width"], picture["height"]) == size_wh
    assert picture.get("sample_aspect_ratio", "1:1") == "1:1"
    length_s = [
        float(ffprobe(path, "-show_entries", "format=duration")["format"]["duration"])
        for path in (clip, out)
    ]
    assert length_s[1] == pytest.approx(length_s[0], abs=0.045)
    before, after = streams(clip, "a"), streams(out, "a")
    assert len(after) == len(before) == (2 if name.startswith("sounds") else 0)
    for number, (one, other) in enumerate(zip(before, after, strict=True)):
        assert one["codec_name"] == other["codec_name"]
        assert one["tags"]["language"] == other["tags"]["language"]
        assert one["disposition"]["default"] == other["disposition"]["default"]
        assert packets(clip, f"a:{number}") == packets(out, f"a:{number}")


@pytest.mark.slow
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_in_the_pictures_and_not_in_the_metadata(
    rotation: int, tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    clip = tmp_path / "turned.mp4"
    write_video(clip, frames=6, size_wh=(160, 120), rotation=rotation if rotation < 270 else -90)
    (before,) = streams(clip, "v")
    assert rotation_of(before) % 360 in (rotation, 360 - rotation)
    out, recorded_s, _ = run(clip, blind_networks)
    (after,) = streams(out, "v")
    size_wh = (160, 120) if rotation == 180 else (120, 160)
    assert (after["width"], after["height"], rotation_of(after)) == (*size_wh, 0)
    assert times_s(out) == pytest.approx(times_s(clip), abs=2e-6)
    assert recorded_s == pytest.approx(times_s(clip), abs=2e-6)


def test_truncated_video_gives_a_whole_copy_of_what_is_left(
    tmp_path: Path, blind_networks: LoadedNetworks
) -> None:
    clip = tmp_path / "cut.mkv"
    write_video(clip, frames=40, picture=noise_picture, size_wh=(160, 120), sound="aac")
    cut(clip, 0.5)
    out, recorded_s, outcome = run(clip, blind_networks)
    assert outcome.cut_short is not None
    assert "cut short" in outcome.cut_short
    shown_s = times_s(out)
    assert 5 < len(shown_s) < 40
    assert recorded_s == pytest.approx(shown_s, abs=0.001)
