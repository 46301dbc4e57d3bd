"""Sends two frames of the portrait clip through all stages, and prints the times of the second as
JSON: `python -m app.diagnostics.frame_probe MODEL`.

The doctor runs this as a program of its own, so that a crash in native code is an answer, too.
"""

import json
import sys
import time
from pathlib import Path
from typing import TypedDict

from app.defaults import PORTRAIT_CLIP


class ProbeResult(TypedDict, total=False):
    """The result of `probe_frame`, or an `error` alone. `fallback` is the reason for which CUDA is
    not used, `label` that of the first face. `start_ms` counts up to the first result, and `stages`
    holds the milliseconds of each stage for the frame after it."""

    provider: str
    fallback: str | None
    faces: int
    label: str | None
    start_ms: float
    stages: dict[str, float]
    error: str


def probe_frame(model: Path | None) -> ProbeResult:
    """Sends two frames of the portrait clip through all stages. `model` None: the usual one. Raises
    `RecogniserError`."""
    began = time.perf_counter()
    from app.detection.search import FaceSearch
    from app.overlay.drawing import draw_result
    from app.pipeline import build_pipeline
    from app.recognition.classifier import DEFAULT_MODEL, Classifier
    from app.sources.video import VideoSource
    from app.types import Mode

    with VideoSource(PORTRAIT_CLIP) as source, FaceSearch() as search:
        classifier = Classifier(model or DEFAULT_MODEL)
        pipeline = build_pipeline(search, classifier, Mode.FILE)
        frames = iter(source)
        draw_result(pipeline.step(next(frames)))
        start_ms = 1000 * (time.perf_counter() - began)
        decoding = time.perf_counter()
        frame = next(frames)
        stages = {"decode": 1000 * (time.perf_counter() - decoding)}
        result = pipeline.step(frame)
        stages.update(result.stage_ms)
        drawing = time.perf_counter()
        draw_result(result)
        stages["draw"] = 1000 * (time.perf_counter() - drawing)
    return {
        "provider": classifier.provider,
        "fallback": classifier.fallback,
        "faces": len(result.faces),
        "label": result.faces[0].label if result.faces else None,
        "start_ms": start_ms,
        "stages": stages,
    }


def main() -> int:
    """Prints the result, or an error, as a JSON object. Returns 0."""
    from app.errors import RecogniserError
    from app.process.native_stderr import redirect_native_stderr

    with redirect_native_stderr():
        try:
            print(json.dumps(probe_frame(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
        except RecogniserError as error:
            print(json.dumps({"error": str(error)}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
