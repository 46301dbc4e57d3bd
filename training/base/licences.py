"""Holds the licence notes that are stored in models."""

LICENCE = (
    "Weights: MIT, as the program. Learned from FER2013 pictures, gathered from the web for "
    "research, with FER+ votes (MIT): check whether your use of such weights is covered."
)
FOLDER_LICENCE = "Learned from the maker's own pictures; ask whoever gave you this file."
RESEARCH_LICENCE = (
    "Learned from {dataset}, which its authors give out for non-commercial research only: check "
    "their terms before you use or pass on these weights."
)
DETECTIONS = " detections"  # what training.face_check makes of a data set


def choose_licence(dataset: str) -> str:
    """Chooses the licence note for a network that learned from the data set of this name."""
    source = dataset.removesuffix(DETECTIONS)
    if source == "FER+":
        return LICENCE
    if source in ("RAF-DB", "AffectNet"):
        return RESEARCH_LICENCE.format(dataset=source)
    return FOLDER_LICENCE
