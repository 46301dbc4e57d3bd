"""Knows face sets that many people have, by the names of their files.

A file's name tells the person on the picture and, in most sets, the expression. The patterns follow
the sets' own descriptions. Case does not matter, and words may stand in front and behind, as copies
and converters add them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_CODES_2 = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "ne": "neutral",
    "sa": "sadness",
    "su": "surprise",
}


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A set of faces. `pattern` has a group `who` and, where `labels` is not empty, `what`;
    `labels` maps each code, in small letters, to its expression."""

    name: str
    pattern: re.Pattern[str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KnownName:
    """The content of a file's name: the set, the person's code in the set, and the label where
    the name has one."""

    set_name: str
    who: str
    label: str | None


def _known(name: str, pattern: str, labels: Mapping[str, str]) -> KnownSet:
    whole = rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])"
    return KnownSet(name, re.compile(whole, re.IGNORECASE | re.ASCII), labels)


KNOWN_SETS = (
    # S010_004_00000017: subject, sequence, frame.
    _known("CK+", r"(?P<who>S\d{3})_\d{3}_\d{8}", {}),
    # KA.AN1.39: person, expression and its number, picture.
    _known(
        "JAFFE", r"(?P<who>[A-Z]{2})[.\-_](?P<what>AN|DI|FE|HA|NE|SA|SU)\d[.\-_]\d{1,3}", _CODES_2
    ),
    # AF01ANS: session A or B, person F01, expression, view. Both sessions show the same people.
    _known(
        "KDEF",
        r"[AB](?P<who>[FM]\d{2})(?P<what>AF|AN|DI|HA|NE|SA|SU)(?:S|HL|HR|FL|FR)",
        _CODES_2 | {"af": "fear"},
    ),
    # Rafd090_01_Caucasian_female_angry_frontal: camera, person, expression, gaze.
    _known(
        "RaFD",
        r"Rafd\d{3}_(?P<who>\d{2})_[A-Za-z]+_(?:female|male)_(?P<what>angry|contemptuous|disgusted"
        r"|fearful|happy|neutral|sad|surprised)_(?:frontal|left|right)",
        {
            "angry": "anger",
            "contemptuous": "contempt",
            "disgusted": "disgust",
            "fearful": "fear",
            "happy": "happiness",
            "neutral": "neutral",
            "sad": "sadness",
            "surprised": "surprise",
        },
    ),
    # 001_o_m_a_a: person, age group, sex, expression, version.
    _known(
        "FACES",
        r"(?P<who>\d{3})_[oym]_[fm]_(?P<what>[andfhs])_[ab]",
        {
            "a": "anger",
            "d": "disgust",
            "f": "fear",
            "h": "happiness",
            "n": "neutral",
            "s": "sadness",
        },
    ),
    # 01F_AN_C: person, expression, mouth open or closed.
    _known(
        "NimStim",
        r"(?P<who>\d{2}[FM])_(?P<what>AN|CA|DI|FE|HA|NE|SA|SP|SU)_[OCX]",
        _CODES_2 | {"ca": "calm", "sp": "surprise"},
    ),
    # CFD-WF-001-002-N: ethnicity and sex, person, picture, expression.
    _known(
        "CFD",
        r"CFD-(?P<who>[A-Z]{2}-\d{3})-\d{3}-(?P<what>N|A|F|HC|HO)",
        {"n": "neutral", "a": "anger", "f": "fear", "hc": "happiness", "ho": "happiness"},
    ),
    # F0001_AN01WH_F2D: person, expression and its strength, ethnicity.
    _known(
        "BU-3DFE",
        r"(?P<who>[FM]\d{4})_(?P<what>AN|DI|FE|HA|NE|SA|SU)\d{2}(?:AE|AM|BL|IN|LA|WH)"
        r"(?:_F[23]D)?",
        _CODES_2,
    ),
    # F01-Anger-Apex: person, expression, part of the film.
    _known(
        "ADFES",
        r"(?P<who>[FM]\d{2})-(?P<what>Anger|Contempt|Disgust|Fear|Joy|Neutral|Sadness|Surprise)"
        r"(?:-[A-Za-z ]+)?",
        {
            **{name: name for name in ("anger", "contempt", "disgust", "fear", "neutral")},
            "joy": "happiness",
            "sadness": "sadness",
            "surprise": "surprise",
        },
    ),
    # 1001_DFA_ANG_XX: actor, sentence, expression, strength.
    _known(
        "CREMA-D",
        r"(?P<who>1\d{3})_(?:DFA|IEO|IOM|ITH|ITS|IWL|IWW|MTI|TAI|TIE|TSI|WSI)_"
        r"(?P<what>ANG|DIS|FEA|HAP|NEU|SAD)(?:_[A-Z]{1,2})?",
        {
            "ang": "anger",
            "dis": "disgust",
            "fea": "fear",
            "hap": "happiness",
            "neu": "neutral",
            "sad": "sadness",
        },
    ),
    # 01-01-03-01-01-01-12: modality, channel, expression, strength, sentence, turn, actor.
    _known(
        "RAVDESS",
        r"0[1-3]-0[12]-(?P<what>0[1-8])-0[12]-0[12]-0[12]-(?P<who>\d{2})",
        {
            "01": "neutral",
            "02": "calm",
            "03": "happiness",
            "04": "sadness",
            "05": "anger",
            "06": "fear",
            "07": "disgust",
            "08": "surprise",
        },
    ),
)


def parse_known_name(stem: str) -> KnownName | None:
    """Reads a file's name, without its suffix, by the rules of the known sets; None for another
    name.

    >>> parse_known_name("S010_004_00000017")
    KnownName(set_name='CK+', who='s010', label=None)
    """
    for known in KNOWN_SETS:
        if match := known.pattern.search(stem):
            label = known.labels[match["what"].lower()] if known.labels else None
            return KnownName(known.name, match["who"].lower(), label)
    return None
