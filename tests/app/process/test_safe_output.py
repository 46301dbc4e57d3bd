"""No line that cannot be written ends a run."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tqdm import tqdm

from app.defaults import ROOT
from app.live.status_line import LiveLine
from app.process.safe_output import SureStream
from tests.support.synthetic import frame_result


@pytest.fixture
def gone() -> Iterator[SureStream]:
    """A stream into a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    with SureStream(write, owns=True) as stream:
        yield stream


def test_a_stream_whose_reader_is_gone_takes_lines_bars_and_logs(
    gone: SureStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", gone)
    print("line", file=sys.stderr, flush=True)
    tqdm.write("line", file=sys.stderr)
    with tqdm(total=2, file=sys.stderr, mininterval=0) as bar:
        bar.update(1)
    logging.lastResort.handle(logging.makeLogRecord({"msg": "line", "levelno": logging.ERROR}))
    assert isinstance(gone.failure, BrokenPipeError)


def test_what_can_be_written_is_written_and_nothing_failed() -> None:
    read, write = os.pipe()
    stream = SureStream(write, owns=True)
    print("größer", file=stream)
    assert os.read(read, 99).decode("utf-8") == "größer\n"
    assert stream.failure is None
    stream.close()
    os.close(read)


def test_a_live_line_alone_ends_with_its_reader(gone: SureStream) -> None:
    line, result = LiveLine(gone, alone=True), frame_result()
    with pytest.raises(BrokenPipeError):
        line.write(result, result.frame.image)


WORK = """
import sys
from app.process.safe_output import run_printing

def work():
    with open(sys.argv[1], "w") as file:
        print("chatter", file=sys.stderr, flush=True)
        print("answer", flush=True)
        file.write("row")
        return 0

raise SystemExit(run_printing(work, cut_short=1))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("streams", "code"),
    [
        ("<&- >&- 2>&-", 0),
        ("2>&-", 0),
        ("2>/dev/full", 0),
        (">/dev/full", 1),
        (">/dev/full 2>/dev/full", 1),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_service_without_streams_gets_its_results(
    tmp_path: Path, streams: str, code: int
) -> None:
    rows = tmp_path / "rows"
    command = ["sh", "-c", f'"$0" -c "$1" "$2" {streams}', sys.executable, WORK, str(rows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert rows.read_text() == "row"  # and no line of the program's
    if streams == ">/dev/full":
        assert done.stderr == "chatter\nWhat was printed is incomplete: No space left on device.\n"
