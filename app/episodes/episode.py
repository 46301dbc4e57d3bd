"""Holds one expression of one person, with its times and its strength."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Episode:
    """One expression of one person, from `onset_s` to `offset_s` in seconds of the source.

    `peak` is the highest probability of the label, reached at `apex_s` in frame `apex_frame`.
    `mean` is the mean probability over the `frames` frames of the episode.
    """

    source: str
    face_id: int
    label: str
    onset_s: float
    apex_s: float
    offset_s: float
    apex_frame: int
    peak: float
    mean: float
    frames: int

    @property
    def duration_s(self) -> float:
        """The time from onset to offset."""
        return self.offset_s - self.onset_s
