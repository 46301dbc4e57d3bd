"""Pictures come upright, in whatever form their files say how they are turned."""

import io
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from app.frames.orientation import Orientation
from app.pictures.header import find_kind
from app.pictures.heif_boxes import StillFile, hide_exif, read_primary_properties
from app.pictures.reader import read_picture
from app.pictures.stored_orientation import find_orientation, read_exif_number
from tests.support.picture_files import make_png_chunk
from training.datasets.readers import read_grey_or_rgb as read_for_training

# Four different corners, so that every turn and mirror shows.
UPRIGHT = np.zeros((48, 64, 3), np.uint8)
UPRIGHT[:24, :32], UPRIGHT[:24, 32:], UPRIGHT[24:, :32] = (250, 20, 20), (20, 250, 20), 250
BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}


def stored(number: int) -> Image.Image:
    """The picture as a camera stores it that says `number` of it."""
    return Image.fromarray(Orientation.from_exif(BACK[number]).apply(UPRIGHT))


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def exif(number: int, form: int = 3, order: str = "<", prefix: bytes = b"") -> bytes:
    """An EXIF block of one entry, whose type is `form`."""
    letter = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}[form]
    value = struct.pack(order + letter, number).ljust(4, b"\0")
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHI", 0x112, form, 1) + value
    return prefix + head + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


def in_jpeg(content: bytes, block: bytes, begins: bytes = b"Exif\0\0") -> bytes:
    body = begins + block
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]


def in_png(content: bytes, block: bytes, kind: bytes = b"eXIf") -> bytes:
    return content[:33] + make_png_chunk(kind, block) + content[33:]  # behind IHDR


def in_webp(content: bytes, block: bytes, kind: bytes = b"EXIF") -> bytes:
    width, height = 47, 63
    flags = 8 if kind == b"EXIF" else 4
    head = b"VP8X" + struct.pack("<II", 10, flags) + width.to_bytes(3, "little")
    head += height.to_bytes(3, "little")
    note = kind + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
    body = b"WEBP" + head + content[12:] + note
    return b"RIFF" + struct.pack("<I", len(body)) + body


KINDS: dict[str, tuple[Callable[[bytes, bytes], bytes], dict[str, object]]] = {
    "JPEG": (in_jpeg, {"quality": 95, "subsampling": 0}),
    "PNG": (in_png, {}),
    "WebP": (in_webp, {"lossless": True}),
}


def assert_upright(tmp_path, content: bytes) -> None:
    path = tmp_path / "picture"
    path.write_bytes(content)
    image = read_picture(path)
    assert image.shape == UPRIGHT.shape
    assert np.abs(image[..., ::-1].astype(int) - UPRIGHT).mean() < 4
    np.testing.assert_array_equal(read_for_training(path), image[..., ::-1])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("number", range(1, 9))
def test_all_eight_orientations_of_each_kind_come_upright(tmp_path, kind, number):
    block = Image.Exif()
    block[0x112] = number
    options = {"compression": "tiff_lzw"} if kind == "TIFF" else {"quality": 95}
    assert_upright(tmp_path, saved(stored(number), kind, exif=block, **options))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [1, 3, 4, 6, 8, 9])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_every_form_of_exif_is_understood(tmp_path, kind, form, order, prefix):
    put_in, options = KINDS[kind]
    plain = saved(stored(6).rotate(0), kind, **options)
    content = put_in(plain, exif(6, form, order, prefix))
    assert find_orientation(content, kind) == Orientation.from_exif(6)
    if form == 4:
        assert_upright(tmp_path, content)


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
ELEMENT = b"<x:xmpmeta><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>"
HEX = b"\nexif\n%8d\n" % 26 + exif(6).hex().encode()
XMP_BEGINS = b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize(
    ("kind", "block", "name"),
    [
        ("JPEG", XMP, XMP_BEGINS),
        ("JPEG", ELEMENT, XMP_BEGINS),
        ("WebP", XMP, b"XMP "),
        ("PNG", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP, b"iTXt"),
        ("PNG", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP), b"iTXt"),
        ("PNG", b"Raw profile type exif\0\0" + zlib.compress(HEX), b"zTXt"),
        ("PNG", b"Raw profile type APP1\0" + HEX, b"tEXt"),
    ],
)
def test_xmp_and_raw_profiles_speak_where_exif_is_silent(tmp_path, kind, block, name):
    put_in = {"JPEG": in_jpeg, "PNG": in_png, "WebP": in_webp}[kind]
    content = put_in(saved(stored(6), kind, **KINDS[kind][1]), block, name)
    assert_upright(tmp_path, content)
    if kind == "JPEG":  # EXIF is asked first
        assert find_orientation(in_jpeg(content, exif(3)), kind) == Orientation.from_exif(3)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"Exif\0\0",
        b"II*\0",
        exif(0),
        exif(9),
        exif(6)[:15],
        exif(6).replace(struct.pack("<H", 0x112), struct.pack("<H", 0x113)),
        b"II*\0" + struct.pack("<I", 0xFFFFFFFF),
        b"II*\0\x08\0\0\0" + b"\xff\xff" + bytes(30),
    ],
)
def test_damaged_or_silent_exif_turns_nothing(block):
    assert read_exif_number(block) is None
    for kind, (put_in, options) in KINDS.items():
        content = put_in(saved(stored(1), kind, **options), block)
        assert find_orientation(content, kind).is_upright


