"""HEIC is read as phones write it: one frame of HEVC or a grid of them, cropped and turned."""

import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from app.errors import SourceError
from app.pictures.header import read_header
from app.pictures.heic import Grid
from app.pictures.heif_boxes import MAX_BOXES, StillFile
from app.pictures.reader import read_picture
from app.sources.video import VideoSource
from tests.support.colour_profiles import PROFILES, convert_by_littlecms
from training.datasets.readers import read_grey_or_rgb as read_for_training

TILE = 64


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, bytes([version]) + flags.to_bytes(3, "big"), *bodies)


@lru_cache
def hevc(pixels: bytes, width: int, height: int) -> tuple[bytes, bytes]:
    """(setup, frame) of RGB pixels, almost without loss."""
    image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    encoder = av.CodecContext.create("libx265", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv444p"
    encoder.time_base = Fraction(1, 25)
    colours = "range=full:colormatrix=bt470bg"
    encoder.options = {"x265-params": f"log-level=none:pools=1:crf=1:{colours}"}
    frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(
        format="yuv444p", dst_colorspace=5, dst_color_range=2
    )
    frame.pts = 0
    stream = b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))
    units = [unit.rstrip(b"\0") for unit in stream.split(b"\0\0\1")[1:]]
    setup = bytes([1, *bytes(20), 3, 3])  # a length of 4 bytes, three lists
    for kind in (32, 33, 34):  # VPS, SPS and PPS
        (unit,) = (unit for unit in units if unit[0] >> 1 == kind)
        setup += struct.pack(">BHH", kind, 1, len(unit)) + unit
    frames = [unit for unit in units if unit[0] >> 1 < 32]
    return setup, b"".join(struct.pack(">I", len(unit)) + unit for unit in frames)


def heic(
    tiles: Sequence[np.ndarray],
    columns: int = 0,
    size_wh: tuple[int, int] = (TILE, TILE),
    more: Sequence[bytes] = (),
) -> bytes:
    """A file of one picture, or of a grid where `columns` are given. `more`: properties of it."""
    coded = [hevc(tile.tobytes(), *tile.shape[1::-1]) for tile in tiles]
    properties = [box(b"hvcC", coded[0][0]), ispe((tiles[0].shape[1], tiles[0].shape[0]))]
    properties += [ispe(size_wh), *more]
    own = [3, *range(4, 4 + len(more))] if columns else [1, 2, *range(4, 4 + len(more))]
    items = {1: (b"grid" if columns else b"hvc1", own)}
    bodies = {1: coded[0][1]}
    if columns:
        rows = len(tiles) // columns
        bodies[1] = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size_wh)
        for number, (_, frame) in enumerate(coded, start=2):
            items[number], bodies[number] = (b"hvc1", [1, 2]), frame
    infe = [
        full(b"infe", struct.pack(">HH4s", item, 0, kind), b"\0", version=2)
        for item, (kind, _) in items.items()
    ]
    ipma = struct.pack(">I", len(items))
    for item, (_, numbers) in items.items():
        ipma += struct.pack(">HB", item, len(numbers)) + bytes(numbers)

    def meta(begin: int) -> bytes:
        iloc = struct.pack(">BBH", 0x44, 0, len(items))
        for item, body in bodies.items():
            iloc += struct.pack(">HHHII", item, 0, 1, begin, len(body))
            begin += len(body)
        parts = [full(b"pitm", struct.pack(">H", 1)), full(b"iloc", iloc)]
        parts.append(full(b"iinf", struct.pack(">H", len(infe)), *infe))
        if columns:
            refs = struct.pack(f">HH{len(tiles)}H", 1, len(tiles), *range(2, 2 + len(tiles)))
            parts.append(full(b"iref", box(b"dimg", refs)))
        parts.append(box(b"iprp", box(b"ipco", *properties), full(b"ipma", ipma)))
        return full(b"meta", *parts)

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")
    begin = len(head) + len(meta(0)) + 8
    return head + meta(begin) + box(b"mdat", *bodies.values())


