#!/usr/bin/env bash
# OpenCV gives up an AVIF whose EXIF lies behind its pixels, as libheif puts it.
#
# Guess before the run: EXIF is a note beside the picture; a reader that cannot use it shows the picture
# all the same, as Pillow does, which reads AVIF by the same library (libavif).
# Source: ISO/IEC 23008-12 (HEIF): an item's data may lie anywhere in the file (`iloc`), and metadata
# items are not needed to decode an image item; OpenCV's documentation of imread: an empty result is for
# a file that "cannot be read (because of missing file, improper permissions, unsupported or invalid
# format)".
# What happens: heif-enc (libheif 1.15, Debian 12) turns a JPEG with EXIF into an AVIF that Pillow reads
# and OpenCV does not: imread returns nothing, though the file is whole. It reads the same file with the
# kind of the item Exif renamed, one from the JPEG without EXIF, and one with EXIF that is so small (here
# some hundred bytes) that its EXIF lies near the beginning.
#
# Needs python3 with venv, the package index, and Debian 12's heif-enc (libheif-examples). Exits with 0
# while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet opencv-python-headless==5.0.0.93 pillow==12.0.0 numpy==2.4.6
cd "$folder"
heif-enc --help 2>&1 | grep -m 1 "libheif version"
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess

import cv2
import numpy as np
from PIL import Image

print(f"OpenCV {cv2.__version__}")
NOISE = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
FLAT = np.full((96, 128, 3), 120, np.uint8)


def opencv_reads(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None


def avif_of(pixels, with_exif):
    exif = Image.Exif()
    exif[0x10F] = "Maker"
    options = {"exif": exif} if with_exif else {}
    Image.fromarray(pixels).save("a.jpg", **options)
    with open("a.jpg", "rb") as file:
        jpeg = file.read()
    if not with_exif:
        assert b"Exif" not in jpeg
    subprocess.run(["heif-enc", "-A", "a.jpg", "-o", "a.avif"], check=True, capture_output=True)
    with Image.open("a.avif") as again:
        assert again.convert("RGB").size == (128, 96)  # Pillow reads all of them
    with open("a.avif", "rb") as file:
        return file.read()


with_exif = avif_of(NOISE, True)
cases = {
    "with EXIF": (with_exif, False),
    "with the item Exif renamed": (with_exif.replace(b"Exif", b"free", 1), True),
    "without EXIF": (avif_of(NOISE, False), True),
    "with EXIF, small": (avif_of(FLAT, True), True),
}
for name, (content, expected) in cases.items():
    found = opencv_reads(content)
    print(f"{name}: {len(content)} bytes, OpenCV reads it: {found}")
    assert found == expected, "it is otherwise now"
PYTHON
