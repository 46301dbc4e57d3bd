"""Pictures come upright and in square pixels, each as its own frame says."""

import gc
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import cv2
import numpy as np
import pytest
from av.video.frame import VideoFrame

from app.frames.interlace import remove_comb
from app.frames.orientation import UPRIGHT, Orientation
from app.frames.stored_shape import MAX_FRAME_PIXELS, Shape, ShapeChanges, find_square_size
from app.frames.upright import UprightConverter
from app.sources.frame_selection import Selection
from app.sources.video import VideoSource
from app.types import Frame, Image
from tests.support.picture_files import add_exif_orientation
from tests.support.synthetic import write_turned_h264, write_video

PAL_WIDE = Fraction(64, 45)


def disc(size_wh: tuple[int, int], pixel_aspect: Fraction = Fraction(1)) -> Image:
    """A white disc, round on a screen, as it is stored with such pixels."""
    width, height = size_wh
    high = height // 4
    image = np.zeros((height, width, 3), np.uint8)
    axes = (round(high / pixel_aspect), high)
    return cv2.ellipse(image, (width // 2, height // 2), axes, 0, 0, 360, (255, 255, 255), -1)


def width_over_height(image: Image) -> float:
    """Of what is white."""
    _, _, width, height = cv2.boundingRect((image[..., 1] > 128).astype(np.uint8))
    return float(width / height)


def read(path: Path, selection: Selection | None = None) -> tuple[list[Frame], VideoSource]:
    with VideoSource(path, selection=selection) as source:
        return list(source), source


def joined(path: Path, parts: Sequence[dict[str, Any]]) -> Path:
    """Transport streams one after the other."""
    part = path.with_name("part.ts")
    content = b""
    for words in parts:
        write_video(part, frames=4, **words)
        content += part.read_bytes()
    path.write_bytes(content)
    return path


# Pixels that are not square


@pytest.mark.parametrize(
    ("stored_wh", "aspect", "size_wh"),
    [
        ((720, 576), PAL_WIDE, (1024, 576)),  # PAL wide
        ((720, 576), Fraction(16, 15), (768, 576)),
        ((720, 480), Fraction(8, 9), (720, 540)),  # NTSC DV: wider than it is stored would be lost
        ((1440, 1080), Fraction(4, 3), (1920, 1080)),  # HDV, AVCHD
        ((352, 576), Fraction(24, 11), (768, 576)),  # half of a line
        ((704, 288), Fraction(1, 2), (704, 576)),  # 2CIF: a field
        ((640, 480), Fraction(1), (640, 480)),
        ((853, 480), Fraction(1280, 1281), (853, 480)),  # a scaler's rounding: nothing is done
        ((640, 480), Fraction(100), (640, 480)),  # no device has it
        ((640, 480), Fraction(1, 6), (640, 480)),
    ],
)
def test_sizes_in_square_pixels(
    stored_wh: tuple[int, int], aspect: Fraction, size_wh: tuple[int, int]
) -> None:
    assert find_square_size(stored_wh, aspect) == size_wh


def test_pictures_do_not_grow_beyond_the_largest() -> None:
    for stored_wh, aspect in (((7680, 4320), Fraction(2)), ((7680, 4320), Fraction(1, 2))):
        width, height = find_square_size(stored_wh, aspect)
        assert width * height <= MAX_FRAME_PIXELS
        assert width / height == pytest.approx(float(16 / 9 * aspect), rel=0.001)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("aspect", [PAL_WIDE, Fraction(2), Fraction(1, 2)])
def test_round_things_are_round(aspect: Fraction, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{suffix}"
    stored_wh = (144, 96)
    picture = disc(stored_wh, aspect)
    write_video(path, frames=2, size_wh=stored_wh, picture=lambda *_: picture, pixel_aspect=aspect)
    frames, source = read(path)
    assert source.size_wh == frames[1].image.shape[1::-1] == find_square_size(stored_wh, aspect)
    assert width_over_height(frames[1].image) == pytest.approx(1, abs=0.08)
    facts = source.picture_facts
    assert facts["stored_size_wh"] == [144, 96]
    assert facts["pixel_aspect"] == str(aspect)
    (remark,) = source.remarks
    assert remark.startswith(f"clip.{suffix} has pixels of {aspect.numerator}:{aspect.denominator}")


def test_pixels_are_those_of_the_stored_picture_also_where_it_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    picture = disc((144, 96), PAL_WIDE)
    write_video(
        *(path,),
        frames=2,
        size_wh=(144, 96),
        pixel_aspect=PAL_WIDE,
        rotation=90,
        picture=lambda *_: picture,
    )
    frames, source = read(path)
    assert source.size_wh == frames[0].image.shape[1::-1] == (96, 204)
    assert width_over_height(frames[0].image) == pytest.approx(1, abs=0.08)
    assert source.picture_facts == {
        "size_wh": [96, 204],
        "stored_size_wh": [144, 96],
        "pixel_aspect": "64/45",
        "turned": "turned 90 degrees anticlockwise",
        "colours_from": None,
    }


def test_ordinary_video_is_left_as_it_is(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=2)
    _, source = read(tmp_path / "clip.mp4")
    assert source.remarks == []
    assert source.picture_facts == {
        "size_wh": [64, 48],
        "stored_size_wh": [64, 48],
        "pixel_aspect": "1",
        "turned": None,
        "colours_from": None,
    }


def test_absurd_pixels_are_taken_for_square_with_a_word(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames=2, pixel_aspect=Fraction(40))
    frames, source = read(tmp_path / "clip.mp4")
    assert frames[0].image.shape[1::-1] == (64, 48)
    assert source.remarks == [
        "clip.mp4 says that its pixels are 40:1, which cannot be: they were taken for square."
    ]


# Changes midway


def test_each_frame_comes_in_its_own_shape(tmp_path: Path) -> None:
    path = joined(tmp_path / "clip.ts", [{}, {"size_wh": (48, 64)}])
    frames, source = read(path)
    sizes = [frame.image.shape[1::-1] for frame in frames]
    assert sizes == [(64, 48)] * 4 + [(48, 64)] * 4
    assert source.picture_facts["shape_changes"] == [
        {
            "frame": 4,
            "time_s": round(frames[4].time_s, 6),
            "size_wh": [48, 64],
            "stored_size_wh": [48, 64],
            "pixel_aspect": "1",
            "turned": None,
            "colours_from": None,
        }
    ]
    (remark,) = source.remarks
    assert remark == (
        f"clip.ts changes its picture once, first at {frames[4].time_s:.2f} s to 48 x 64 px: "
        "coordinates are those of each frame's own picture."
    )


def test_lower_resolution_for_a_while_keeps_the_size(tmp_path: Path) -> None:
    sizes_wh = [(64, 48), (128, 96), (64, 48), (128, 96)]
    path = joined(tmp_path / "clip.ts", [{"size_wh": size_wh} for size_wh in sizes_wh])
    frames, source = read(path)
    assert [frame.image.shape[1] for frame in frames] == [64] * 4 + [128] * 12
    stored = [change["stored_size_wh"] for change in source.picture_facts["shape_changes"]]
    assert stored == [[128, 96], [64, 48], [128, 96]]
    (remark,) = source.remarks
    assert remark.startswith("clip.ts changes its picture once, first at ")


def test_changes_are_known_also_where_frames_are_left_out(tmp_path: Path) -> None:
    path = joined(tmp_path / "clip.ts", [{}, {"size_wh": (48, 64)}])
    whole = read(path)[1].picture_facts
    with VideoSource(path) as source:
        source.skip(6)
        assert [frame.index for frame in source] == [6, 7]
    assert source.picture_facts == whole


def test_aspect_that_changes_midway_counts_from_its_frame_on(tmp_path: Path) -> None:
    aspects = [Fraction(16, 15), PAL_WIDE]
    path = joined(
        tmp_path / "clip.ts",
        [
            {"size_wh": (80, 64), "codec": "mpeg2video", "pixel_aspect": aspect}
            for aspect in aspects
        ],
    )
    frames, _ = read(path)
    assert [frame.image.shape[1::-1] for frame in frames] == [(86, 64)] * 4 + [(114, 64)] * 4


def test_many_changes_are_counted_and_not_all_kept() -> None:
    shapes = [Shape(wh, Fraction(1), wh, UPRIGHT) for wh in ((64, 48), (48, 64))]
    changes = ShapeChanges(shapes[0])
    for index in range(1, 300):
        changes.note(shapes[index % 2], index / 10, index)
    facts = changes.describe()
    assert (facts["shape_changes_count"], len(facts["shape_changes"])) == (299, 100)


# Turns


def frame_with(matrix: np.ndarray | None, *, key: bool = True) -> Any:
    kept = {} if matrix is None else {"DISPLAYMATRIX": matrix.astype(np.int32).tobytes()}
    return SimpleNamespace(
        width=64,
        height=48,
        key_frame=key,
        rotation=0 if matrix is None else -90,
        side_data=kept,
        color_trc=2,
        color_primaries=2,
    )


CLOCKWISE = np.array([[0, 65536, 0], [-65536, 0, 0], [0, 0, 1 << 30]])


def test_turn_holds_up_to_the_next_key_frame() -> None:
    """H.264 streams may say it once, in the key frame."""
    context = SimpleNamespace(sample_aspect_ratio=None)
    stream: Any = SimpleNamespace(sample_aspect_ratio=None, codec_context=context)
    upright = UprightConverter(stream)
    frames = [
        frame_with(None),
        frame_with(CLOCKWISE),
        frame_with(None, key=False),
        frame_with(None, key=False),
        frame_with(None),
        frame_with(CLOCKWISE, key=False),
    ]
    turned = [upright.find_shape(frame).orientation.exif for frame in frames]
    assert turned == [1, 6, 6, 6, 1, 6]


@pytest.mark.parametrize("number", range(1, 9))
def test_jpegs_in_a_video_are_turned_by_their_exif(number: int, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :20] = 255
    jpeg = add_exif_orientation(cv2.imencode(".jpg", picture)[1].tobytes(), number)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25, width=64, height=48, pix_fmt="yuvj420p")
        for index in range(2):
            packet = av.Packet(jpeg)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = index
            container.mux(packet)
    frames, source = read(path)
    assert len(frames) == 2
    orientation = Orientation.from_exif(number)
    expected = orientation.apply(picture)
    for frame in frames:
        assert frame.image.shape == expected.shape
        assert np.abs(frame.image.astype(int) - expected).mean() < 5
    assert source.picture_facts["turned"] == (orientation.words or None)


def test_turn_within_h264_is_seen_in_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "clip.ts"
    write_turned_h264(path)
    frames, source = read(path)
    assert [frame.image.shape[1::-1] for frame in frames] == [(48, 64)] * 6
    for frame in frames:  # the white block is stored at the top left
        assert frame.image[5, -5].min() > 240
        assert frame.image[-5, 5].max() < 100
    assert source.picture_facts["turned"] == "turned 90 degrees clockwise"


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx264", "yuv420p"), ("mjpeg", "yuvj420p")])
def test_frames_that_were_read_leave_memory_at_once(
    codec: str, pix_fmt: str, tmp_path: Path
) -> None:
    """PyAV's notes on a frame hold the frame, up to Python's next search for such circles."""
    path = tmp_path / "clip.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, width=160, height=128, pix_fmt=pix_fmt)
        stream.options = {"g": "2"}
        for index in range(30):
            frame = VideoFrame.from_ndarray(np.full((128, 160, 3), 8 * index, np.uint8), "bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    gc.collect()
    gc.disable()
    try:
        with VideoSource(path) as source:
            assert sum(1 for _ in source) == 30
            frames = [one for one in gc.get_objects() if type(one) is VideoFrame]
            assert sum(frame.width == 160 for frame in frames) < 5
    finally:
        gc.enable()


# Interlaced video


def bar(x: int, size_wh: tuple[int, int] = (64, 48)) -> Image:
    image = np.full((size_wh[1], size_wh[0], 3), 30, np.uint8)
    image[:, x : x + 12] = 220
    return image


def combed() -> Image:
    """A bar that moves: where it is in the even lines, and a moment later in the odd ones."""
    image = bar(20)
    image[1::2] = bar(26)[1::2]
    return image


def test_combs_are_mended() -> None:
    image = combed()
    kept = image.copy()
    assert np.array_equal(remove_comb(image)[:-1], bar(20)[:-1])
    assert np.array_equal(image, kept)


def test_what_stands_still_stays_in_interlaced_pictures() -> None:
    ramp = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3) // 64
    picture = ramp.astype(np.uint8)[:, ::-1].copy()
    picture[20:30, 10:40] = 250
    assert np.abs(remove_comb(picture).astype(int) - picture).max() <= 1


@pytest.mark.parametrize("height", [0, 1, 2, 3, 4])
def test_few_lines_are_no_trouble(height: int) -> None:
    assert remove_comb(bar(2, (16, height))).shape == (height, 16, 3)


@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(1, 2)])
def test_interlaced_video_is_read_without_combs(aspect: Fraction, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    write_video(
        *(path,),
        frames=2,
        pixel_aspect=aspect,
        interlaced=True,
        picture=lambda *_: combed(),
    )
    frames, source = read(path)
    expected = cv2.resize(bar(20), source.size_wh, interpolation=cv2.INTER_NEAREST)
    for frame in frames:
        lines = frame.image[4:-4].astype(int)
        assert np.abs(lines - expected[4:-4]).max() < 40
    assert source.picture_facts["interlaced_frames"] == 2
