"""The soak test sees growth where there is some, and none in a short run of everything."""

from collections.abc import Sequence

import pytest

from tools.soak import Sample, main, verdict


def samples(
    rss_mb: Sequence[float], waiting: Sequence[int], threads: Sequence[int]
) -> list[Sample]:
    rows = enumerate(zip(rss_mb, waiting, threads, strict=True))
    return [Sample(100 * i, float(i), *row) for i, row in rows]


FLAT = ([300.0] * 20, [1] * 20, [8] * 20)


@pytest.mark.parametrize(
    ("rss_mb", "waiting", "threads", "grown"),
    [
        (*FLAT, []),
        ([100, 200, *[300] * 16, 314, 314], *FLAT[1:], []),  # warming up is no growth
        ([300 + i for i in range(20)], *FLAT[1:], ["Memory grew by 5.3 % (16 MB)."]),
        (FLAT[0], range(20), FLAT[2], ["A queue grew from 2.5 to 18.5 frames."]),
        (*FLAT[:2], [*[8] * 18, 9, 9], ["Threads grew from 8 to 9."]),
    ],
)
def test_growth_is_seen(
    rss_mb: Sequence[float], waiting: Sequence[int], threads: Sequence[int], grown: list[str]
) -> None:
    assert verdict(samples(rss_mb, waiting, threads)) == grown


@pytest.mark.slow
def test_short_run_of_everything_grows_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--frames", "300", "--samples", "20", "--gaps", "3"])
    said = capsys.readouterr().out
    assert code == 0, said
    lines = said.splitlines()
    assert len(lines) == 22
    assert lines[-2].startswith("300 frames with ")
    assert "unplugged 3 times" in lines[-2]
    assert lines[-1] == "Nothing grew."
