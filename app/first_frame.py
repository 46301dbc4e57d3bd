"""Draws the first frame of a video, as the demo does, and says so:
`python -m app.first_frame CLIP MODEL DEVICE`. A program of its own, so that its start is timed."""

import sys
from pathlib import Path

from app.quiet import own_stderr


def main() -> int:
    from app.errors import RecogniserError

    with own_stderr():
        try:
            _first_frame(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
        except RecogniserError as error:
            print(error, flush=True)
            return 2
    return 0


def _first_frame(clip: Path, model: Path, device: str) -> None:
    from typing import Any, cast

    from app.benchmark_clip import fitted
    from app.classifier import Classifier
    from app.follow import Follower
    from app.pipeline import Pipeline
    from app.rendering import draw
    from app.search import FaceSearch
    from app.threads import set_threads
    from app.tracking import Tracker
    from app.types import Frame
    from app.video_source import VideoSource

    set_threads()
    with VideoSource(clip) as source, FaceSearch() as search:
        classifier = Classifier(model, device=cast(Any, device))
        recogniser = Pipeline(search, classifier, tracker=Tracker(), follower=Follower(search))
        frame = next(iter(source))
        picture = Frame(fitted(frame.image), 0, frame.time_s, frame.source)
        draw(recogniser.step(picture))
        print("drawn", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
