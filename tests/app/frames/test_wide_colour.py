"""HDR and wide colours, made on the spot by the formulas of BT.2100, come out as on a screen."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace

from app.frames.wide_colour import (
    PEAK_NITS,
    WHITE_NITS,
    WideColour,
    decode_pq,
    encode_pq,
    find_wide_colour,
    roll_off,
)
from app.outputs.video import VideoSink
from app.sources.video import VideoSource
from app.types import FrameResult

BT2020, DISPLAY_P3, BT709, UNSPECIFIED = 9, 12, 1, 2
PQ, HLG = 16, 18
# From linear light of BT.709 to that of BT.2020 (ITU-R BT.2087).
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
SKIN = np.array([200, 150, 120])  # RGB of BT.709
TOLERANCE = 3


def as_hdr(rgb: Any, transfer: int, white_nits: float) -> np.ndarray:
    """Codes 0..1 of BT.2020 for RGB (0..255) of BT.709, whose white has `white_nits`."""
    nits = white_nits * (np.asarray(rgb) / 255) ** 2.4 @ TO_BT2020.T
    if transfer == PQ:
        return encode_pq(nits)
    brightness = (nits / 1000) @ [0.2627, 0.6780, 0.0593]
    scene = nits / 1000 * np.maximum(brightness, 1e-9)[..., None] ** (1 / 1.2 - 1)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


def picture(rgb: Any, transfer: int, white_nits: float) -> np.ndarray:
    codes = as_hdr(np.broadcast_to(rgb, (2, 3, 3)), transfer, white_nits)
    return np.rint(65535 * codes).astype(np.uint16)


def shown(rgb: Any, transfer: int, white_nits: float) -> np.ndarray:
    """What becomes of it, as RGB."""
    name = {PQ: "PQ", HLG: "HLG"}[transfer]
    made = WideColour(name, BT2020).to_bgr(picture(rgb, transfer, white_nits))
    assert made.shape == (2, 3, 3)
    assert made.dtype == np.uint8
    return np.asarray(made[1, 2, ::-1].astype(int))


@pytest.mark.parametrize(
    ("code", "nits"), [(0.0, 0.0), (0.508078, 100), (0.580689, 203), (0.751827, 1000), (1, 10_000)]
)
def test_pq_is_that_of_the_standard(code: float, nits: float) -> None:
    assert float(decode_pq(np.array(code))) == pytest.approx(nits, rel=1e-4)
    assert float(encode_pq(np.array(nits))) == pytest.approx(code, abs=1e-5)


def test_bright_light_is_bent_under_white_and_the_rest_stays() -> None:
    nits = np.linspace(0, PEAK_NITS, 200)
    bent = roll_off(nits)
    assert (np.diff(bent) >= 0).all()
    assert bent[-1] == pytest.approx(WHITE_NITS)
    assert bent[nits < 40] == pytest.approx(nits[nits < 40])
    assert (bent <= nits + 1e-6).all()


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("rgb", [(0, 0, 0), (90, 90, 90), (110, 80, 60), (40, 60, 90)])
def test_colours_below_the_knee_come_back(rgb: tuple[int, int, int], transfer: int) -> None:
    assert np.abs(shown(rgb, transfer, WHITE_NITS) - rgb).max() <= TOLERANCE


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("white_nits", [100, 203])
def test_skin_keeps_its_brightness_and_its_hue(white_nits: float, transfer: int) -> None:
    red, green, blue = shown(SKIN, transfer, white_nits)
    assert red > green > blue
    assert abs((red + green + blue) / SKIN.sum() - 1) < 0.16
    assert (red - blue) / red == pytest.approx(80 / 200, abs=0.08)


def test_highlights_keep_differences() -> None:
    levels = [int(shown((255, 255, 255), PQ, nits)[0]) for nits in (100, 203, 400, 800)]
    assert levels == sorted(set(levels))
    assert levels[0] > 200
    assert int(shown((255, 255, 255), PQ, 4000)[0]) == 255


def test_wide_colours_of_plain_brightness_become_narrow_ones() -> None:
    codes = np.full((1, 1, 3), 40_000, np.uint16)
    grey = WideColour(None, BT2020).to_bgr(codes)
    assert grey.reshape(3).tolist() == [156, 156, 156]
    codes[0, 0] = np.rint(65535 * ((np.array(SKIN) / 255) ** 2.4 @ TO_BT2020.T) ** (1 / 2.4))
    assert np.abs(WideColour(None, BT2020).to_bgr(codes)[0, 0, ::-1] - SKIN).max() <= 1


@pytest.mark.parametrize(
    ("transfer", "primaries", "said"),
    [
        (PQ, BT2020, "PQ, BT.2020"),
        (HLG, BT2020, "HLG, BT.2020"),
        (HLG, UNSPECIFIED, "HLG, BT.2020"),
        (PQ, DISPLAY_P3, "PQ, Display P3"),
        (PQ, BT709, "PQ, BT.709 primaries"),
        (BT709, BT2020, "BT.2020"),
        (14, BT2020, "BT.2020"),
        (13, DISPLAY_P3, "Display P3"),
        (BT709, BT709, None),
        (UNSPECIFIED, UNSPECIFIED, None),
        (6, 5, None),
    ],
)
def test_only_what_says_so_is_wide(transfer: int, primaries: int, said: str | None) -> None:
    frame: Any = SimpleNamespace(color_trc=transfer, color_primaries=primaries)
    found = find_wide_colour(frame)
    assert (None if found is None else str(found)) == said


def write_hdr(path: Path, rgb: Any, transfer: int) -> None:
    codes = np.broadcast_to(as_hdr(np.asarray(rgb), transfer, WHITE_NITS), (48, 64, 3))
    picture = np.ascontiguousarray(np.rint(65535 * codes).astype(np.uint16))
    frame = VideoFrame.from_ndarray(picture, format="gbrp16le").reformat(
        format="yuv420p10le", dst_colorspace=Colorspace.BT2020, dst_color_range=1
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=64, height=48)
        stream.pix_fmt, stream.options = "yuv420p10le", {"crf": "4", "preset": "ultrafast"}
        context = stream.codec_context
        context.color_primaries = context.colorspace = BT2020
        context.color_trc, context.color_range = transfer, 1
        for index in range(2):
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_annotated_hdr_video_says_that_it_is_plain(tmp_path: Path) -> None:
    path, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_hdr(path, (110, 80, 60), PQ)
    with VideoSource(path) as source:
        sink = VideoSink(out, source_video=source)
        for frame in source:
            sink.write(FrameResult(frame, (), ()), frame.image)
        sink.close()
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        tags = context.colorspace, context.color_trc, context.color_primaries
    assert tags == (BT709, BT709, BT709)
    with VideoSource(out) as copy:
        again = next(iter(copy)).image
    assert np.abs(again[24, 32].astype(int) - frame.image[24, 32]).max() <= TOLERANCE


@pytest.mark.parametrize(("transfer", "name"), [(PQ, "PQ"), (HLG, "HLG")])
def test_hdr_video_is_read_as_a_plain_screen_shows_it(
    transfer: int, name: str, tmp_path: Path
) -> None:
    path, rgb = tmp_path / "clip.mp4", (110, 80, 60)
    write_hdr(path, rgb, transfer)
    with VideoSource(path) as source:
        frames = list(source)
    for frame in frames:
        assert np.abs(frame.image[24, 32, ::-1].astype(int) - rgb).max() <= 2 * TOLERANCE
    assert source.picture_facts["colours_from"] == f"{name}, BT.2020"
    assert source.remarks == [
        f"clip.mp4 is HDR video ({name}, BT.2020): its colours were made into those of BT.709."
    ]
