"""Makes the videos and pictures with which the speed of two builds is compared:

python -m tools.make_speed_clip KIND CLIP FILE

CLIP is any video of faces. KIND is one of:

- repeated: the clip --repeat times after itself, its packets unchanged, without sound, so that a
  start does not hide the rate;
- pictures: FILE is a folder; --count frames spread over the clip, or the pictures of the folder
  CLIP, as JPEGs of 630 px along the longer side;
- phone: 1920 x 1080 at 30 frames/s, H.264, to be turned by a quarter as its metadata say;
- 720p, 4k-mjpeg, 4k-h264: 1280 x 720 (MJPEG) and 3840 x 2160 at 30 frames/s;
- ten, twenty: so many people (`tools.make_crowd_clip`), 1280 x 720, MJPEG. With --pack, CLIP is the
  .npz that `training.prepare` wrote; without it, the faces are those of the portrait clip.

All but the first two show frames of the clip forwards and then backwards, so that they can be
played in a circle without a cut; they have a camera's noise, and a number in a corner
(`tools.live_watch`). The same command makes the same file.
"""

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from app.defaults import PICTURE_SUFFIXES
from app.errors import DataError
from app.pictures.reader import read_picture
from app.process.console import run_command
from app.sources.video import VideoSource
from app.types import Image
from tools.live_watch import NUMBERS, stamp_picture
from tools.speed_clips import REPEAT
from tools.whole_clip import write_under_hidden_name

FPS = 30
LONGER_SIDE_PX = 630  # of pictures
COUNT = 48  # of pictures
NOISE_GREY = 2.0  # standard deviation, as of a camera in a room
NOISE_SHIFTS = 61  # places from which the noise is cut, so that it does not stand still
FORWARD = NUMBERS // 2  # frames, and as many backwards
SIZES_WH = {
    "phone": (1080, 1920),
    "720p": (1280, 720),
    "4k-mjpeg": (3840, 2160),
    "4k-h264": (3840, 2160),
    "ten": (1280, 720),
    "twenty": (1280, 720),
}
PEOPLE = {"ten": 10, "twenty": 20}
BITS_PER_S = {"phone": 15_000_000, "4k-h264": 40_000_000}  # of H.264, as phones and cameras write
MJPEG_QUANTISER = 3  # about the quality of a webcam


