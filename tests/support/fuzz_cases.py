"""Damaged videos and pictures, made from small whole ones; the same for the same number."""

import io
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image as PillowImage
from PIL import ImageCms

from app.types import Image
from tests.support.synthetic import noise_picture, write_video

SIZE_WH = (64, 48)
VIDEOS = {  # suffix: encoder and pixel format
    ".mp4": ("libx264", "yuv420p"),
    ".mov": ("mjpeg", "yuvj420p"),
    ".mkv": ("libx265", "yuv420p"),
    ".webm": ("libvpx", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".ts": ("mpeg2video", "yuv420p"),
    ".flv": ("flv", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}
PICTURES = {
    ".png": [],
    ".jpg": [],
    ".jpeg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    ".bmp": [],
    ".webp": [cv2.IMWRITE_WEBP_QUALITY, 70],
    ".tif": [],
    ".ppm": [],
    ".avif": [],
}
WITH_NOTES = {".jpg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".avif": "AVIF"}  # Pillow's names
ABSURD = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

Damage = Callable[[np.random.Generator, bytes, list[bytes]], bytes]


def whole_files(folder: Path) -> dict[str, bytes]:
    """Suffix -> content of a small file of that kind. Kinds that cannot be made here are left
    out."""
    found: dict[str, bytes] = {}
    for suffix, (codec, pix_fmt) in VIDEOS.items():
        path = folder / f"whole{suffix}"
        try:
            if suffix == ".mp4":
                write_video(path, frames=8, size_wh=SIZE_WH, picture=noise_picture, sound="aac")
            else:
                _write_plain(path, codec, pix_fmt)
        except (av.FFmpegError, ValueError):
            continue
        found[suffix] = path.read_bytes()
    picture = cv2.resize(noise_picture(0, (8, 6)), SIZE_WH)
    for suffix, options in PICTURES.items():
        done, content = cv2.imencode(suffix, picture, options)
        if done:
            found[suffix] = content.tobytes()
        if suffix in WITH_NOTES:
            found[suffix] = _with_notes(picture, WITH_NOTES[suffix])
    return found


def _with_notes(picture: Image, kind: str) -> bytes:
    """A picture that says how it is turned and has a profile of colours."""
    exif = PillowImage.Exif()
    exif[0x112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    PillowImage.fromarray(picture).save(file, kind, exif=exif, icc_profile=profile)
    return file.getvalue()


def _write_plain(path: Path, codec: str, pix_fmt: str) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, width=SIZE_WH[0], height=SIZE_WH[1])
        stream.pix_fmt = pix_fmt
        if codec == "libx265":
            stream.options = {"x265-params": "log-level=none:pools=1"}
        for index in range(8):
            frame = VideoFrame.from_ndarray(noise_picture(index, SIZE_WH), format="bgr24")
            frame = frame.reformat(format=pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def truncated(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    return content[: int(rng.integers(0, len(content)))]


def flipped(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """Bits anywhere, a few or many."""
    out = np.frombuffer(content, np.uint8).copy()
    count = int(2 ** rng.uniform(0, 9))
    np.bitwise_xor.at(out, rng.integers(0, len(out), count), 1 << rng.integers(0, 8, count))
    return out.tobytes()


def wrong_header(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """Bytes among the first, where sizes and kinds stand."""
    out = bytearray(content)
    for at in rng.integers(0, min(len(out), 200), int(rng.integers(1, 9))):
        out[at] = int(rng.integers(0, 256))
    return bytes(out)


def absurd_number(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """Some whole numbers of 2 or 4 bytes become zero, huge or negative."""
    out = bytearray(content)
    reach = len(out) if rng.random() < 0.5 else min(len(out), 1000)
    for _ in range(int(rng.integers(1, 4))):
        form = str(rng.choice(["<H", ">H", "<I", ">I"]))
        size = struct.calcsize(form)
        number = int(rng.choice(ABSURD)) % (1 << 8 * size)
        struct.pack_into(form, out, int(rng.integers(0, reach - size)), number)
    return bytes(out)


def moved(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """A piece is missing, twice there, or zeros."""
    at, end = sorted(int(one) for one in rng.integers(0, len(content), 2))
    piece = [b"", content[at:end] * 2, bytes(end - at)][int(rng.integers(0, 3))]
    return content[:at] + piece + content[end:]


def spliced(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """The start of one kind of file and the end of another."""
    other = others[int(rng.integers(0, len(others)))]
    return content[: int(rng.integers(1, 600))] + other[int(rng.integers(0, len(other))) :]


def nothing_of_it(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """No byte, noise, text, a playlist, or another kind under this suffix."""
    choices = [
        b"",
        rng.bytes(int(rng.integers(1, 5000))),
        content[:16] + rng.bytes(5000),
        b"hello " * 500,
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
        others[int(rng.integers(0, len(others)))],
    ]
    return choices[int(rng.integers(0, len(choices)))]


def bomb(rng: np.random.Generator, content: bytes, others: list[bytes]) -> bytes:
    """A small file that says to be enormous, and partly is."""
    side = int(rng.choice([9_000, 15_000, 30_000, 65_000, 1_000_000]))
    kind = int(rng.integers(0, 7))
    if kind == 0:
        return _png(side, side, rows=min(side, 3000))
    if kind == 1:  # SOF0 of a small JPEG, enlarged
        jpeg = bytearray(next((o for o in others if o.startswith(b"\xff\xd8")), content))
        at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2"))
        struct.pack_into(">HH", jpeg, at + 5, min(side, 65_535), min(side, 65_535))
        return bytes(jpeg)
    if kind == 2:
        head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 256, 0)
        return b"BM" + struct.pack("<IHHI", 2000, 0, 0, 1078) + head + bytes(2000)
    if kind == 3:
        return b"P6\n%d %d\n255\n" % (side, side) + bytes(1000)
    if kind == 4:
        return b"YUV4MPEG2 W%d H%d F25:1 Ip A1:1 C420\nFRAME\n" % (side, side) + bytes(1000)
    if kind == 5:
        wide = min(side, 65_535)
        return b"GIF89a" + struct.pack("<HHBBB", wide, wide, 0xF7, 0, 0) + bytes(3000) + b";"
    tags = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1)]
    tags += [(273, 4, 8), (277, 3, 1), (278, 4, side), (279, 4, 100)]
    body = b"".join(struct.pack("<HHII", tag, form, 1, value) for tag, form, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(400)


def _png(width: int, height: int, rows: int) -> bytes:
    """Zeros pack a thousandfold: the data of `rows` rows are really there."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 + width // 8)) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


DAMAGES: tuple[Damage, ...] = (
    *(truncated, flipped, flipped, wrong_header, absurd_number, absurd_number),
    *(moved, spliced, nothing_of_it, bomb),
)


def make_case(whole: dict[str, bytes], seed: int, number: int) -> tuple[str, bool, str, bytes]:
    """(damage, whether it is to be read as a video, suffix, content)."""
    rng = np.random.default_rng((seed, number))
    suffix = sorted(whole)[number % len(whole)]
    damage = DAMAGES[number // len(whole) % len(DAMAGES)]
    content = damage(rng, whole[suffix], list(whole.values()))
    as_video = suffix in VIDEOS
    if rng.random() < 0.1:
        as_video = not as_video
    return damage.__name__, as_video, suffix, content
