"""Files of episodes as the programs that read them want them."""

import csv
import io
import os
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.episodes.episode import Episode
from app.episodes.formats import format_audacity, format_csv, format_eaf, format_vtt, write_episodes
from app.errors import SinkError

# MPI's file; its licence does not let it be kept here.
ELAN_SCHEMA = os.environ.get("ELAN_SCHEMA")
EVIL = "=a<b> & --> \x07\n\"c'"
EPISODES = (
    Episode("talk 1.mp4", 1, "happiness", 0.5, 1.25, 3661.0405, 31, 0.987, 0.8, 40),
    Episode("talk 1.mp4", 2, EVIL, 0.5, 0.6, 0.9, 15, 0.7, 0.65, 10),
    Episode("talk 1.mp4", 1, "fear", 3661.0405, 3662.0, 3663.0, 9000, 0.61, 0.6, 50),
)
# The children of each element in their order, its attributes (required ones with `!`), from the
# description of EAF 3.0.
EAF = {
    "ANNOTATION_DOCUMENT": (
        "LICENSE* HEADER TIME_ORDER TIER* LINGUISTIC_TYPE* LOCALE* LANGUAGE* CONSTRAINT* "
        "CONTROLLED_VOCABULARY* LEXICON_REF* REF_LINK_SET* EXTERNAL_REF*",
        "DATE! AUTHOR! VERSION! FORMAT",
    ),
    "HEADER": ("MEDIA_DESCRIPTOR* LINKED_FILE_DESCRIPTOR* PROPERTY*", "MEDIA_FILE TIME_UNITS"),
    "MEDIA_DESCRIPTOR": (
        "",
        "MEDIA_URL! MIME_TYPE! RELATIVE_MEDIA_URL TIME_ORIGIN EXTRACTED_FROM",
    ),
    "PROPERTY": ("", "NAME"),
    "TIME_ORDER": ("TIME_SLOT*", ""),
    "TIME_SLOT": ("", "TIME_SLOT_ID! TIME_VALUE"),
    "TIER": (
        "ANNOTATION*",
        "TIER_ID! PARTICIPANT ANNOTATOR LINGUISTIC_TYPE_REF! DEFAULT_LOCALE PARENT_REF EXT_REF "
        "LANG_REF",
    ),
    "ANNOTATION": ("ALIGNABLE_ANNOTATION? REF_ANNOTATION?", ""),
    "ALIGNABLE_ANNOTATION": (
        "ANNOTATION_VALUE",
        "ANNOTATION_ID! TIME_SLOT_REF1! TIME_SLOT_REF2! EXT_REF LANG_REF CVE_REF SVG_REF",
    ),
    "REF_ANNOTATION": (
        "ANNOTATION_VALUE",
        "ANNOTATION_ID! ANNOTATION_REF! PREVIOUS_ANNOTATION EXT_REF LANG_REF CVE_REF",
    ),
    "ANNOTATION_VALUE": ("", ""),
    "LINGUISTIC_TYPE": (
        "",
        "LINGUISTIC_TYPE_ID! TIME_ALIGNABLE CONSTRAINTS GRAPHIC_REFERENCES "
        "CONTROLLED_VOCABULARY_REF EXT_REF LEXICON_REF",
    ),
    "CONSTRAINT": ("", "STEREOTYPE! DESCRIPTION"),
}


def check_structure(element: ElementTree.Element) -> None:
    children, attributes = EAF[element.tag]
    pattern = "".join(
        f"(?:{name.rstrip('*?')} ){name[-1] if name[-1] in '*?' else ''}"
        for name in children.split()
    )
    found = "".join(f"{child.tag} " for child in element)
    assert re.fullmatch(pattern, found), (element.tag, found)
    known = {name.rstrip("!") for name in attributes.split()}
    given = {name for name in element.attrib if not name.startswith("{")}
    assert given <= known, (element.tag, given - known)
    assert {n[:-1] for n in attributes.split() if n.endswith("!")} <= given, element.tag
    for child in element:
        check_structure(child)


def eaf(episodes: tuple[Episode, ...] = EPISODES, media: str | None = "talk 1.mp4"):  # type: ignore[no-untyped-def]
    return ElementTree.fromstring(format_eaf(episodes, media=media).encode())


@pytest.mark.parametrize("episodes", [(), EPISODES])
def test_eaf_is_built_as_its_schema_says(episodes: tuple[Episode, ...]) -> None:
    document = eaf(episodes)
    check_structure(document)
    place = "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"
    assert document.get(place) == "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
    assert document.get("DATE") == "1970-01-01T00:00:00+00:00"  # an xsd:dateTime
    assert document.get("FORMAT") == "3.0"


@pytest.mark.skipif(ELAN_SCHEMA is None, reason="ELAN_SCHEMA=…/EAFv3.0.xsd names no schema")
@pytest.mark.parametrize("episodes", [(), EPISODES])
@pytest.mark.parametrize("media", [None, "talk 1.mp4", "été ☃ 100 %.mov"])
def test_eaf_is_valid_against_elans_own_schema(
    episodes: tuple[Episode, ...], media: str | None
) -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(ELAN_SCHEMA))
    text = format_eaf(episodes, media=media)
    schema.assertValid(etree.fromstring(text.encode()))
    if episodes:
        wrong = text.replace('PARENT_REF="face 1"', 'PARENT_REF="face 9"')
        assert not schema.validate(etree.fromstring(wrong.encode()))


