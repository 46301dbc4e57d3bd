"""The pictures of the overlay in docs/: python -m tools.make_overlay_pictures [FOLDER]

`overlay.jpg` shows two faces of the portrait clip, `overlay_many.jpg` eight prints of its portrait,
and `live_view.jpg` the window while keys are pressed: help; the evidence; blurred faces, a
recording and a look at a resting face; everything drawn. The clip runs at its own rate, so the
figures in the window are those of a camera of 25 frames a second, as far as the machine keeps up.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch
from app.files.atomic import reserve, write_whole
from app.live.keys import Action
from app.live.session import Session
from app.overlay.drawing import draw_result
from app.overlay.stream_overlay import Overlay
from app.pipeline import Pipeline, build_pipeline
from app.recognition.classifier import Classifier
from app.runs.plan import ViewSettings
from app.sources.video import VideoSource
from app.types import Frame, Image, Mode
from tools.make_portrait_clip import Pose, draw_prints
from training.base.cli import run_entry_point

DOCS = Path(__file__).resolve().parent.parent / "docs"
OVERLAY_S = 9.2  # of the clip, when two faces are shown
# Eight prints as on a wall: centre px, width of the face px, turns in degrees; which are mirrored.
PRINTS = tuple(
    (Pose(*(float(value) for value in pose)), number % 2 == 1)
    for number, pose in enumerate(
        (
            *((88, 112, 52, -6, 4), (246, 96, 46, 3, -6), (400, 118, 50, -2, 8)),
            *((556, 104, 44, 5, -4), (92, 350, 48, 4, 6), (250, 330, 54, -4, -8)),
            *((412, 356, 46, 6, 4), (560, 338, 52, -3, -6)),
        )
    )
)
QUALITY = 84
EDGE_PX = 4  # between the parts of the window's picture
# Seconds from the first picture in the window, and what happens then; "take" keeps the picture.
SCRIPT: tuple[tuple[float, Action | str], ...] = (
    *((1.2, "help"), (1.5, "take"), (1.6, "help")),
    *((1.7, "map"), (2.5, "take")),
    *((2.6, "blur"), (2.6, "record"), (2.7, "neutral"), (4.4, "take")),
    *((4.5, "record"), (4.5, "neutral"), (4.6, "map"), (4.6, "blur")),
    *((9.2, "take"), (9.3, "quit")),
)


class Hands:
    """A screen on which the script's keys are pressed, and whose pictures are kept."""

    def __init__(self) -> None:
        self.taken: list[Image] = []
        self._waiting = list(SCRIPT)
        self._began_s: float | None = None
        self._shown: Image | None = None

    def show(self, canvas: Image) -> None:
        self._began_s = self._began_s or time.monotonic()
        self._shown = canvas

    def poll(self, wait_ms: int) -> Action | None:
        assert self._began_s is not None
        time.sleep(wait_ms / 1000)
        if not self._waiting or time.monotonic() - self._began_s < self._waiting[0][0]:
            return None
        what = self._waiting.pop(0)[1]
        if what == "take":
            assert self._shown is not None
            self.taken.append(self._shown.copy())
            return None
        action: Action = what  # type: ignore[assignment]
        return action


def stages(search: FaceSearch, classifier: Classifier) -> Pipeline:
    return build_pipeline(search, classifier, Mode.LIVE, with_resting_faces=True)


def overlay_picture(search: FaceSearch, classifier: Classifier) -> Image:
    pipeline, overlay = stages(search, classifier), Overlay()
    with VideoSource(PORTRAIT_CLIP) as clip:
        for frame in clip:
            canvas = overlay.draw(pipeline.step(frame))
            if frame.time_s >= OVERLAY_S:
                break
    return canvas


def many_picture(search: FaceSearch, classifier: Classifier) -> Image:
    image = np.ascontiguousarray(draw_prints(PRINTS)[..., ::-1])
    pipeline = build_pipeline(search, classifier, Mode.PICTURES)
    return draw_result(pipeline.step(Frame(image, 0, 0.0, "made")))


def window_picture(search: FaceSearch, classifier: Classifier) -> Image:
    hands = Hands()
    with tempfile.TemporaryDirectory() as folder, VideoSource(PORTRAIT_CLIP) as clip:
        Session(
            clip,
            stages(search, classifier),
            sinks=(),
            screen=hands,
            provider=classifier.provider,
            settings=ViewSettings(folder=Path(folder)),
            stop=lambda: False,
            say=lambda line: None,
        ).run()
    edged = [
        np.pad(part, (*[(EDGE_PX // 2,) * 2] * 2, (0, 0)), constant_values=255)
        for part in hands.taken
    ]
    rows = [np.hstack(edged[place : place + 2]) for place in range(0, len(edged), 2)]
    return np.asarray(np.vstack(rows), np.uint8)


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m tools.make_overlay_pictures", description=__doc__)
    top.add_argument("folder", type=Path, nargs="?", default=DOCS, help="default: docs/")
    top.add_argument("--overwrite", action="store_true", help="replace files that exist already")
    options = top.parse_args(argv)
    for name in ("overlay.jpg", "overlay_many.jpg", "live_view.jpg"):
        reserve(options.folder / name, overwrite=options.overwrite)
    with FaceSearch() as search:
        classifier = Classifier(device="cpu")
        for name, make in (
            ("overlay.jpg", overlay_picture),
            ("overlay_many.jpg", many_picture),
            ("live_view.jpg", window_picture),
        ):
            picture = make(search, classifier)
            _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            write_whole(options.folder / name, content.tobytes(), overwrite=options.overwrite)
            print(options.folder / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