def repeat_clip(clip: Path, path: Path, times: int) -> None:
    """Writes a clip's picture track `times` times after itself, without decoding it."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        track = source.streams.video[0]
        stream = container.add_stream_from_template(track)
        packets = [packet for packet in source.demux(track) if packet.dts is not None]
        begins = min(packet.pts for packet in packets if packet.pts is not None)
        ends = max(
            packet.pts + (packet.duration or 1) for packet in packets if packet.pts is not None
        )
        for number, packet in itertools.product(range(times), packets):
            copy = av.Packet(bytes(packet))
            copy.is_keyframe, copy.time_base = packet.is_keyframe, packet.time_base
            copy.duration = packet.duration
            assert packet.pts is not None
            assert packet.dts is not None
            copy.pts = packet.pts - begins + number * (ends - begins)
            copy.dts = packet.dts - begins + number * (ends - begins)
            copy.stream = stream
            container.mux(copy)


def read_frames(clip: Path, count: int | None = None) -> Iterator[Image]:
    """Reads the first `count` frames of a clip (None: all), upright, uint8 (H, W, 3) BGR."""
    with VideoSource(clip) as source:
        for frame in itertools.islice(source, count):
            yield frame.image


def fit_picture(image: Image, size_wh: tuple[int, int]) -> Image:
    """Fits a picture into a size in px without distorting it. What is beside it is painted like its
    edges. Returns `(height, width, 3)`.

    >>> fit_picture(np.full((2, 2, 3), 9, np.uint8), (4, 2))[0, :, 0].tolist()
    [9, 9, 9, 9]
    """
    width, height = size_wh
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = round(scale * image.shape[1]), round(scale * image.shape[0])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    inner = cv2.resize(image, (w, h), interpolation=way)
    x, y = (width - w) // 2, (height - h) // 2
    edges = (y, height - h - y, x, width - w - x)
    return np.asarray(cv2.copyMakeBorder(inner, *edges, cv2.BORDER_REPLICATE), np.uint8)


def film_pictures(pictures: Iterable[Image], size_wh: tuple[int, int]) -> Iterator[Image]:
    """Yields pictures in a size, forwards and backwards, with noise and numbers."""
    rng = np.random.default_rng(0)
    width, height = size_wh
    grain = rng.normal(0, NOISE_GREY, (height + NOISE_SHIFTS, width + NOISE_SHIFTS))
    noise = np.round(grain).astype(np.int16)
    forward = list(pictures)
    for number, picture in enumerate([*forward, *forward[::-1]]):
        x, y = 7 * number % NOISE_SHIFTS, 13 * number % NOISE_SHIFTS
        part = noise[y : y + height, x : x + width]
        canvas = np.asarray(
            cv2.add(
                fit_picture(picture, size_wh).astype(np.int16), cv2.merge([part] * 3), None, None, 0
            ),
            np.uint8,
        )
        stamp_picture(canvas, number)
        yield canvas


def write_film(path: Path, pictures: Iterable[Image], kind: str) -> None:
    """Encodes pictures as a film of a kind. A phone's are stored lying on their side."""
    is_h264, turned = kind in BITS_PER_S, kind == "phone"
    with av.open(str(path), "w") as container:
        stream: Any = None  # av's types do not tell a video stream from the others here
        for number, picture in enumerate(pictures):
            stored = np.ascontiguousarray(np.rot90(picture)) if turned else picture
            if stream is None:
                stream = container.add_stream(
                    "libx264" if is_h264 else "mjpeg",
                    rate=FPS,
                    width=stored.shape[1],
                    height=stored.shape[0],
                    pix_fmt="yuv420p" if is_h264 else "yuvj420p",
                    options={"preset": "veryfast"} if is_h264 else {},
                )
                context = stream.codec_context
                context.gop_size = FPS
                if is_h264:
                    context.bit_rate = BITS_PER_S[kind]
                else:
                    context.qmin = context.qmax = MJPEG_QUANTISER
                if turned:
                    stream.set_display_rotation(-90)
            frame = VideoFrame.from_ndarray(stored, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        if stream is not None:
            container.mux(stream.encode(None))


def write_pictures(clip: Path, folder: Path, count: int) -> None:
    """Writes frames spread over a clip, or the pictures of a folder, as JPEGs."""
    if clip.is_dir():
        files = sorted(one for one in clip.iterdir() if one.suffix.lower() in PICTURE_SUFFIXES)
        if not files:
            raise DataError(f"{clip} has no pictures.")
        chosen: Iterator[Image] = (read_picture(one) for one in files)
    else:
        total = sum(1 for _ in read_frames(clip))
        wanted = {round(k * (total - 1) / max(1, count - 1)) for k in range(count)}
        chosen = (image for k, image in enumerate(read_frames(clip)) if k in wanted)
    folder.mkdir(parents=True)
    for number, image in enumerate(chosen):
        scale = LONGER_SIDE_PX / max(image.shape[:2])
        size_wh = round(scale * image.shape[1]), round(scale * image.shape[0])
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        cv2.imwrite(
            str(folder / f"{number:04d}.jpg"), cv2.resize(image, size_wh, interpolation=way)
        )


def read_crowd(pack: Path | None, people: int) -> Iterator[Image]:
    """Yields the frames of a crowd."""
    from tools.made_frames import clip_faces, pack_faces
    from tools.make_crowd_clip import frames

    faces = pack_faces(pack, 60, np.random.default_rng(0)) if pack else clip_faces()
    pictures = [one for one in faces if one.frontal]
    yield from frames(pictures, people=people, seconds=FORWARD / FPS, seed=0)


def make(options: argparse.Namespace) -> int:
    """Does what the options ask. Returns the exit code."""
    kind, clip, path = options.kind, options.clip, options.file
    if not (clip.is_file() or (kind == "pictures" and clip.is_dir())):
        raise DataError(f"{clip} is no file. Give a video.")
    with write_under_hidden_name(path, overwrite=options.overwrite, inputs=[clip]) as hidden:
        if kind == "repeated":
            repeat_clip(clip, hidden, options.repeat)
        elif kind == "pictures":
            write_pictures(clip, hidden, options.count)
        else:
            people = PEOPLE.get(kind)
            pictures = (
                read_frames(clip, FORWARD)
                if people is None
                else read_crowd(clip if options.pack else None, people)
            )
            write_film(hidden, film_pictures(pictures, SIZES_WH[kind]), kind)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Makes one file. Returns the exit code."""
    top = argparse.ArgumentParser(
        prog="python -m tools.make_speed_clip",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("kind", choices=["repeated", "pictures", *SIZES_WH], metavar="KIND")
    top.add_argument("clip", type=Path, metavar="CLIP")
    top.add_argument("file", type=Path, metavar="FILE", help="what to write")
    top.add_argument("--repeat", type=int, default=REPEAT, metavar="N", help=f"default: {REPEAT}")
    top.add_argument("--count", type=int, default=COUNT, metavar="N", help=f"default: {COUNT}")
    top.add_argument("--pack", action="store_true", help="CLIP is a .npz of training.prepare")
    top.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    options = top.parse_args(argv)
    if min(options.repeat, options.count) < 1:
        top.error("--repeat and --count are at least 1")
    return run_command(lambda: make(options))


if __name__ == "__main__":
    sys.exit(main())
