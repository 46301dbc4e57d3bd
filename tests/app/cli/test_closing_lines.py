"""The last lines of a run name what was read, in the singular and the plural."""

import pytest

from app.cli.closing_lines import list_closing_lines
from app.live.session import SessionOutcome


@pytest.mark.parametrize(
    ("frames", "faces", "of_pictures", "said"),
    [
        (12, 16, True, "12 pictures with 16 faces in 4.0 s (3.0 pictures/s)"),
        (1, 5, True, "1 picture with 5 faces in 4.0 s (0.2 pictures/s)"),
        (1, 1, False, "1 frame with 1 face in 4.0 s (0.2 frames/s)"),
        (8, 0, False, "8 frames with 0 faces in 4.0 s (2.0 frames/s)"),
    ],
)
def test_counts_are_of_frames_or_pictures(
    frames: int, faces: int, said: str, *, of_pictures: bool
) -> None:
    assert list_closing_lines(
        SessionOutcome(frames, faces, 4.0), [], [], of_pictures=of_pictures
    ) == [said]


def test_pictures_in_a_window_have_no_rate() -> None:
    lines = list_closing_lines(SessionOutcome(2, 1, 60.0), [], [], of_pictures=True, in_window=True)
    assert lines == ["2 pictures with 1 face"]
