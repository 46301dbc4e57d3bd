"""Reads every picture and video below a folder as the program does, and counts how that ends.

python -m tools.try_corpus FOLDER

Pictures are compared with Pillow's reading, upright and in sRGB. Files that are neither by their
suffix are passed over, unless `--all` is given. Exit code 1 when a file ended in anything but
frames or one clear line.
"""

import argparse
import io
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from app.defaults import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from app.errors import RecogniserError
from app.pictures.kinds import UNREAD_SUFFIXES
from app.pictures.reader import read_picture
from app.process.native_stderr import quiet_stderr
from app.sources.video import VideoSource
from app.types import Image
from app.wording import join_warnings

GOOD = (
    *("read", "read alike", "read, Pillow cannot", "read with a warning"),
    *("refused", "refused, Pillow reads it"),
)
MAX_MEAN_DIFFERENCE = 1.0  # grey levels, of 255
MAX_FRAMES = 300
TIMEOUT_S = 60
_SRGB = ImageCms.createProfile("sRGB")


def ending(path: Path, is_video: bool) -> tuple[str, str]:
    """Read one file. Give (outcome, detail); every outcome but those in `GOOD` is a fault."""
    try:
        with quiet_stderr():
            return _video(path) if is_video else _picture(path)
    except RecogniserError as error:
        said = str(error)
        if not said.isprintable() or path.name not in said:
            return "unclear", repr(said)
        readable = not is_video and path.suffix.lower() in PICTURE_SUFFIXES
        reads = readable and pillow_picture(path) is not None
        return "refused, Pillow reads it" if reads else "refused", said
    except Exception as error:  # a traceback is what is looked for
        return "other error", repr(error)


def _video(path: Path) -> tuple[str, str]:
    with VideoSource(path) as source:
        for count, _ in enumerate(source, start=1):
            if count >= MAX_FRAMES:
                break
    said = join_warnings(source.warning, source.mended)
    return ("read with a warning", said) if said else ("read", "")


def _picture(path: Path) -> tuple[str, str]:
    ours = read_picture(path)
    theirs = pillow_picture(path)
    if theirs is None:
        return "read, Pillow cannot", ""
    if ours.shape != theirs.shape:
        return "differs", f"{ours.shape[1::-1]} px, Pillow {theirs.shape[1::-1]} px"
    mean = float(np.abs(ours.astype(np.float32) - theirs).mean())
    if mean > MAX_MEAN_DIFFERENCE:
        return "differs", f"{mean:.1f} grey levels on average"
    return "read alike", ""


def pillow_picture(path: Path) -> Image | None:
    """Give Pillow's reading as uint8 (H, W, 3) BGR; None where it cannot read the file."""
    try:
        with PillowImage.open(path) as picture:
            if getattr(picture, "default_image", False):  # an APNG's, which no frame is
                picture.seek(1)
            upright = ImageOps.exif_transpose(picture)
            if upright.mode.startswith("I"):
                grey = (np.asarray(upright).astype(np.uint16) >> 8).astype(np.uint8)
                return np.dstack([grey, grey, grey])
            if picture.format == "GIF":  # transparent places are white
                white = PillowImage.new("RGBA", upright.size, "white")
                upright = PillowImage.alpha_composite(white, upright.convert("RGBA"))
            icc = picture.info.get("icc_profile")
            if icc and upright.mode in ("RGB", "RGBA") and b"RGB XYZ " in icc[:30]:
                upright = upright.convert("RGB")
                profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
                upright = ImageCms.profileToProfile(upright, profile, _SRGB) or upright
            return np.asarray(upright.convert("RGB"))[..., ::-1]
    except Exception:  # Pillow's readers raise many kinds
        return None


def files_in(folder: Path, every: bool) -> Iterator[tuple[Path, bool]]:
    """Give the files to be read, in order of their names, and whether each is a video."""
    for path in sorted(folder.rglob("*")):
        suffix = path.suffix.lower()
        if path.is_file() and (every or suffix in PICTURE_SUFFIXES | UNREAD_SUFFIXES):
            yield path, suffix in VIDEO_SUFFIXES
        elif path.is_file() and suffix in VIDEO_SUFFIXES:
            yield path, True


def endings(folder: Path, every: bool) -> Iterator[tuple[Path, str, str]]:
    """Read each file in another process, which may crash or hang."""
    pool = ProcessPoolExecutor(1)
    for path, is_video in files_in(folder, every):
        try:
            outcome, detail = pool.submit(ending, path, is_video).result(TIMEOUT_S)
        except (BrokenProcessPool, TimeoutError) as error:
            outcome, detail = "crash or hang", type(error).__name__
            for process in list((pool._processes or {}).values()):
                process.kill()
            pool.shutdown()
            pool = ProcessPoolExecutor(1)
        yield path, outcome, detail
    pool.shutdown()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="also files of other suffixes")
    parser.add_argument("--refused", action="store_true", help="list what was refused, too")
    options = parser.parse_args(argv)
    counts: Counter[str] = Counter()
    for path, outcome, detail in endings(options.folder, options.all):
        counts[outcome] += 1
        if outcome not in GOOD or (options.refused and outcome.startswith("refused")):
            print(f"{outcome}: {path.relative_to(options.folder)}: {detail}", flush=True)
    print(f"{counts.total()} files")
    for outcome, count in counts.most_common():
        print(f"{count:6} {outcome}")
    return 0 if set(counts) <= set(GOOD) else 1


if __name__ == "__main__":
    sys.exit(main())