def test_eaf_names_are_unique_and_lead_somewhere() -> None:
    document = eaf()
    slots = {slot.get("TIME_SLOT_ID") for slot in document.iter("TIME_SLOT")}
    notes = [
        note.get("ANNOTATION_ID", "")
        for tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION")
        for note in document.iter(tag)
    ]
    names = [*slots, *notes]  # one space of xsd:ID
    assert len(names) == len(set(names)) == 12
    assert all(re.fullmatch(r"[A-Za-z_][\w.-]*", str(name)) for name in names)
    for span in document.iter("ALIGNABLE_ANNOTATION"):
        assert {span.get("TIME_SLOT_REF1"), span.get("TIME_SLOT_REF2")} <= slots
    for note in document.iter("REF_ANNOTATION"):
        assert note.get("ANNOTATION_REF") in notes
    tiers = {tier.get("TIER_ID"): tier for tier in document.iter("TIER")}
    types = {one.get("LINGUISTIC_TYPE_ID"): one for one in document.iter("LINGUISTIC_TYPE")}
    stereotypes = {one.get("STEREOTYPE") for one in document.iter("CONSTRAINT")}
    for tier in tiers.values():
        kind = types[tier.get("LINGUISTIC_TYPE_REF")]
        assert (tier.get("PARENT_REF") is None) == (kind.get("CONSTRAINTS") is None)
        assert tier.get("PARENT_REF") in {None, *tiers}
        assert kind.get("CONSTRAINTS") in {None, *stereotypes}


def test_eaf_says_what_the_episodes_say() -> None:
    document = eaf()
    time_ms = {
        slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", ""))
        for slot in document.iter("TIME_SLOT")
    }
    assert list(time_ms.values()) == sorted(time_ms.values())
    tiers = {
        tier.get("TIER_ID"): [
            (
                time_ms[span.get("TIME_SLOT_REF1")],
                time_ms[span.get("TIME_SLOT_REF2")],
                span.findtext("ANNOTATION_VALUE"),
            )
            for span in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        for tier in document.iter("TIER")
        if tier.get("PARENT_REF") is None
    }
    assert tiers == {
        "face 1": [(500, 3661040, "happiness"), (3661040, 3663000, "fear")],
        "face 2": [(500, 900, "=a<b> & -->  \"c'")],
    }
    apexes = [note.findtext("ANNOTATION_VALUE") for note in document.iter("REF_ANNOTATION")]
    assert apexes == ["1.250 s, 99 %", "3662.000 s, 61 %", "0.600 s, 70 %"]
    media = document.find("HEADER/MEDIA_DESCRIPTOR")
    assert media is not None
    assert media.get("MEDIA_URL") == "./talk%201.mp4"
    assert media.get("MIME_TYPE") == "video/mp4"


def test_eaf_of_a_camera_has_no_media() -> None:
    assert eaf(media="camera:0").find("HEADER/MEDIA_DESCRIPTOR") is None


def test_eaf_is_read_by_a_library_for_it(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi")
    write_episodes(tmp_path / "e.eaf", EPISODES, sources=["talk 1.mp4"], overwrite=False)
    found = pympi.Elan.Eaf(str(tmp_path / "e.eaf"))
    assert found.get_annotation_data_for_tier("face 1") == [
        (500, 3661040, "happiness"),
        (3661040, 3663000, "fear"),
    ]
    assert found.get_parameters_for_tier("face 1 apex")["PARENT_REF"] == "face 1"


def test_subtitles_are_cues_of_one_line() -> None:
    text = format_vtt(EPISODES)
    head, *cues = text.split("\n\n")
    assert head == "WEBVTT"
    assert [cue.rstrip("\n").split("\n") for cue in cues] == [
        ["1", "00:00:00.500 --> 01:01:01.040", "face 1: happiness (99 %)"],
        ["2", "00:00:00.500 --> 00:00:00.900", "face 2: =a&lt;b&gt; &amp; --&gt;  \"c' (70 %)"],
        ["3", "01:01:01.040 --> 01:01:03.000", "face 1: fear (61 %)"],
    ]
    assert format_vtt([]) == "WEBVTT\n"


def test_audacity_labels_are_three_columns() -> None:
    lines = format_audacity(EPISODES).splitlines()
    assert [line.split("\t") for line in lines] == [
        ["0.500000", "3661.040500", "face 1: happiness"],
        ["0.500000", "0.900000", "face 2: =a<b> & -->  \"c'"],
        ["3661.040500", "3663.000000", "face 1: fear"],
    ]


def test_table_has_every_field_and_no_formula() -> None:
    table = list(csv.DictReader(io.StringIO(format_csv(EPISODES), newline="")))
    assert table[0] == {
        "source": "talk 1.mp4",
        "face_id": "1",
        "label": "happiness",
        "onset_s": "0.500000",
        "apex_s": "1.250000",
        "offset_s": "3661.040500",
        "apex_frame": "31",
        "peak": "0.987000",
        "mean": "0.800000",
        "frames": "40",
    }
    assert table[1]["label"] == f"'{EVIL}"


@pytest.mark.parametrize("suffix", ["vtt", "eaf", "txt"])
def test_file_for_one_video_is_not_made_of_two(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(SinkError, match="would mix 2 inputs"):
        write_episodes(tmp_path / f"e.{suffix}", (), sources=["a", "b"], overwrite=False)
    write_episodes(tmp_path / "e.csv", (), sources=["a", "b"], overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["e.csv"]
