"""A video to an annotated video and a table:

python examples/video.py talk.mp4 out

writes out/annotated.mp4, out/records.csv and out/episodes.vtt. Without a video, the demo clip is
read. What `run_demo.py --video` does beyond it (resuming, workers, reports) is docs/annotating.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from app import (
    EpisodesSink,
    Overlay,
    Recogniser,
    RecogniserError,
    RecordsSink,
    Selection,
    VideoSink,
    VideoSource,
    writing,
)

DEMO_CLIP = Path(__file__).resolve().parent.parent / "app" / "assets" / "demo.mp4"


def annotate(video: Path, folder: Path, selection: Selection | None = None) -> int:
    """Returns the number of frames. Outputs are complete, or not there."""
    frames = 0
    with Recogniser() as recogniser, VideoSource(video, selection=selection) as source:
        folder.mkdir(parents=True, exist_ok=True)
        sinks = (
            VideoSink(folder / "annotated.mp4", source_video=source),  # its sound and times
            RecordsSink(folder / "records.csv", recogniser.labels),
            EpisodesSink(folder / "episodes.vtt"),
        )
        overlay = Overlay()  # texts keep their places while faces move
        with writing(*sinks) as write:
            for result in recogniser.stream(source):
                write(result, overlay.draw(result))
                frames += 1
        for said in filter(None, (source.warning, source.mended)):
            print(f"warning: {said}", file=sys.stderr)
    return frames


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A video to an annotated video and a table.")
    parser.add_argument("video", nargs="?", type=Path, default=DEMO_CLIP, help="(the demo clip)")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="made if need be")
    options = parser.parse_args(argv)
    try:
        frames = annotate(options.video, options.folder)
        print(f"{frames} frame{'' if frames == 1 else 's'} of {options.video.name} annotated")
    except (RecogniserError, OSError) as error:  # OSError: the folder cannot be made
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