# AVIF


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_avif_is_turned_by_its_own_properties_in_their_order(turns, axis):
    avif = saved(Image.fromarray(UPRIGHT), "AVIF")
    content = with_properties(avif, turns, axis)
    assert find_kind(content) == "AVIF"
    picture = np.rot90(UPRIGHT, turns)  # anticlockwise
    if axis is not None:
        picture = picture[::-1] if axis == 0 else picture[:, ::-1]
    turned = find_orientation(content, "AVIF").apply(UPRIGHT)
    np.testing.assert_array_equal(turned, picture)


def with_properties(avif: bytes, turns: int, axis: int | None) -> bytes:
    """The boxes of an AVIF of one item with `irot` and `imir`, without pixels."""

    def box(kind: bytes, *bodies: bytes) -> bytes:
        body = b"".join(bodies)
        return struct.pack(">I", len(body) + 8) + kind + body

    properties = [box(b"ispe", struct.pack(">III", 0, 64, 48)), box(b"irot", bytes([turns]))]
    if axis is not None:
        properties.append(box(b"imir", bytes([axis])))
    numbers = bytes(0x80 | n + 1 for n in range(len(properties)))
    ipma = struct.pack(">IIHB", 0, 1, 1, len(numbers)) + numbers
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", struct.pack(">IH", 0, 1)),
        box(b"iprp", box(b"ipco", *properties), box(b"ipma", ipma)),
    )
    return avif[: int.from_bytes(avif[:4], "big")] + meta


def test_avif_is_read_wherever_its_exif_lies(tmp_path):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    block = Image.Exif()
    block[0x10F] = "Maker"
    content = saved(noise, "AVIF", exif=block)
    (item,) = (item for item, kind in StillFile(content).types.items() if kind == b"Exif")
    note = StillFile(content).read_data([item])[0]
    place, at = content.index(note), content.index(b"iloc")
    moved = struct.pack(">I", place), struct.pack(">I", len(content))
    behind = content[:at] + content[at:].replace(*moved, 1) + note
    assert StillFile(behind).read_data([item]) == [note]
    (tmp_path / "a.avif").write_bytes(content)
    (tmp_path / "b.avif").write_bytes(behind)
    first, second = (read_picture(tmp_path / name) for name in ("a.avif", "b.avif"))
    np.testing.assert_array_equal(first, second)


def test_exif_of_an_avif_is_hidden_from_the_decoder_and_nothing_moves():
    block = Image.Exif()
    block[0x10F] = "Maker"
    content = saved(stored(1), "AVIF", exif=block)
    hidden = hide_exif(content)
    assert len(hidden) == len(content)
    assert [a != b for a, b in zip(content, hidden, strict=True)].count(True) == 4
    assert read_primary_properties(hidden) == read_primary_properties(content)


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_damaged_avif_gives_no_traceback(cut):
    content = saved(stored(6), "AVIF")
    assert find_orientation(content[:cut], "AVIF").is_upright or cut > 100
    changed = content[:cut] + b"\xff\xff\xff\xff" + content[cut + 4 :]
    find_orientation(changed, "AVIF")


def test_texts_of_a_png_are_unpacked_one_by_one_and_not_without_end() -> None:
    """A kilobyte of a packed text may be a megabyte; there may be any number of them."""
    text = b"Raw profile type exif\0\0" + zlib.compress(bytes(1 << 20))
    content = saved(Image.new("RGB", (4, 4)), "PNG")
    full_of_texts = in_png(content, b"").replace(
        make_png_chunk(b"eXIf", b""), make_png_chunk(b"zTXt", text) * 1000
    )
    began_s = time.process_time()
    tracemalloc.start()
    assert find_orientation(full_of_texts, "PNG").is_upright
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 30 << 20
    assert time.process_time() - began_s < 2


def test_a_note_behind_one_that_counts_is_not_read() -> None:
    damaged = make_png_chunk(b"zTXt", b"Raw profile type exif\0\0no zlib")
    content = in_png(saved(Image.new("RGB", (4, 4)), "PNG"), exif(6))
    cut = content.index(b"IDAT") - 4
    assert find_orientation(content[:cut] + damaged + content[cut:], "PNG").exif == 6


def test_prefixes_of_exif_are_taken_away_a_few_times() -> None:
    assert read_exif_number(exif(6, prefix=2 * b"Exif\0\0")) == 6
    assert read_exif_number(exif(6, prefix=4 * b"Exif\0\0")) is None
