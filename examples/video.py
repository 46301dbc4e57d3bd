"""A video to an annotated video and a table:

python examples/video.py talk.mp4 out

writes out/annotated.mp4, out/records.csv and out/episodes.vtt. Without a video, the demo clip is
read. What `run_demo.py --video` does beyond it (resuming, workers, reports) is docs/annotating.md.
"""

import sys
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
        if source.warning:
            print(f"warning: {source.warning}", file=sys.stderr)
    return frames


def main(argv: list[str]) -> int:
    video = Path(argv[0]) if argv else DEMO_CLIP
    folder = Path(argv[1]) if len(argv) > 1 else Path()
    try:
        print(f"{annotate(video, folder)} frames of {video.name} annotated")
    except RecogniserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
