"""The faces of a picture, as text:

python examples/image.py photo.jpg

Without a picture, a frame of the demo clip is read, as an array.
"""

import sys
from pathlib import Path

from app import Recogniser, RecogniserError, Selection, VideoSource

DEMO_CLIP = Path(__file__).resolve().parent.parent / "app" / "assets" / "demo.mp4"


def main(argv: list[str]) -> int:
    try:
        with Recogniser() as recogniser:
            if argv:
                result = recogniser.image(argv[0])
            else:
                with VideoSource(DEMO_CLIP, selection=Selection(start_s=2.5)) as clip:
                    result = recogniser.image(next(iter(clip)).image)
    except RecogniserError as error:  # a missing file, a damaged model…: one line that says it
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(result.faces)} faces in {result.frame.source}")
    for face in result.faces:
        x0, y0, x1, y1 = face.face.box_xyxy
        why = f" ({face.reason})" if face.reason else ""
        print(f"face {face.face_id} at ({x0:.0f}, {y0:.0f}) to ({x1:.0f}, {y1:.0f}): ", end="")
        print(f"{face.label}{why}")
        for label, share in zip(result.labels, face.probabilities, strict=True):
            print(f"  {label:<12} {share:6.1%}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
