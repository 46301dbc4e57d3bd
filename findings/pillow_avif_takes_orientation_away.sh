#!/usr/bin/env bash
# Pillow: saving an AVIF with `exif=` takes the orientation out of the caller's own Exif object.
#
# Guess before the run (as a script that saved one photo in two formats had it): an Exif object that is
# given to Image.save is read, not changed, so the next file that is saved with it says the same.
# Source: Pillow's documentation, https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html:
# `exif` of AVIF, JPEG, PNG and WebP is "the exif data to include in the saved file".
# What happens: the AVIF gets an `irot`, which turns it, and the tag Orientation is deleted from the
# object. A JPEG or WebP that is saved with the same object afterwards has no orientation and lies on
# its side or upside down. Saved the other way round, both are right.
#
# Needs python3 with venv and the package index. Exits with 0 while this is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from PIL import Image, ImageOps, __version__

ORIENTATION = 0x112
picture = Image.new("RGB", (64, 32), (200, 60, 20))
picture.paste((20, 60, 200), (0, 0, 32, 32))


def saved(*formats: str) -> dict[str, object]:
    exif = Image.Exif()
    exif[ORIENTATION] = 3  # upside down
    colours = {}
    for name in formats:
        picture.save(f"photo.{name}", exif=exif, quality=95)
        upright = ImageOps.exif_transpose(Image.open(f"photo.{name}"))
        colours[name] = "blue right" if upright.getpixel((48, 16))[2] > 100 else "blue left"
    colours["orientation left in the object"] = exif.get(ORIENTATION)
    return colours


print("Pillow", __version__)
first, last = saved("avif", "webp", "jpeg"), saved("webp", "jpeg", "avif")
print("AVIF first:", first)
print("AVIF last: ", last)
assert first == {
    "avif": "blue right",
    "webp": "blue left",
    "jpeg": "blue left",
    "orientation left in the object": None,
}
assert {last[name] for name in ("webp", "jpeg", "avif")} == {"blue right"}
assert last["orientation left in the object"] is None
PYTHON
