"""Which pictures are read, from the bytes alone, and what is said of the others."""

import io
import os
import struct
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage

from app.errors import SourceError
from app.pictures.header import count_jpeg_scans
from app.pictures.page_count import count_pictures
from app.pictures.reader import read_picture
from app.sources.images import ImageSource
from tests.support.synthetic import level_picture, noise_picture

PICTURE = level_picture(3, (64, 48))


def encoded(suffix: str, image: np.ndarray = PICTURE, *options: int) -> bytes:
    return bytes(cv2.imencode(suffix, image, options)[1])


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# What stands behind a picture

SCAN_MARKS = b"\xff\xda\x00\x08" * 5000


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tif"])
@pytest.mark.parametrize(
    "behind",
    [SCAN_MARKS, noise_picture(1, (64, 48)).tobytes(), encoded(".jpg")],
    ids=["scan marks", "noise", "another picture"],
)
def test_bytes_behind_a_picture_change_nothing(tmp_path, suffix, behind):
    content = encoded(suffix)
    plain = read_picture(written(tmp_path / f"a{suffix}", content))
    with_more = read_picture(written(tmp_path / f"b{suffix}", content + behind))
    np.testing.assert_array_equal(with_more, plain)


@pytest.mark.parametrize(
    ("content", "scans"),
    [
        (encoded(".jpg"), 1),
        (encoded(".jpg") + SCAN_MARKS, 1),
        (encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1), 10),
        (encoded(".jpg", noise_picture(0, (64, 48)), cv2.IMWRITE_JPEG_RST_INTERVAL, 1), 1),
        (b"\xff\xd8\xff\xe1\x00\x0c" + b"\xff\xda" * 5 + encoded(".jpg")[2:], 1),
        (b"\xff\xd8\xff", 1),
        (encoded(".png"), 1),
    ],
    ids=["baseline", "marks behind", "progressive", "restarts", "marks in EXIF", "cut", "PNG"],
)
def test_scans_of_a_jpeg_are_counted_up_to_its_end(content, scans):
    assert count_jpeg_scans(content) == scans


