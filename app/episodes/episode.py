"""One expression of one person, with its times and its strength."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Episode:
    """One expression of one person. `peak` is its highest probability, at `apex_s`; `mean` that of
    its `frames` frames."""

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
        return self.offset_s - self.onset_s
