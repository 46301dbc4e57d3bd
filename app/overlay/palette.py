"""The colours of labels."""

from collections.abc import Sequence

from app.overlay.text import BLACK, SOFT_WHITE, WHITE, Colour
from app.types import TrackedFace

# Okabe & Ito's colours ("Color Universal Design", 2008), which people with any kind of colour
# vision can tell apart. Each expression has the colour that is usual for it.
ORANGE: Colour = (0, 159, 230)
SKY_BLUE: Colour = (233, 180, 86)
GREEN: Colour = (115, 158, 0)
YELLOW: Colour = (66, 228, 240)
BLUE: Colour = (178, 114, 0)
VERMILION: Colour = (0, 94, 213)
PURPLE: Colour = (167, 121, 204)
GREY: Colour = (190, 190, 190)
COLOURS: dict[str, Colour] = {
    "neutral": GREY,
    "happiness": YELLOW,
    "happy": YELLOW,
    "surprise": SKY_BLUE,
    "sadness": BLUE,
    "sad": BLUE,
    "anger": VERMILION,
    "angry": VERMILION,
    "disgust": GREEN,
    "fear": PURPLE,
    "contempt": ORANGE,
}
OTHERS = (YELLOW, SKY_BLUE, VERMILION, GREEN, PURPLE, ORANGE, BLUE, GREY)
BRIGHT_LUMA = 105  # of 255; letters on a brighter colour are black, else white


def choose_colour(label: str, labels: Sequence[str]) -> Colour:
    """Chooses the colour of a label, BGR. A known expression has the same colour for every model;
    another label has a colour by its position in `labels`.

    >>> choose_colour("Happy", ("Happy", "Sad")) == YELLOW
    True
    """
    known = COLOURS.get(label.lower())
    return known or OTHERS[list(labels).index(label) % len(OTHERS)]


def choose_face_colour(face: TrackedFace, labels: Sequence[str]) -> Colour:
    """Chooses the colour of a face's box and label, BGR. A face that the model is unsure of is
    white, which is no expression's colour."""
    return choose_colour(face.label, labels) if face.reason is None else SOFT_WHITE


def choose_ink(colour: Colour) -> Colour:
    """Chooses black or white for letters on a colour, whichever is easier to read.

    >>> choose_ink(YELLOW) == BLACK, choose_ink(BLUE) == WHITE
    (True, True)
    """
    blue, green, red = colour
    return BLACK if 0.114 * blue + 0.587 * green + 0.299 * red > BRIGHT_LUMA else WHITE
