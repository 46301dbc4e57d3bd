"""Makes docs/demo.webp, the moving picture of the README: passages of the annotated demo.

python -m tools.make_readme_picture [FILE]

The demo clip is read as `run_demo.py --demo --no-window -o` reads it, so labels and bars are those
of an annotated video. The picture is a loop of the passages in `PASSAGES_S`, which were chosen by
what the clip shows: one person's three expressions, and several people at once.
"""

import argparse
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from app.defaults import DEMO_CLIP, ROOT
from app.errors import DataError
from app.files.atomic import reserve, write_whole
from app.overlay.stream_overlay import Overlay
from app.recogniser import Recogniser
from app.sources.video import VideoSource
from app.types import Image
from training.base.cli import run_entry_point

TARGET = ROOT / "docs" / "demo.webp"
PASSAGES_S = ((0.6, 5.4), (21.0, 25.9))  # begin and end, seconds of the clip
STEP = 3  # every so many frames of 25 a second
FRAME_MS = 40 * STEP
QUALITY = 42
EFFORT = 6  # of WebP's encoder, the highest
MAX_BYTES = 1_500_000


def draw_passages(recogniser: Recogniser) -> Iterator[Image]:
    """Yields the annotated frames of the passages, uint8 (H, W, 3) BGR. The whole clip is read, so
    that people keep their numbers and bars are what they are in the video."""
    overlay = Overlay()
    with VideoSource(DEMO_CLIP) as clip:
        for result in recogniser.stream(clip):
            canvas = overlay.draw(result)
            time_s = result.frame.time_s
            if result.frame.index % STEP == 0 and any(a <= time_s < b for a, b in PASSAGES_S):
                yield canvas


def write_loop(pictures: Sequence[Image], path: Path) -> None:
    """Writes pictures as an endless animated WebP. Raises `DataError` where it is too
    large."""
    frames = [PillowImage.fromarray(np.ascontiguousarray(one[..., ::-1])) for one in pictures]
    content = io.BytesIO()
    frames[0].save(
        content,
        format="WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=FRAME_MS,
        loop=0,
        quality=QUALITY,
        method=EFFORT,
    )
    size = len(content.getvalue())
    if size > MAX_BYTES:
        raise DataError(
            f"{path} would have {size:,} bytes, more than {MAX_BYTES:,}. Lower QUALITY."
        )
    write_whole(path, content.getvalue(), overwrite=True)


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(
        prog="python -m tools.make_readme_picture",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    top.add_argument("file", type=Path, nargs="?", default=TARGET, help="default: docs/demo.webp")
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    options = top.parse_args(argv)
    path: Path = options.file
    reserve(path, overwrite=options.overwrite, inputs=[DEMO_CLIP])
    with Recogniser(device="cpu") as recogniser:
        pictures = list(draw_passages(recogniser))
    write_loop(pictures, path)
    seconds = len(pictures) * FRAME_MS / 1000
    print(f"{path}: {len(pictures)} frames, {seconds:.1f} s, {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
