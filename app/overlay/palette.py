"""The colours that labels are shown in."""

from collections.abc import Sequence

from app.overlay.text import BLACK, SOFT_WHITE, WHITE, Colour
from app.types import TrackedFace

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart ("Color
# Universal Design", 2008), given to the expressions that people know them for.
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
BRIGHT = 105  # luminance, of 255, from which on letters on a colour are black


def choose_colour(label: str, labels: Sequence[str]) -> Colour:
    """Returns the colour of a label; known expressions have the same one for every model."""
    known = COLOURS.get(label.lower())
    return known or OTHERS[list(labels).index(label) % len(OTHERS)]


def choose_face_colour(face: TrackedFace, labels: Sequence[str]) -> Colour:
    """Returns the colour of what is said of a face. White is no expression's: it means doubt."""
    return choose_colour(face.label, labels) if face.reason is None else SOFT_WHITE


def choose_ink(colour: Colour) -> Colour:
    """Returns black or white, whichever is easier to read on a colour."""
    blue, green, red = colour
    return BLACK if 0.114 * blue + 0.587 * green + 0.299 * red > BRIGHT else WHITE