@pytest.mark.parametrize(
    ("suffix", "size_wh", "message"),
    [
        (".jpg", (16320, 12240), None),
        (".jpg", (20000, 12000), "20000 x 12000 px are 240 million. A JPEG may have 220 million"),
        (".png", (12000, 9000), "12000 x 9000 px are 108 million. A PNG may have 100 million"),
    ],
)
def test_limits_of_size_are_said_with_true_numbers(tmp_path, suffix, size_wh, message):
    content = bytearray(encoded(suffix))
    width, height = (side.to_bytes(4, "big") for side in size_wh)
    if suffix == ".png":
        content[16:24] = width + height
    else:
        at = content.index(b"\xff\xc0") + 5
        content[at : at + 4] = height[2:] + width[2:]
        content = content[: len(content) // 2]  # so that it is not decoded here
    with pytest.raises(SourceError, match=message or "JPEG that is damaged, cut short"):
        read_picture(written(tmp_path / f"a{suffix}", bytes(content)))


# What is no picture, or of a kind that is not read


def box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


TIFF = encoded(".tif")
OTHERS = {
    "cut.heic": (box(b"ftyp", b"heic\0\0\0\0mif1heic"), "is a HEIC that is damaged, cut short, or"),
    "cut.jpg": (box(b"ftyp", b"mif1\0\0\0\0mif1heic"), "is a HEIC that is damaged, cut short, or"),
    "j2k.heif": (box(b"ftyp", b"mif1\0\0\0\0mif1j2ki"), "is HEIF without HEVC, which is not read"),
    "a.jxl": (b"\xff\x0a" + bytes(30), "is JPEG XL, which is not read here. Export it as JPEG."),
    "b.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n", "is JPEG XL, which"),
    "a.jp2": (b"\0\0\0\x0cjP  \r\n\x87\n", "is JPEG 2000, which"),
    "a.dng": (TIFF, "is a camera's raw file, which is not read here. Export it as JPEG."),
    "a.NEF": (TIFF, "is a camera's raw file, which"),
    "cr2.tif": (TIFF[:8] + b"CR\2\0" + TIFF[12:], "is a camera's raw file, which"),
    "a.cr3": (box(b"ftyp", b"crx \0\0\0\1"), r"is a camera's raw file \(CR3\), which"),
    "a.svg": (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "is SVG, a drawing, which is not read"),
    "a.psd": (b"8BPS\0\1", "is Photoshop's own format, which"),
    "clip.jpg": (box(b"ftyp", b"isom\0\0\2\0isomiso2"), "is a video. Use --video."),
    "page.jpg": (b"<!DOCTYPE html><html>404", "is a web page, not a picture. The download has"),
    "lfs.jpg": (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS, not the"),
    "annex.jpg": (b"/annex/objects/SHA256E-s1--0.jpg", "is a pointer of git-annex, not"),
    "._a.jpg": (b"\0\5\x16\7\0\2\0\0Mac OS X", "is what macOS notes on another file"),
    "Thumbs.db": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Thumbs.db, not a picture. Leave it out."),
    "a.zip": (b"PK\3\4\x14\0", "is an archive. Unpack it first."),
    "a.tga": (bytes(3) + bytes(range(40)), "is TGA, or damaged; that kind is not read here. Exp"),
    "notes.txt": (b"Not a picture.\n", "is text, not a picture."),
    "zeros.jpg": (bytes(5000), "begins with nothing but zeros"),
    "empty.jpg": (b"", "is empty."),
    "cut.png": (encoded(".png")[:20], "is a PNG that is damaged, cut short, or of a rare form. If"),
    "half.jpg": (encoded(".jpg")[:400], "is a JPEG that is damaged, cut short, or of a rare form"),
    "noise": (noise_picture(5, (9, 9)).tobytes(), "is damaged or not a picture."),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_named_with_the_way_out(tmp_path, name):
    content, message = OTHERS[name]
    path = written(tmp_path / name, content)
    with pytest.raises(SourceError, match=message) as caught:
        read_picture(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".gif", ".avif", ".bmp", ".tif", ".ppm"])
def test_a_picture_is_known_by_its_bytes_not_by_its_suffix(tmp_path, suffix):
    path = written(tmp_path / "a.png", encoded(suffix))
    differs = np.abs(read_picture(path).astype(int) - PICTURE).mean()
    assert differs < (30 if suffix == ".gif" else 2)  # OpenCV writes GIF in 27 colours


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipes_and_devices_are_refused_before_they_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(SourceError, match="is a pipe or a device, not a file"):
            read_picture(path)
    with pytest.raises(SourceError, match="is a folder, not a picture"):
        read_picture(tmp_path)


# Several pictures in a file


def pillow_saved(kind: str, pictures: list[np.ndarray], **options: object) -> bytes:
    file = io.BytesIO()
    first, *others = (PillowImage.fromarray(one) for one in pictures)
    first.save(file, kind, save_all=True, append_images=others, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "name", "way_out"),
    [
        ("GIF", "a.gif", " For all of them use --video."),
        ("PNG", "a.png", " For all of them use --video."),
        ("WEBP", "a.webp", " For all of them use --video."),
        ("TIFF", "a.tif", ""),
    ],
)
def test_of_several_pictures_in_a_file_the_first_is_read_and_the_others_are_told(
    tmp_path, kind, name, way_out
):
    pictures = [level_picture(n, (64, 48)) for n in (3, 9, 12)]
    path = written(tmp_path / name, pillow_saved(kind, pictures))
    source = ImageSource([path])
    (frame,) = source
    assert np.abs(frame.image.astype(int) - pictures[0]).mean() < 3
    assert source.warning == f"Of {path}, which holds 3 pictures, the first was read.{way_out}"


def test_a_phones_second_jpeg_and_a_scanners_thumbnail_are_no_further_pictures(tmp_path):
    two = [PICTURE, PICTURE[::2, ::2]]
    mpo = pillow_saved("MPO", two)
    assert mpo.count(b"\xff\xd8\xff") == 2
    tiff = bytearray(pillow_saved("TIFF", two, tiffinfo={254: 0}))
    second = struct.unpack_from("<I", tiff, 8 + 2 + 12 * tiff[8])[0]
    entries = [second + 2 + 12 * n for n in range(tiff[second])]
    (at,) = (entry for entry in entries if tiff[entry] == 254 and tiff[entry + 1] == 0)
    tiff[at + 8] = 1  # a smaller copy of another picture
    for name, content in (("a.jpg", mpo), ("a.tif", bytes(tiff))):
        source = ImageSource([written(tmp_path / name, content)])
        assert len(list(source)) == 1
        assert source.warning is None


