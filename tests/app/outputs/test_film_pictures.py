"""An annotated video takes its source's planes on where nothing is drawn on them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace, VideoReformatter

from app.frames.planar_frame import PlanarFrame
from app.frames.yuv_colour import BT601, BT709, ColourTags, to_yuv, view_planes
from app.frames.yuv_patches import PatchConverter
from app.outputs.film_pictures import FilmPictures
from app.outputs.video import VideoSink
from app.overlay.drawing import Drawing, plan_drawing
from app.sources.video import VideoSource
from app.types import FrameResult
from tests.support.synthetic import LABELS, frame_result, noise_picture, tracked_face, write_video

FACE = tracked_face(box_xyxy=(60.0, 40.0, 150.0, 140.0))


@pytest.fixture
def shown(tmp_path: Path) -> FrameResult:
    path = tmp_path / "clip.mp4"
    write_video(path, frames=2, size_wh=(320, 240), picture=noise_picture)
    with VideoSource(path) as source:
        frame = next(iter(source))
    return FrameResult(frame, (FACE,), LABELS)


def make_planes(drawing: Drawing, colour: ColourTags = BT601, pix_fmt: str = "yuv420p") -> list:
    made = FilmPictures(drawing.result.frame.size_wh, colour, pix_fmt).compose(drawing)
    return view_planes(made)


def convert_whole(drawing: Drawing, colour: ColourTags = BT601, pix_fmt: str = "yuv420p") -> list:
    return view_planes(to_yuv(drawing.make_canvas(), colour, VideoReformatter(), pix_fmt))


@pytest.mark.parametrize("is_converted", [False, True])
def test_drawn_parts_are_those_of_the_whole_canvas_and_the_rest_is_the_sources(
    shown: FrameResult, is_converted: bool
) -> None:
    frame = shown.frame
    assert isinstance(frame, PlanarFrame)
    assert frame.yuv is not None
    if is_converted:
        assert frame.image.any()
    drawing = plan_drawing(shown)
    made = make_planes(drawing)
    assert frame.has_image is is_converted
    assert drawing.touched
    inside = np.zeros((240, 320), np.bool_)
    for x0, y0, x1, y1 in PatchConverter((320, 240), BT601).lay_out(drawing.touched).parts:
        inside[y0:y1, x0:x1] = True
    assert 0.1 < inside.mean() < 0.9
    for mine, whole, kept in zip(made, convert_whole(drawing), frame.yuv.planes, strict=True):
        here = inside[:: 240 // mine.shape[0], :: 320 // mine.shape[1]]
        assert np.array_equal(mine[here], whole[here])
        assert np.array_equal(mine[~here], kept[~here])


@pytest.mark.parametrize(
    "words",
    [
        {"rotation": 90},
        {"rotation": 180},
        {"rotation": 270, "mirrored": True},
        {"matrix": (Colorspace.ITU601, 6), "full_range": True},
    ],
)
def test_turned_and_full_pictures_are_drawn_on_like_others(
    words: dict[str, Any], tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=1, size_wh=(320, 240), picture=noise_picture, **words)
    with VideoSource(clip) as source:
        frame = next(iter(source))
    assert isinstance(frame, PlanarFrame)
    assert frame.yuv is not None
    drawing = plan_drawing(FrameResult(frame, (FACE,), LABELS))
    made = make_planes(drawing)
    assert not frame.has_image
    width, height = frame.size_wh
    inside = np.zeros((height, width), np.bool_)
    assert drawing.touched
    for x0, y0, x1, y1 in PatchConverter(frame.size_wh, BT601).lay_out(drawing.touched).parts:
        inside[y0:y1, x0:x1] = True
    rest = view_planes(frame.yuv.copy_for_encoder())
    for mine, whole, kept in zip(made, convert_whole(drawing), rest, strict=True):
        here = inside[:: height // mine.shape[0], :: width // mine.shape[1]]
        assert np.array_equal(mine[here], whole[here])
        assert np.array_equal(mine[~here], kept[~here])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one, {"colour": BT709}),  # another matrix than the film's
        (lambda one: one, {"pix_fmt": "nv12"}),
        (lambda one: replace(one, blurred=np.full((240, 320, 3), 99, np.uint8)), {}),
        (lambda one: replace(one, frame=replace(one.frame, index=3)), {}),  # no planes any more
    ],
)
def test_everything_else_is_converted_whole(
    shown: FrameResult,
    change: Callable[[FrameResult], FrameResult],
    words: dict[str, Any],
) -> None:
    drawing = plan_drawing(change(shown))
    for mine, whole in zip(
        make_planes(drawing, **words), convert_whole(drawing, **words), strict=True
    ):
        assert np.array_equal(mine, whole)


def test_mirrored_picture_is_converted_whole(shown: FrameResult) -> None:
    drawing = plan_drawing(shown, mirror=True)
    for mine, whole in zip(make_planes(drawing), convert_whole(drawing), strict=True):
        assert np.array_equal(mine, whole)


def test_picture_of_another_size_is_fitted_into_the_film(shown: FrameResult) -> None:
    drawing = plan_drawing(shown)
    made = FilmPictures((160, 160), BT601, "yuv420p").compose(drawing)
    luma = view_planes(made)[0]
    assert luma.shape == (160, 160)
    assert np.unique(luma[:20]).tolist() == [16]  # black above
    assert luma[40:120].std() > 5


@pytest.mark.parametrize(
    ("matrix", "tag"), [((Colorspace.ITU709, 1), 1), ((Colorspace.ITU601, 5), 6), (None, 6)]
)
def test_video_says_in_which_colours_its_planes_are(
    matrix: tuple[Colorspace, int] | None, tag: int, tmp_path: Path
) -> None:
    clip, out = tmp_path / "clip.mp4", tmp_path / "out.mp4"
    write_video(clip, frames=3, size_wh=(320, 240), matrix=matrix)
    with VideoSource(clip) as source:
        sink = VideoSink(out, source_video=source, draw=plan_drawing)
        frames = list(source)
        for frame in frames:
            sink.write(FrameResult(frame, (), LABELS), np.empty((0, 0, 3), np.uint8))
        sink.close()
    with av.open(str(out)) as container:
        decoded = next(container.decode(video=0))
        assert (decoded.colorspace, decoded.color_range) == (tag, 1)
    with VideoSource(out) as copy:
        for mine, theirs in zip(copy, frames, strict=True):
            assert np.abs(mine.image.astype(int) - theirs.image).max() <= 8


def test_frames_without_planes_are_drawn_too(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    sink = VideoSink(out, draw=plan_drawing)
    for index in range(3):
        picture = np.full((240, 320, 3), 40 + 20 * index, np.uint8)
        sink.write(frame_result(FACE, image=picture, index=index, time_s=index / 30), picture)
    sink.close()
    with VideoSource(out) as copy:
        images = [frame.image for frame in copy]
    assert [round(float(image[-8, 8].mean()), -1) for image in images] == [40, 60, 80]
    assert (np.abs(images[0].astype(int) - 40) > 60).any()


def test_source_is_kept_better_than_with_canvases(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_video(clip, frames=4, size_wh=(320, 240), picture=noise_picture)
    errors = []
    for draw in (plan_drawing, None):
        out = tmp_path / f"{draw is None}.mp4"
        with VideoSource(clip) as source:
            sink = VideoSink(out, source_video=source, draw=draw)
            for frame in source:
                sink.write(FrameResult(frame, (), LABELS), frame.image)
            sink.close()
        with av.open(str(clip)) as one, av.open(str(out)) as other:
            pairs = zip(one.decode(video=0), other.decode(video=0), strict=True)
            errors.append(
                [
                    np.mean([np.square(p.astype(float) - q).mean() for p, q in planes])
                    for planes in (
                        zip(view_planes(a), view_planes(b), strict=True) for a, b in pairs
                    )
                ]
            )
    assert np.mean(errors[0]) < np.mean(errors[1])
