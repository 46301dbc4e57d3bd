"""The faces of a picture, as text:

python examples/image.py photo.jpg

Without a picture, a frame of the demo clip is read, as an array.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from app import Recogniser, RecogniserError, Selection, VideoSource

DEMO_CLIP = Path(__file__).resolve().parent.parent / "app" / "assets" / "demo.mp4"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The faces of a picture, as text.")
    parser.add_argument("picture", nargs="?", help="a picture (default: one of the demo clip)")
    picture: str | None = parser.parse_args(argv).picture
    try:
        with Recogniser() as recogniser:
            if picture is not None:
                result = recogniser.image(picture)
            else:
                with VideoSource(DEMO_CLIP, selection=Selection(start_s=2.5)) as clip:
                    result = recogniser.image(next(iter(clip)).image)
    except RecogniserError as error:  # a missing file, a damaged model…: one line that says it
        print(f"error: {error}", file=sys.stderr)
        return 2
    count = len(result.faces)
    print(f"{count} face{'' if count == 1 else 's'} in {result.frame.source}")
    for face in result.faces:
        x0, y0, x1, y1 = face.face.box_xyxy
        why = f" ({face.reason})" if face.reason else ""
        print(f"face {face.face_id} at ({x0:.0f}, {y0:.0f}) to ({x1:.0f}, {y1:.0f}): ", end="")
        print(f"{face.label}{why}")
        for label, share in zip(result.labels, face.probabilities, strict=True):
            print(f"  {label:<12} {share:6.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
