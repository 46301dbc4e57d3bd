"""Small videos, pictures and results for tests, made on the spot."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from app.recognition.quality import add_quality
from app.types import Face, Frame, FrameResult, Image, TrackedFace

SOUND_RATE_HZ = 48_000
LEVEL_STEP = 12


def level_picture(index: int, size_wh: tuple[int, int]) -> Image:
    """A grey picture whose level tells its index, with a white block at the top left."""
    width, height = size_wh
    image = np.full((height, width, 3), level_of(index), np.uint8)
    image[: height // 3, : width // 3] = 255
    return image


def level_of(index: int) -> int:
    return 20 + LEVEL_STEP * (index % 16)


def index_of(image: Image) -> int:
    """The index (mod 16) that `level_picture` drew, read off the middle."""
    height, width = image.shape[:2]
    return round((float(image[height // 2, width // 2].mean()) - 20) / LEVEL_STEP)


def noise_picture(index: int, size_wh: tuple[int, int]) -> Image:
    """Hard to compress, so that a file has enough bytes to cut into."""
    width, height = size_wh
    return np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)


def write_video(
    path: Path,
    *,
    frames: int = 12,
    rate: Fraction = Fraction(25),
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    size_wh: tuple[int, int] = (64, 48),
    picture: Callable[[int, tuple[int, int]], Image] = level_picture,
    rotation: int = 0,
    mirrored: bool = False,
    sound: str | None = None,
    sound_s: float | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    matrix: tuple[Colorspace, int] | None = None,
    full_range: bool = False,
    b_frames: int | None = None,
    pixel_aspect: Fraction | None = None,
    interlaced: bool = False,
) -> None:
    """`ticks` are the frames' times in `time_base` (variable rate); else they come at `rate`.
    `rotation` is counterclockwise, then `mirrored` left to right, in the container only;
    `matrix` is swscale's and H.273's; `pixel_aspect` is the width / height of a pixel."""
    time_base = time_base or 1 / rate
    ticks = ticks if ticks is not None else range(frames)
    options = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", container_options=options) as container:
        stream = container.add_stream(
            codec, rate=rate, width=size_wh[0], height=size_wh[1], time_base=time_base
        )
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = time_base
        if codec == "libx264":
            stream.options = {"crf": "4", "preset": "ultrafast"}
        if interlaced:
            stream.options |= {"x264-params": "tff=1"}
        if b_frames is not None:
            stream.options |= {"bf": str(b_frames), "b_strategy": "0"}
        if matrix is not None:
            stream.codec_context.colorspace = matrix[1]
            stream.codec_context.color_range = 2 if full_range else 1
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        voice = None
        if sound is not None:
            voice = container.add_stream(sound, rate=SOUND_RATE_HZ, layout="mono")
            if sound.startswith("wma"):
                voice.codec_context.bit_rate = 64_000
        for index, tick in enumerate(ticks):
            frame = VideoFrame.from_ndarray(picture(index, size_wh), format="bgr24")
            if matrix is not None:
                frame = frame.reformat(
                    format=pix_fmt,
                    dst_colorspace=matrix[0],
                    dst_color_range=ColorRange.JPEG if full_range else ColorRange.MPEG,
                )
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            seconds = sound_s if sound_s is not None else float((ticks[-1] + 1) * time_base)
            _write_sound(container, voice, seconds)


def write_turned_h264(path: Path) -> None:
    """Six frames, of which the first alone says that they are to be turned clockwise."""
    plain = path.with_name("plain.ts")
    write_video(plain, frames=6)
    with av.open(str(plain)) as source, av.open(str(path), "w") as container:
        stream = source.streams.video[0]
        copy = container.add_stream_from_template(stream)
        says = av.BitStreamFilterContext(
            "h264_metadata=display_orientation=insert:rotate=-90", stream, copy
        )
        for packet in source.demux(stream):
            for turned in says.filter(packet if packet.size else None):
                turned.stream = copy
                container.mux(turned)


def write_sound_only(path: Path, codec: str = "aac") -> None:
    with av.open(str(path), "w") as container:
        _write_sound(container, container.add_stream(codec, rate=SOUND_RATE_HZ, layout="mono"), 0.5)


def _write_sound(container, voice, seconds: float) -> None:
    block = 960
    for start in range(0, round(seconds * SOUND_RATE_HZ), block):
        t = (start + np.arange(block)) / SOUND_RATE_HZ
        samples = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE_HZ, start
        frame.time_base = Fraction(1, SOUND_RATE_HZ)
        container.mux(voice.encode(frame))
    container.mux(voice.encode(None))


def cut(path: Path, share: float) -> None:
    """Keeps only the first `share` of the bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def sound_times_s(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [
            float(packet.pts * packet.time_base)
            for packet in container.demux(audio=0)
            if packet.size
        ]


LABELS = ("neutral", "happy", "label")


def tracked_face(
    face_id: int = 1,
    box_xyxy: tuple[float, float, float, float] = (-1.5, 2.0, 8.5, 14.25),
    label: str = "happy",
    probabilities: Sequence[float] = (0.25, 0.625, 0.125),
    reason: str | None = None,
) -> TrackedFace:
    shares = np.array(probabilities, np.float32)
    face = Face(box_xyxy, np.zeros((6, 2), np.float32), 0.875)
    return TrackedFace(face, face_id, label, shares, shares, reason)


def frame_result(
    *faces: TrackedFace,
    image: Image | None = None,
    index: int = 0,
    time_s: float = 0.0,
    source: str = "clip.mp4",
) -> FrameResult:
    picture = level_picture(index, (64, 48)) if image is None else image
    return add_quality(FrameResult(Frame(picture, index, time_s, source), faces, LABELS))
