"""Photos in wide colour spaces and HDR stills come out as a plain screen shows them."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from app.errors import SourceError
from app.frames.wide_colour import choose_wide_colour
from app.pictures.colour_profile import read_profile
from app.pictures.reader import read_picture
from app.pictures.stored_colour import find_colours
from tests.support.colour_profiles import (
    P3,
    PROFILES,
    SRGB,
    SRGB_CURVE,
    convert_by_littlecms,
    make_profile,
    pack_fixed,
)
from tests.support.picture_files import make_png_chunk
from training.datasets.readers import read_grey_or_rgb as read_for_training

PQ, HLG, BT2020, DISPLAY_P3 = 16, 18, 9, 12


COLOURS = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
COLOURS[0] = np.linspace(0, 255, 32).astype(np.uint8)[:, None]


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_give_the_colours_that_littlecms_gives(name):
    icc = PROFILES[name]
    made = read_profile(icc)
    assert made is not None
    ours = made.to_bgr(COLOURS.astype(np.uint16) * 257)[..., ::-1]
    # It rounds to 8 bits in other places.
    assert np.abs(ours.astype(int) - convert_by_littlecms(COLOURS, icc)).max() <= 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_phones_photo_in_display_p3_comes_in_srgb(tmp_path, kind):
    icc = PROFILES["Display P3"]
    flat = np.full((24, 32, 3), (200, 120, 90), np.uint8)
    options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}
    path = tmp_path / "a"
    Image.fromarray(flat).save(path, kind, icc_profile=icc, **options.get(kind, {"quality": 100}))
    image = read_picture(path)
    assert np.abs(image[..., ::-1].astype(int) - convert_by_littlecms(flat, icc)).max() <= 4
    np.testing.assert_array_equal(read_for_training(path), image[..., ::-1])


def test_a_tiff_of_floating_point_numbers_is_refused_with_a_profile_and_without(tmp_path):
    path = tmp_path / "a.tif"
    floats = Image.fromarray(COLOURS[..., 0].astype(np.float32))
    for options in ({}, {"icc_profile": PROFILES["Display P3"]}):
        floats.save(path, **options)
        with pytest.raises(SourceError, match="is a TIFF that is damaged, cut short, or of a rare"):
            read_picture(path)


@pytest.mark.parametrize(
    "icc",
    [
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        make_profile(SRGB, SRGB_CURVE),
        make_profile(((0.9, 0.9, 0.9),) * 3, SRGB_CURVE),  # no white is made of these
        make_profile(P3, b"curv\0\0\0\0\0\0\0\2" + bytes(4)),  # no code gives light
        make_profile(P3, b"mft2" + bytes(40)),
        make_profile(P3, b"para\0\0\0\0\0\3\0\0" + pack_fixed(30000, 30000, 1, 1, 0.5)),
        PROFILES["Display P3"][:200],
        PROFILES["Display P3"].replace(b"RGB XYZ ", b"CMYKLab "),
        b"",
        bytes(500),
    ],
)
def test_srgb_and_damaged_profiles_change_nothing(tmp_path, icc):
    assert read_profile(icc) is None
    path = tmp_path / "a.png"
    Image.fromarray(COLOURS).save(path, icc_profile=icc)
    np.testing.assert_array_equal(read_picture(path)[..., ::-1], COLOURS)


# HDR


def hdr_png(codes: np.ndarray, primaries: int, transfer: int) -> bytes:
    """A PNG of 16 bits with a cICP chunk. `codes` (H, W, 3) RGB uint16."""
    content = bytes(cv2.imencode(".png", codes[..., ::-1])[1])
    return content[:33] + make_png_chunk(b"cICP", bytes([primaries, transfer, 0, 1])) + content[33:]


@pytest.mark.parametrize(
    ("primaries", "transfer"), [(BT2020, PQ), (BT2020, HLG), (DISPLAY_P3, PQ), (DISPLAY_P3, 13)]
)
def test_a_png_says_its_colours_in_cicp(tmp_path, primaries, transfer):
    codes = np.random.default_rng(4).integers(0, 40_000, (6, 9, 3), np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(hdr_png(codes, primaries, transfer))
    wide = choose_wide_colour(primaries, transfer)
    assert wide is not None
    np.testing.assert_array_equal(read_picture(path), wide.to_bgr(codes))


def test_cicp_of_a_plain_screen_counts_more_than_a_profile(tmp_path):
    content = bytes(cv2.imencode(".png", COLOURS)[1])
    icc = make_png_chunk(b"iCCP", b"P3\0\0" + zlib.compress(PROFILES["Display P3"]))
    with_profile = content[:33] + icc + content[33:]
    assert find_colours(with_profile, "PNG") is not None
    both = content[:33] + make_png_chunk(b"cICP", bytes([1, 13, 0, 1])) + with_profile[33:]
    path = tmp_path / "a.png"
    path.write_bytes(both)
    np.testing.assert_array_equal(read_picture(path), COLOURS)


def test_an_avif_of_10_bits_in_pq_comes_as_video_does(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 700, 64).astype(np.uint16)[None, :, None], (48, 64, 3))
    options = [cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100]
    avif = bytes(cv2.imencode(".avif", np.ascontiguousarray(ramp), options)[1])
    at = avif.index(b"nclx") + 4
    path = tmp_path / "a.avif"
    path.write_bytes(avif[:at] + struct.pack(">HH", BT2020, PQ) + avif[at + 4 :])
    codes = np.rint(ramp[:1] * (65535 / 1023)).astype(np.uint16)
    wide = choose_wide_colour(BT2020, PQ)
    assert wide is not None
    differs = np.abs(read_picture(path).astype(int) - wide.to_bgr(codes))
    assert np.median(differs) <= 1  # but for what compression leaves
    assert differs.mean() < 3
