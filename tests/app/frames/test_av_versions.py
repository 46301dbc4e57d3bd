"""What differs between the versions of PyAV does not reach the program."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from app.frames.av_versions import open_input, to_fraction


class Ratio(NamedTuple):
    """As PyAV 19 gives it: not a `Fraction`, and false where it is not set."""

    numerator: int
    denominator: int

    def __bool__(self) -> bool:
        return self.numerator != 0


@pytest.mark.parametrize(
    ("ratio", "value"),
    [
        (Fraction(25), Fraction(25)),
        (Ratio(30_000, 1001), Fraction(30_000, 1001)),
        (Ratio(0, 1), None),
        (Fraction(0), None),
        (None, None),
    ],
)
def test_ratio_is_a_fraction_or_not_set(ratio: object, value: Fraction | None) -> None:
    found = to_fraction(ratio)
    assert (type(found), found) == (type(value), value)


def test_title_that_is_no_utf8_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "old.mkv"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "caf~"
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes().replace(b"caf~", b"caf\xe9"))
    with open_input(str(path)) as container:
        assert container.metadata["title"].startswith("caf")
        assert to_fraction(container.streams.video[0].average_rate) == 25