def ispe(size_wh: tuple[int, int]) -> bytes:
    return full(b"ispe", struct.pack(">II", *size_wh))


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """(128, 192, 3) RGB, smooth and with no part like another."""
    y, x = np.mgrid[:128, :192]
    return np.dstack([x, 2 * y, 255 - x // 2 - y // 2]).astype(np.uint8)


@pytest.fixture(scope="module")
def tiles(picture: np.ndarray) -> list[np.ndarray]:
    return [picture[y : y + TILE, x : x + TILE] for y in (0, 64) for x in (0, 64, 128)]


def read(tmp_path, content: bytes) -> np.ndarray:
    """RGB, as int."""
    path = tmp_path / "a.heic"
    path.write_bytes(content)
    image = read_picture(path)[..., ::-1]
    np.testing.assert_array_equal(read_for_training(path), image)
    return image.astype(int)


def test_a_single_frame_is_read(tmp_path, picture):
    content = heic([picture], size_wh=(192, 128))
    assert read_header(content).size_wh == (192, 128)
    image = read(tmp_path, content)
    assert image.shape == picture.shape
    assert np.abs(image - picture).max() <= 4


def test_a_grid_is_put_together_and_cut_to_its_size(tmp_path, picture, tiles):
    image = read(tmp_path, heic(tiles, 3, (180, 100)))
    assert image.shape == (100, 180, 3)
    assert np.abs(image - picture[:100, :180]).max() <= 4


def test_it_is_cropped_and_turned_as_its_properties_say(tmp_path, picture, tiles):
    # The middle 100 x 60, moved by 10 to the right and 4 down.
    clap = box(b"clap", struct.pack(">IIIIiIiI", 100, 1, 60, 1, 10, 1, 4, 1))
    image = read(tmp_path, heic(tiles, 3, (192, 128), [clap, box(b"irot", b"\3")]))
    part = picture[38:98, 56:156]
    assert image.shape == (100, 60, 3)
    assert np.abs(image - np.rot90(part, 3)).max() <= 4


def test_display_p3_of_a_phone_comes_in_srgb(tmp_path):
    flat = np.full((TILE, TILE, 3), (200, 120, 90), np.uint8)
    icc = PROFILES["Display P3"]
    image = read(tmp_path, heic([flat], more=[box(b"colr", b"prof", icc)]))
    assert np.abs(image - convert_by_littlecms(flat, icc)).max() <= 5


def test_given_as_a_video_it_is_called_a_picture(tmp_path, tiles):
    path = tmp_path / "a.heic"
    path.write_bytes(heic(tiles, 3, (192, 128)))
    with pytest.raises(SourceError, match=r"a\.heic is a picture\. Use --image\."):
        VideoSource(path)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_cut_one_is_refused(tmp_path, tiles, share):
    content = heic(tiles, 3, (192, 128))
    with pytest.raises(SourceError, match="is a HEIC that is damaged, cut short"):
        read(tmp_path, content[: int(share * len(content))])


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b"dimg", b"none"),
        lambda content: content.replace(b"hvcC", b"none"),
        lambda content: content.replace(b"grid\0", b"iovl\0"),
        lambda content: content.replace(struct.pack(">HH", 192, 128), struct.pack(">HH", 9, 9)),
        lambda content: content.replace(struct.pack(">II", 64, 64), struct.pack(">II", 0, 0)),
        lambda content: content.replace(struct.pack(">II", 64, 64), struct.pack(">II", 9000, 9000)),
    ],
)
def test_boxes_that_do_not_fit_are_refused(tmp_path, tiles, change):
    content = heic(tiles, 3, (192, 128))
    assert change(content) != content
    with pytest.raises(SourceError, match="is a HEIC that is damaged"):
        read(tmp_path, change(content))


@pytest.mark.parametrize(
    ("size_wh", "columns", "rows", "fits"),
    [
        ((64 * 64, 64 * 64), 64, 64, True),
        ((63 * 64 + 1, 63 * 64 + 1), 64, 64, True),
        ((63 * 64, 64 * 64), 64, 64, False),  # a column beside the picture
        ((64 * 64 + 1, 64 * 64), 64, 64, False),  # a gap
        ((65 * 64, 64 * 64), 65, 64, False),  # more tiles than any camera writes
        ((0, 64), 1, 1, False),
    ],
)
def test_tiles_cover_the_picture_and_are_bounded_in_number(size_wh, columns, rows, fits):
    tiles = [1] * (columns * rows)
    assert Grid(size_wh, (TILE, TILE), tiles, columns, rows).fits() is fits
    assert not Grid(size_wh, (TILE, TILE), tiles[1:], columns, rows).fits()


# Numbers that are out of all proportion


def with_shared_bytes(item_count: int, stretches: int) -> bytes:
    """A file whose items have many stretches, all of them the whole file, in few bytes."""
    iloc = struct.pack(">BBH", 0, 0, item_count)  # numbers of no bytes: from 0, to the end
    iloc += b"".join(struct.pack(">HHH", item, 0, stretches) for item in range(1, item_count + 1))
    parts = [full(b"pitm", struct.pack(">H", 1)), full(b"iloc", iloc)]
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + full(b"meta", *parts)


def test_items_hold_not_much_more_than_the_file() -> None:
    content = with_shared_bytes(1, 65_535)
    with pytest.raises(ValueError, match="more than the file"):
        StillFile(content + bytes(1 << 20)).read_data([1])


def test_stretches_without_numbers_are_counted_over_all_items() -> None:
    content = with_shared_bytes(500, 65_535)
    places = StillFile(content)._places(set(range(1, 501)))
    assert sum(map(len, places.values())) == MAX_BOXES


def test_a_box_of_properties_ends_where_it_says() -> None:
    """Each of these boxes announces as many entries as there are bytes behind it."""
    many = box(b"ipco", ispe((1, 1))) + box(b"ipma") * 20_000
    meta = full(b"meta", full(b"pitm", struct.pack(">H", 1)), box(b"iprp", many))
    with pytest.raises((IndexError, struct.error)):
        StillFile(box(b"ftyp", b"heic\0\0\0\0") + meta).list_properties(1)
