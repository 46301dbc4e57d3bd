"""The line of what is seen now: short enough, harmless, and not too often."""

import errno
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.live.status_line import (
    CLEAR,
    LiveLine,
    count_columns,
    cut_to_columns,
    format_result,
    format_run_time,
    replace_controls,
)
from app.types import UNSURE, FrameResult
from tests.support.clock import Clock
from tests.support.synthetic import frame_result, tracked_face

CANVAS = np.zeros((4, 4, 3), np.uint8)
SURE = tracked_face(1, label="happiness", probabilities=(0.05, 0.93, 0.02))
DOUBT = tracked_face(2, label=UNSURE, reason="not confident")


@pytest.mark.parametrize(
    ("faces", "columns", "line"),
    [
        ((SURE, DOUBT), None, "00:12  face 1 happiness 0.93 | face 2 unsure  28.4 frames/s"),
        ((SURE, DOUBT), 60, "00:12  face 1 happiness 0.93 | face 2 unsure  28.4 frames/s"),
        ((SURE, DOUBT), 58, "00:12  face 1 happiness 0.93 | 1 more  28.4 frames/s"),
        ((SURE, DOUBT), 40, "00:12  2 faces  28.4 frames/s"),
        ((SURE, DOUBT), 10, "00:12  2 f"),
        ((), None, "00:12  no face  28.4 frames/s"),
    ],
)
def test_line_says_who_is_there(faces: Any, columns: int | None, line: str) -> None:
    assert format_result(frame_result(*faces, time_s=12.7), 28.4, columns) == line


def test_first_line_has_no_rate() -> None:
    assert format_result(frame_result(), None) == "00:00  no face"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "00:00"), (59.99, "00:59"), (61, "01:01"), (3725, "1:02:05")]
)
def test_time_is_read_like_a_clock(seconds: float, text: str) -> None:
    assert format_run_time(seconds) == text


@given(st.lists(st.text(max_size=30), max_size=5), st.integers(1, 120))
def test_no_label_breaks_the_line(labels: list[str], columns: int) -> None:
    faces = [tracked_face(number, label=label) for number, label in enumerate(labels)]
    line = format_result(frame_result(*faces), 30.0, columns)
    assert count_columns(line) <= columns
    assert line.isprintable()


@pytest.mark.parametrize(
    ("text", "shown", "width"),
    [
        ("a\x1b[2J\r\nb", "a?[2J??b", 8),
        ("\u202edrow", "?drow", 5),
        ("幸せ", "幸せ", 4),
        ("e\u0301", "e\u0301", 1),
    ],
)
def test_signs_are_counted_and_tamed(text: str, shown: str, width: int) -> None:
    assert replace_controls(text) == shown
    assert count_columns(shown) == width


def test_cut_splits_no_wide_sign() -> None:
    assert (cut_to_columns("幸せだ", 5), cut_to_columns("", 5), cut_to_columns("ab", 0)) == (
        "幸せ",
        "",
        "",
    )


class Terminal(io.StringIO):
    encoding = "utf-8"  # type: ignore[assignment]

    def isatty(self) -> bool:
        return True


def play(line: LiveLine, clock: Clock, seconds: float, step_s: float = 0.04) -> None:
    for index in range(round(seconds / step_s)):
        clock.now = index * step_s
        line.write(result_at(clock.now), CANVAS)


def result_at(time_s: float) -> FrameResult:
    return frame_result(SURE, time_s=time_s)


def test_terminal_is_refreshed_in_place() -> None:
    stream, clock = Terminal(), Clock()
    line = LiveLine(stream, alone=True, clock=clock, columns=lambda: 40)
    play(line, clock, 1.0)
    line.close()
    drawn = stream.getvalue().split(CLEAR)[1:]
    assert 8 <= len(drawn) <= 11
    assert all(count_columns(text.rstrip("\n")) <= 39 for text in drawn)
    assert drawn[-1].endswith("frames/s\n")
    assert stream.getvalue().count("\n") == 1


def test_pipe_gets_a_whole_line_a_second() -> None:
    stream, clock = io.StringIO(), Clock()
    line = LiveLine(stream, alone=True, clock=clock)
    play(line, clock, 3.0)
    line.close()
    assert [text[:5] for text in stream.getvalue().splitlines()] == ["00:00", "00:01", "00:02"]
    assert "\x1b" not in stream.getvalue()


def test_messages_stand_on_a_line_of_their_own() -> None:
    stream, clock = Terminal(), Clock()
    line = LiveLine(stream, alone=True, clock=clock, columns=lambda: 60)
    tell = line.above(lambda text: print(text, file=stream))
    play(line, clock, 0.04)
    tell("Camera 0 is gone.")
    assert stream.getvalue().endswith(f"{CLEAR}Camera 0 is gone.\n")


def test_terminal_of_few_signs_gets_what_it_can_show() -> None:
    class Ascii(io.TextIOWrapper):
        pass

    raw = io.BytesIO()
    stream, clock = Ascii(raw, encoding="ascii"), Clock()
    line = LiveLine(stream, alone=True, clock=clock)
    line.write(frame_result(tracked_face(label="fröhlich")), CANVAS)
    assert raw.getvalue() == b"00:00  face 1 fr?hlich 0.62\n"


class Closed(io.StringIO):
    def __init__(self, why: int) -> None:
        super().__init__()
        self._why = why

    def write(self, text: str) -> int:
        raise OSError(self._why, "closed")


@pytest.mark.parametrize("why", [errno.EPIPE, errno.EINVAL, errno.EIO])
def test_reader_that_has_had_enough_ends_the_run_only_where_nothing_else_is_written(
    why: int,
) -> None:
    with pytest.raises(BrokenPipeError):
        LiveLine(Closed(why), alone=True).write(result_at(0), CANVAS)
    other = LiveLine(Closed(why), alone=False)
    other.write(result_at(0), CANVAS)
    other.close()
