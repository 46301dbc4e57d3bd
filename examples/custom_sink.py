"""A sink of one's own, an SQLite database with a row per face, beside one of the library's:

python examples/custom_sink.py talk.mp4 out

writes out/faces.db and out/records.jsonl. Without a video, the demo clip is read.
"""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from app import (
    FrameResult,
    Image,
    Recogniser,
    RecogniserError,
    RecordsSink,
    Selection,
    Sink,
    SinkError,
    VideoSource,
    writing,
)

DEMO_CLIP = Path(__file__).resolve().parent.parent / "app" / "assets" / "demo.mp4"


class DatabaseSink:
    """Rows (source, frame, time_s, face_id, label, probability). Written under a hidden name and
    renamed when it is whole, as the library's sinks are."""

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise SinkError(f"{path} exists already. Choose another name.")
        self.path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._partial.unlink(missing_ok=True)
        try:
            self._database: sqlite3.Connection | None = sqlite3.connect(self._partial)
            self._database.execute(
                "CREATE TABLE faces (source TEXT, frame INTEGER, time_s REAL, face_id INTEGER, "
                "label TEXT, probability REAL)"
            )
        except sqlite3.Error as error:
            raise SinkError(f"{path} could not be written: {error}.") from error

    def write(self, result: FrameResult, canvas: Image) -> None:
        if self._database is None:
            raise SinkError(f"{self.path} is closed already.")
        frame = result.frame
        self._database.executemany(
            "INSERT INTO faces VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    *(frame.source, frame.index, frame.time_s, face.face_id, face.label),
                    float(face.probabilities.max()),
                )
                for face in result.faces
            ],
        )

    def close(self) -> None:
        if self._database is not None:
            self._database.commit()
            self._database.close()
            self._database = None
            self._partial.replace(self.path)

    def abort(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
            self._partial.unlink(missing_ok=True)


def store(video: Path, folder: Path, selection: Selection | None = None) -> None:
    with Recogniser() as recogniser, VideoSource(video, selection=selection) as source:
        folder.mkdir(parents=True, exist_ok=True)
        sinks: tuple[Sink, ...] = (
            DatabaseSink(folder / "faces.db"),
            RecordsSink(folder / "records.jsonl", recogniser.labels),
        )
        with writing(*sinks) as write:
            for result in recogniser.stream(source):
                write(result, result.frame.image)  # neither of them looks at the picture


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A video to a database of its faces.")
    parser.add_argument("video", nargs="?", type=Path, default=DEMO_CLIP, help="(the demo clip)")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="made if need be")
    options = parser.parse_args(argv)
    try:
        store(options.video, options.folder)
    except (RecogniserError, OSError) as error:  # OSError: the folder cannot be made
        print(f"error: {error}", file=sys.stderr)
        return 2
    with closing(sqlite3.connect(options.folder / "faces.db")) as database:
        for label, faces in database.execute("SELECT label, COUNT(*) FROM faces GROUP BY label"):
            print(f"{label:<12} {faces}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