def test_directories_of_a_tiff_are_counted_in_bounded_time():
    """Each of 10 000 overlapping directories has 4096 entries."""
    entries, body = 4096, bytearray(90_000)
    struct.pack_into("<2sHI", body, 0, b"II", 42, 8)
    for at in range(8, 40_000, 4):  # how many entries there are, and behind them the next one
        struct.pack_into("<H", body, at, entries)
        struct.pack_into("<I", body, at + 2 + 12 * entries, at + 4)
    began_s = time.process_time()
    assert count_pictures(bytes(body), "TIFF") >= 1
    assert time.process_time() - began_s < 1


def test_transparent_places_of_a_gif_are_white_and_old_comments_do_no_harm(tmp_path):
    palette = PillowImage.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 0, 200, 10, 10])
    palette.paste(1, (4, 0, 8, 8))
    palette.info["background"] = 200  # beyond the palette
    file = io.BytesIO()
    palette.save(file, "GIF", transparency=0, comment=b"Adobe\xa8")
    image = read_picture(written(tmp_path / "a.gif", file.getvalue()))
    assert image[4, 1].tolist() == [255, 255, 255]
    assert image[4, 6].tolist() == [10, 10, 200]


# Kinds of pixels


@pytest.mark.parametrize(
    ("mode", "kind", "most"),
    [
        ("L", "JPEG", 0),
        ("CMYK", "JPEG", 1),
        ("RGB", "JPEG", 0),
        ("LA", "PNG", 0),
        ("RGBA", "PNG", 0),
        ("P", "PNG", 0),
        ("1", "PNG", 0),
        ("CMYK", "TIFF", 1),
        ("RGBA", "WEBP", 0),
        ("L", "BMP", 0),
        ("P", "BMP", 0),
    ],
)
def test_pixels_are_those_that_pillow_reads(tmp_path, mode, kind, most):
    picture = PillowImage.fromarray(noise_picture(2, (8, 6))).resize((64, 48)).convert(mode)
    path = tmp_path / "a"
    picture.save(path, kind)
    with PillowImage.open(path) as again:
        theirs = np.asarray(again.convert("RGB"))[..., ::-1]
    assert np.abs(read_picture(path).astype(int) - theirs).max() <= most


# Folders


@pytest.mark.parametrize("name", ["a\nb.png", "a\x1b[2Jb.png", "a\u2028b.png", "a\x85b.png"])
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_with_control_characters_stays_in_its_line(tmp_path, name):
    for path in (written(tmp_path / name, b"text"), written(tmp_path / f"2{name}", b"text")):
        with pytest.raises(SourceError) as caught:
            read_picture(path)
        assert str(caught.value).isprintable()
    written(tmp_path / "good.png", encoded(".png"))
    source = ImageSource([tmp_path])
    assert [frame.source for frame in source] == ["good.png"]
    assert source.warning is not None
    assert source.warning.isprintable()
    assert "Also left out: " in source.warning


def test_a_folder_gives_all_kinds_and_names_those_that_are_not_read(tmp_path):
    grey = PICTURE[..., 0]
    for suffix in (".avif", ".bmp", ".gif", ".JPG", ".pgm", ".png", ".ppm", ".tiff", ".webp"):
        written(
            tmp_path / f"a{suffix}", encoded(suffix.lower(), grey if suffix == ".pgm" else PICTURE)
        )
    for name in ("a.jxl", "a.dng", "notes.txt", "._a.jpg", "Thumbs.db"):
        written(tmp_path / name, OTHERS.get(name, (b"", ""))[0] or b"x")
    written(tmp_path / "a_annotated.png", encoded(".png"))
    source = ImageSource([tmp_path])
    assert [frame.source for frame in source] == sorted(
        f"a{suffix}" for suffix in ".avif .bmp .gif .JPG .pgm .png .ppm .tiff .webp".split()
    )
    assert source.warning == (
        f"2 of 11 pictures left out: {tmp_path / 'a.dng'} is a camera's raw file, which is not "
        "read here. Export it as JPEG. Also left out: a.jxl."
    )
