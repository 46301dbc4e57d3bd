"""Makes docs/demo.webp, the moving picture of the README: passages of the annotated demo.

python -m tools.make_readme_picture [FILE]

The demo clip is read as `run_demo.py --demo --no-window -o` reads it, so labels and bars are those
of an annotated video. The picture is a loop of `PASSAGES`: one person's expressions, one of which
is misread, a label that gives way to "unsure", and several people at once. Those are drawn as
`--hud boxes` draws them, because panels of six people would cover Darwin's words.
"""

import argparse
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from app.defaults import DEMO_CLIP, ROOT
from app.errors import DataError
from app.files.atomic import reserve, write_whole
from app.overlay.scene import HudMode
from app.overlay.stream_overlay import Overlay
from app.recogniser import Recogniser
from app.sources.video import VideoSource
from app.types import UNSURE, Image
from training.base.cli import run_entry_point

TARGET = ROOT / "docs" / "demo.webp"
STEP = 3  # every so many frames of 25 a second
FRAME_MS = 40 * STEP
QUALITY = 42
EFFORT = 6  # of WebP's encoder, the highest
MAX_BYTES = 1_500_000


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage of the clip, from `begin_s` until before `end_s`, and how it is drawn."""

    begin_s: float
    end_s: float
    mode: HudMode = "full"

    def has(self, time_s: float) -> bool:
        return self.begin_s <= time_s < self.end_s


PASSAGES = (
    Passage(1.2, 5.0),  # neutral, then a natural smile, which is misread for a second, a false one
    Passage(12.5, 14.2),  # anger, then "unsure"
    Passage(21.3, 25.1, "boxes"),  # six people: four labels and "unsure"
)


@dataclass(slots=True)
class Loop:
    """The pictures of the passages, uint8 (H, W, 3) BGR, and each passage's labels in the order in
    which they were first shown."""

    pictures: list[Image] = field(default_factory=list)
    labels: dict[Passage, list[str]] = field(default_factory=dict)


def draw_passages(recogniser: Recogniser) -> Loop:
    """Draws the annotated frames of the passages. The whole clip is read and drawn, so that people
    keep their numbers, and labels and bars are what they are in the video."""
    loop = Loop()
    overlays = {mode: Overlay(mode) for mode in dict.fromkeys(one.mode for one in PASSAGES)}
    with VideoSource(DEMO_CLIP) as clip:
        for result in recogniser.stream(clip):
            drawn = {mode: overlay.draw(result) for mode, overlay in overlays.items()}
            for one in PASSAGES:
                if one.has(result.frame.time_s) and result.frame.index % STEP == 0:
                    loop.pictures.append(drawn[one.mode])
                    shown = loop.labels.setdefault(one, [])
                    labels = dict.fromkeys(face.label for face in result.faces)
                    shown += [label for label in labels if label not in shown]
    return loop


def describe_passages(loop: Loop) -> list[str]:
    """Words a line for each passage: its labels. Raises `DataError` where none is "unsure"."""
    if not any(UNSURE in labels for labels in loop.labels.values()):
        raise DataError(f'No passage shows "{UNSURE}", which belongs to the demo. Choose others.')
    return [
        f"{one.begin_s:g} to {one.end_s:g} s: {', '.join(labels)}"
        for one, labels in loop.labels.items()
    ]


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
        loop = draw_passages(recogniser)
    print(*describe_passages(loop), sep="\n")
    write_loop(loop.pictures, path)
    seconds = len(loop.pictures) * FRAME_MS / 1000
    print(f"{path}: {len(loop.pictures)} frames, {seconds:.1f} s, {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
