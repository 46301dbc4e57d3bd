"""The picture of a lesson in docs/teach.md: python -m tools.make_teaching_picture [FOLDER]

`teach.jpg` shows the window in the middle of a lesson, over the portrait clip, and beside it the
drawn faces that a lesson shows, one for each expression.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from app.defaults import PORTRAIT_CLIP
from app.detection.search import FaceSearch
from app.files.atomic import reserve, write_whole
from app.live.screen_notes import Notes, draw_notes
from app.overlay.example_face import EXAMPLES, draw_example_face
from app.overlay.stream_overlay import Overlay
from app.overlay.text import SOFT_WHITE, measure_text, put_text
from app.pipeline import build_pipeline
from app.placement.rects import Rect
from app.recognition.classifier import Classifier
from app.sources.video import VideoSource
from app.teaching.lesson import LessonMoment
from app.types import Image, Mode
from training.base.cli import run_entry_point

DOCS = Path(__file__).resolve().parent.parent / "docs"
SHOWN_S = 1.0  # of the clip
MOMENT = LessonMoment("happiness", 2, 8, "hold", 2.6)
FACE_PX = 160  # of a drawn face
NAME_PX = 17  # of its name
GROUND = 44  # grey level behind the drawn faces
QUALITY = 84


def draw_window() -> Image:
    with FaceSearch() as search, VideoSource(PORTRAIT_CLIP) as clip:
        pipeline = build_pipeline(search, Classifier(device="cpu"), Mode.LIVE)
        overlay = Overlay()
        for frame in clip:
            canvas = overlay.draw(pipeline.step(frame))
            if frame.time_s >= SHOWN_S:
                break
    return draw_notes(canvas, Notes(lesson=MOMENT))


def draw_faces(height: int) -> Image:
    across = 2
    down = len(EXAMPLES) // across
    sheet = np.full((height, across * FACE_PX, 3), GROUND, np.uint8)
    step = height // down
    for number, (name, face) in enumerate(EXAMPLES.items()):
        x, y = FACE_PX * (number % across), step * (number // across)
        side = step - 2 * NAME_PX
        draw_example_face(sheet, Rect(x, y + NAME_PX // 2, FACE_PX, side), face)
        left = x + (FACE_PX - measure_text(name, NAME_PX, 500)) // 2
        put_text(sheet, name, (left, y + step - NAME_PX // 2), NAME_PX, colour=SOFT_WHITE)
    return sheet


def main(argv: Sequence[str] | None = None) -> int:
    top = argparse.ArgumentParser(prog="python -m tools.make_teaching_picture", description=__doc__)
    top.add_argument("folder", type=Path, nargs="?", default=DOCS, help="default: docs/")
    top.add_argument("--overwrite", action="store_true", help="replace a file that exists already")
    options = top.parse_args(argv)
    path = options.folder / "teach.jpg"
    reserve(path, overwrite=options.overwrite)
    window = draw_window()
    picture = np.hstack([window, draw_faces(window.shape[0])])
    _, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    write_whole(path, content.tobytes(), overwrite=options.overwrite)
    print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(run_entry_point(main))
