"""Codings as other programs write them."""

import os
import sys
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from app.codings.columns import find_column_meaning
from app.codings.frame_times import RecordFrameTimes
from app.codings.reader import Coding, ReadingRules, read_coding
from app.codings.times import NumberStyle, detect_number_style, parse_coded_time
from app.codings.tracks import Span, Track
from app.episodes.episode import Episode
from app.episodes.finder import EpisodeRules
from app.episodes.formats import format_audacity, format_csv, format_eaf
from app.errors import DataError
from app.records.schema import COLUMNS, FaceRecord, Record, list_fixed_columns

RULES = ReadingRules(episodes=EpisodeRules(min_s=0.2))
Found = tuple[float, float, str]
HAPPY_SAD: list[Found] = [(0.5, 2, "happiness"), (2, 3.5, "sadness")]
FRAMES = RecordFrameTimes(np.arange(10), np.arange(10) / 25)


def spans(*found: Found) -> tuple[Span, ...]:
    return tuple(Span(*one) for one in found)


def read(
    folder: Path,
    content: str | bytes,
    name: str = "h.csv",
    *,
    tiers: Sequence[str] = (),
    frames: RecordFrameTimes | None = None,
) -> Coding:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rules = ReadingRules(episodes=RULES.episodes, tiers=frozenset(tiers))
    return read_coding(path, rules, frames)


def only(found: Coding) -> Track:
    (track,) = found.tracks.values()
    return track


TABLES: dict[str, tuple[str | bytes, list[Found]]] = {
    "plain": ("onset_s,offset_s,label\n0.5,2,Happy\n2,3.5,sadness\n", HAPPY_SAD),
    "minutes": ("start;end;emotion\n0:00,5;0:02;joy\n", [(0.5, 2, "happiness")]),
    "hours": ("Begin\tEnd\tCode\n1:01:00\t1:01:02.5\tscared\n", [(3660, 3662.5, "fear")]),
    "points": ("time_s,label\n0,sad\n1,sad\n2,fear\n", [(0, 2, "sadness"), (2, 3, "fear")]),
    "points with a gap": ("time,label\n0,a\n1,a\n2,a\n9,a\n", [(0, 4.5, "a"), (9, 10, "a")]),
    "formula, byte order mark": ("\ufefflabel,time\n'=x,0\n\n", [(0, 1, "=x")]),
    "overlap of a millisecond": (
        "onset,offset,label\n0.5,2.001,happy\n2,3.5,sad\n",
        HAPPY_SAD,
    ),
    "overlap of 20 ms": ("onset,offset,label\n0.5,2.02,happy\n2,3.5,sad\n", HAPPY_SAD),
    "quoted line break, empty rows and columns": (
        'onset,offset,label,comment,,\n0.5,2,happy,"a\nb",,\n,,,,,\n2,3.5,sad,,,\n,,,see above,,\n',
        HAPPY_SAD,
    ),
    "Excel, sep=": ("sep=;\r\nstart;end;label\r\n0.5;2;happy\r\n2;3.5;sad\r\n", HAPPY_SAD),
    "Excel in German, Windows-1252": (
        "Beginn;Ende;Emotion;Präzision\r\n0,5;2,0;happy;\r\n2,0;3,5;sad;\r\n".encode("cp1252"),
        HAPPY_SAD,
    ),
    "words of other languages": (
        "inicio,onset,offset,label\n,0.5,2,FRO\u0308HLICH\n,2,3.5,tristeza\n",
        HAPPY_SAD,
    ),
    "Excel's Unicode text, UTF-16": (
        "start\tend\tlabel\r\n0,5\t2\thappy\r\n2\t3,5\tsad\r\n".encode("utf-16"),
        HAPPY_SAD,
    ),
    "UTF-16 without a mark": (
        "start\tend\tlabel\r\n0,5\t2\thappy\r\n2\t3,5\tsad\r\n".encode("utf-16-le"),
        HAPPY_SAD,
    ),
    "German thousands": (
        "start;end;label\n1.000,5;1.002;happy\n1.002;1.003,5;sad\n",
        [(1000.5, 1002, "happiness"), (1002, 1003.5, "sadness")],
    ),
    "English thousands": (
        'start,end,label\n"1,000.5","1,002",happy\n"1,002","1,003.5",sad\n',
        [(1000.5, 1002, "happiness"), (1002, 1003.5, "sadness")],
    ),
    "Swiss thousands": (
        "start,end,label\n1'000.5,1\u2019002,happy\n",
        [(1000.5, 1002, "happiness")],
    ),
    "pandas": (",start,end,label\n0,0.5,2,happy\n1,2,3.5,sad\n", HAPPY_SAD),
    "R, write.csv": (
        '"","start","end","label"\n"1",0.5,2,"happy"\n"2",2,3.5,"sad"\n"3",NA,NA,NA\n',
        HAPPY_SAD,
    ),
    "R, write.table": (
        '"start" "end" "label"\n"1" 0.5 2 "happy"\n"2" 2 3.5 "sad"\n',
        HAPPY_SAD,
    ),
    "SPSS": ("start;end;label\n,50;2,00;happy\n2,00;3,50;sad\n", HAPPY_SAD),
    "ELAN, a line a tier": (
        "face\t\t00:00:00.500\t0.5\t500\t00:00:02.000\t2.0\t2000\t00:00:01.500\t1.5\t1500\thappy\n"
        "face\t\t00:00:02.000\t2.0\t2000\t00:00:03.500\t3.5\t3500\t00:00:01.500\t1.5\t1500\tsad\n",
        HAPPY_SAD,
    ),
    "ELAN, below the file's path": (
        "#file:///C:/a.eaf\n"
        "face\tAnn\t0.500\t2.000\t1.500\thappy\nface\tAnn\t2.000\t3.500\t1.500\tsad\n",
        HAPPY_SAD,
    ),
    "ELAN, milliseconds alone": (
        "face\t\t500\t2000\t1500\thappy\nface\t\t2000\t3500\t1500\tsad\n",
        HAPPY_SAD,
    ),
    "ELAN, without lengths": (
        "face\tAnn\t0.500\t2.000\thappy\nface\tAnn\t2.000\t3.500\tsad\n",
        HAPPY_SAD,
    ),
    "ELAN, timecode and seconds": (
        "face\t\t00:00:00:12\t0.500\t00:00:02:00\t2.000\thappy\n"
        "face\t\t00:00:02:00\t2.000\t00:00:03:12\t3.500\tsad\n",
        HAPPY_SAD,
    ),
    "ELAN, a column a tier": (
        "Begin Time - hh:mm:ss.ms\tBegin Time - ss.msec\tEnd Time - hh:mm:ss.ms\tEnd Time - ss.msec"
        "\tDuration - hh:mm:ss.ms\tDuration - ss.msec\tface\n"
        "00:00:00.500\t0.500\t00:00:02.000\t2.000\t00:00:01.500\t1.500\thappy\n"
        "00:00:02.000\t2.000\t00:00:03.500\t3.500\t00:00:01.500\t1.500\tsad\n",
        HAPPY_SAD,
    ),
    "ELAN, msec": (
        "Tier\tBegin Time - msec\tEnd Time - msec\tAnnotation\n"
        "f\t500\t2000\thappy\nf\t2000\t3500\tsad\n",
        HAPPY_SAD,
    ),
    "Audacity": ("0.500000\t2.000000\thappy\n2.000000\t3.500000\tsad\n", HAPPY_SAD),
    "BORIS, aggregated": (
        "Observation id,Observation date,Media file,Total length,FPS,Subject,Behavior,"
        "Behavioral category,Behavior type,Start (s),Stop (s),Duration (s),Comment start\n"
        "o1,2026-01-01,a.mp4,4,25,Ann,happy,,STATE,0.5,2,1.5,\n"
        "o1,2026-01-01,a.mp4,4,25,Ann,sad,,STATE,2,3.5,1.5,\n",
        HAPPY_SAD,
    ),
    "BORIS, events below a block": (
        "Observation id\to1\n\nMedia file(s)\nPlayer #1\ta.mp4\n\nTime offset (s)\t0.0\n\n"
        "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\t"
        "Comment\tStatus\n"
        "0.5\ta.mp4\t4\t25\tAnn\thappy\t\t\tSTART\n2.0\ta.mp4\t4\t25\tAnn\thappy\t\t\tSTOP\n"
        "2.0\ta.mp4\t4\t25\tAnn\tsad\t\t\tSTART\n3.5\ta.mp4\t4\t25\tAnn\tsad\t\t\tSTOP\n",
        HAPPY_SAD,
    ),
    "BORIS, events": (
        "Observation id,Media duration (s),FPS,Subject,Behavior,Behavior type,Time,Media file name,"
        "Image index,Comment\n"
        "o1,4,25,Ann,happy,START,0.5,a.mp4,12,\no1,4,25,Ann,happy,STOP,2,a.mp4,50,\n"
        "o1,4,25,Ann,sad,START,2,a.mp4,50,\no1,4,25,Ann,sad,STOP,3.5,a.mp4,87,\n",
        HAPPY_SAD,
    ),
    "The Observer": (
        "Date_dmy;Time_Absolute_hms;Time_Relative_hmsf;Time_Relative_sf;Duration_sf;Observation;"
        "Subject;Behavior;Event_Type;Comment\r\n"
        "1.1.2026;10:00:00;00:00:00:12;0,50;1,50;o1;Ann;happy;State start;\r\n"
        "1.1.2026;10:00:02;00:00:02:00;2,00;0,00;o1;Ann;happy;State stop;\r\n"
        "1.1.2026;10:00:02;00:00:02:00;2,00;1,50;o1;Ann;sad;State start;\r\n"
        "1.1.2026;10:00:03;00:00:03:12;3,50;0,00;o1;Ann;sad;State stop;\r\n".encode("utf-16"),
        HAPPY_SAD,
    ),
    "units in a row of their own": (
        "Start;Stop;Behavior\nms;ms;\n500;2000;happy\n2000;3500;sad\n",
        HAPPY_SAD,
    ),
    "time and length": ("time;duration;label\n0,5;1,5;happy\n2;1,5;sad\n", HAPPY_SAD),
    "Datavyu": (
        "id.ordinal,id.onset,id.offset,face.ordinal,face.onset,face.offset,face.emotion\n"
        "1,0,3500,1,500,2000,happy\n,,,2,2000,3500,sad\n",
        HAPPY_SAD,
    ),
    "FaceReader, states": (
        "Video analysis state log\nFilename:\tC:\\a.mp4\nFrame rate:\t2\n\nVideo Time\tEmotion\n"
        "00:00:00.500\tHappy\n00:00:01.000\tHappy\n00:00:01.500\tHappy\n00:00:02.000\tSad\n",
        [(0.5, 2, "happiness"), (2, 2.5, "sadness")],
    ),
    "FaceReader, details": (
        "Video analysis detailed log\nFace Model:\tGeneral\nFrame rate:\t2\n\n"
        "Video Time\tNeutral\tHappy\tSad\tAngry\tValence\n"
        "00:00:00.500\t0.1\t0.8\t0.1\t0\t0.7\n00:00:01.000\t0.1\t0.8\t0.1\t0\t0.7\n"
        "00:00:01.500\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\n"
        "00:00:02.000\t0.1\t0.1\t0.8\t0\t-0.7\n00:00:02.500\tFIT_FAILED\t\t\t\t\n",
        [(0.5, 1.5, "happiness"), (1.5, 2, ""), (2, 2.5, "sadness"), (2.5, 3, "")],
    ),
    "iMotions, Affectiva": (
        "#HEADER,\nStudy name,s\nTimestamp (ms),Anger,Joy,Smile,Sadness,Engagement\n"
        "0,0.1,98.5,99.5,0.1,50\n500,0.1,98.5,99.5,0.1,50\n1000,0.1,2,3,60.5,50\n",
        [(0, 1, "happiness"), (1, 1.5, "sadness")],
    ),
    "columns of noughts and ones": (
        "second;happy;sad;angry\n0;1;0;0\n1;0;1;0\n2;0;0;0\n",
        [(0, 1, "happiness"), (1, 2, "sadness"), (2, 3, "")],
    ),
    "columns with crosses": (
        "time,happy,sad,fear\n0,x,,\n1,,X,\n2,,,\n",
        [(0, 1, "happiness"), (1, 2, "sadness"), (2, 3, "")],
    ),
    "OpenFace with labels": (
        "frame, face_id, timestamp, confidence, success, label\n"
        "1, 0, 0.000, 0.98, 1, happy\n2, 0, 0.500, 0.98, 1, sad\n",
        [(0, 0.5, "happiness"), (0.5, 1, "sadness")],
    ),
    "R, write.csv without quotes": (
        "start,end,label\n1,0.5,2,happy\n2,2,3.5,sad\n",
        HAPPY_SAD,
    ),
    "milliseconds with decimals": (
        "onset (ms);offset (ms);label\n500.000;2000.000;happy\n2000.000;3500.000;sad\n",
        HAPPY_SAD,
    ),
    "minutes and seconds of the same times": (
        "min;sec;label\n0;0;happy\n0,5;30;sad\n",
        [(0, 30, "happiness"), (30, 60, "sadness")],
    ),
    "a label left open": (
        "onset,offset,label\n0.5,2,happy\n2,3.5,\n",
        [(0.5, 2, "happiness"), (2, 3.5, "")],
    ),
    "units in cells": ("start,end,label\n500 ms,2 s,happy\n2 s,3.5 s,sad\n", HAPPY_SAD),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_as_programs_and_people_write_them(tmp_path: Path, name: str) -> None:
    content, expected = TABLES[name]
    found = only(read(tmp_path, content))
    assert [(s.onset_s, s.offset_s, s.label) for s in found.spans] == [
        (pytest.approx(onset), pytest.approx(offset), label) for onset, offset, label in expected
    ]
    assert [one.label for one in found.episodes] == [label for *_, label in expected if label]


EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00Z" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2000"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="2000"/><TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="3500"/>
</TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="e" PARTICIPANT="Ann" TIER_ID="face">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>happy</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE>sad</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER LINGUISTIC_TYPE_REF="n" PARENT_REF="face" PARTICIPANT="Ann" TIER_ID="notes">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">
<ANNOTATION_VALUE>sure</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>
"""
LONG_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 4
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "face"
        xmin = 0
        xmax = 4
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 2
            text = "happy"
        intervals [3]:
            xmin = 2
            xmax = 3.5
            text = "sad"
"""
SHORT_GRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
4
<exists>
1
"IntervalTier"
"face"
0
4
2
0.5
2
"happy"
2
3.5
"sad"
"""
ANVIL = """<?xml version="1.0" encoding="ISO-8859-1"?>
<annotation><head/><body><track name="face" type="primary">
<el index="0" start="0.5" end="2"><attribute name="type">happy</attribute></el>
<el index="1" start="2" end="3.5"><attribute name="type">sad</attribute></el>
</track></body></annotation>
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("h.eaf", EAF.encode()),
        ("h.TextGrid", LONG_GRID.encode()),
        ("h.TextGrid", LONG_GRID.encode("utf-16")),
        ("h.TextGrid", SHORT_GRID.encode("utf-16-be").join([b"\xfe\xff", b""])),
        ("h.anvil", ANVIL.encode("latin-1")),
    ],
)
def test_tiers_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    assert only(read(tmp_path, content, name)).spans == spans(*HAPPY_SAD)


@pytest.mark.filterwarnings("ignore:codecs.open:DeprecationWarning")  # pympi on Python 3.14
@pytest.mark.parametrize("suffix", ["eaf", "TextGrid"])
def test_tiers_of_an_independent_writer_are_read(tmp_path: Path, suffix: str) -> None:
    pympi = pytest.importorskip("pympi")
    eaf = pympi.Elan.Eaf()
    eaf.remove_tier("default")
    eaf.add_tier("face")
    eaf.add_annotation("face", 500, 2000, 'happy "or" so')
    eaf.add_annotation("face", 2000, 3500, "sad")
    path = tmp_path / f"h.{suffix}"
    if suffix == "eaf":
        eaf.to_file(str(path))
    else:
        eaf.to_textgrid().to_file(str(path))
    found = only(read_coding(path, RULES)).spans
    assert found == spans((0.5, 2, 'happy "or" so'), (2, 3.5, "sadness"))


def test_episodes_come_back(tmp_path: Path) -> None:
    """As after a coder has gone over what `app.episodes` wrote."""
    episodes = [
        Episode("a.mp4", 3, "happy", 0.5, 1.0, 2.0, 25, 0.9, 0.8, 40),
        Episode("a.mp4", 3, "sad", 2.0, 3.0, 3.5, 75, 0.9, 0.8, 40),
    ]
    text = format_eaf(episodes, media="a.mp4")
    found = read(tmp_path, text, "h.eaf")
    assert found.tracks["face 3"].spans == spans(*HAPPY_SAD)
    assert only(read(tmp_path, format_csv(episodes))).spans == spans(*HAPPY_SAD)
    found = read(tmp_path, format_audacity(episodes), "h.txt")
    assert found.tracks["face 3"].spans == spans(*HAPPY_SAD)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("h.eaf", EAF[:700], "is damaged or no .eaf file"),
        ("h.eaf", EAF.replace('TIME_SLOT_REF1="ts1"', ""), "'TIME_SLOT_REF1' is missing"),
        ("h.eaf", ANVIL, "it is not of ELAN"),
        ("h.textgrid", LONG_GRID[:300], "it ends early"),
        (
            "h.textgrid",
            LONG_GRID.replace("= 3.5", "= 1.5"),
            "'sad' of 'face' lasts from 2 to 1.5 s",
        ),
        ("h.textgrid", LONG_GRID.replace("size = 3", "size = 1e999"), "is damaged or no"),
        ("h.eaf", EAF.replace('"3500"', f'"{"9" * 400}"'), "is damaged or no"),
        ("h.eaf", EAF.replace("milliseconds", "PAL-frames"), "its times are PAL-frames"),
        ("h.textgrid", "intervals", "it is not of Praat"),
        ("h.anvil", EAF, "it is not of Anvil"),
    ],
)
def test_tiers_that_are_damaged_are_one_clear_line(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content, name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_times_in_elan_count_from_the_begin_of_the_video(tmp_path: Path) -> None:
    media = (
        '<MEDIA_DESCRIPTOR MEDIA_URL="a.mp4" MIME_TYPE="video/mp4" TIME_ORIGIN="1500"/></HEADER>'
    )
    text = EAF.replace('TIME_UNITS="milliseconds"/>', f'TIME_UNITS="milliseconds">{media}')
    assert only(read(tmp_path, text, "h.eaf")).spans[0].onset_s == 2.0


def test_parts_of_a_span_that_elan_did_not_align_share_it_evenly(tmp_path: Path) -> None:
    text = EAF.replace('"ts2" TIME_VALUE="2000"', '"ts2"').replace('"ts3" TIME_VALUE="2000"', '"x"')
    text = text.replace('REF1="ts3"', 'REF1="ts2"')
    assert only(read(tmp_path, text, "h.eaf")).spans == spans(*HAPPY_SAD)


TWO_TIERS = "gaze\t\t0.5\t1.5\tleft\nface\t\t0.5\t2.0\thappy\nface\t\t2.0\t3.5\tsad\n"


def test_each_tier_is_somebody_unless_one_is_named(tmp_path: Path) -> None:
    assert list(read(tmp_path, TWO_TIERS).tracks) == ["gaze", "face"]
    found = read(tmp_path, TWO_TIERS, tiers=["Face"])
    assert only(found).spans == spans(*HAPPY_SAD)
    with pytest.raises(DataError, match=r"has no tier 'mouth'\. Its tiers are face, gaze"):
        read(tmp_path, TWO_TIERS, tiers=["mouth"])
    text = EAF.replace("</ANNOTATION_DOCUMENT>", "")
    two = text + text[text.index("<TIER") :].replace('"face"', '"gaze"') + "</ANNOTATION_DOCUMENT>"
    assert list(read(tmp_path, two, "h.eaf").tracks) == ["face", "gaze"]  # both are of Ann
    assert list(read(tmp_path, two, "h.eaf", tiers=["gaze"]).tracks) == ["Ann"]


def test_any_column_may_be_named_as_the_one_with_labels(tmp_path: Path) -> None:
    text = "start,end,label,coder 2\n0,1,sad,sad\n1,2,sad,joy\n"
    found = read(tmp_path, text, tiers=["coder 2"])
    assert only(found).spans == spans((0, 1, "sadness"), (1, 2, "happiness"))
    with pytest.raises(DataError, match="its columns are start, end, label, coder 2"):
        read(tmp_path, text, tiers=["coder 3"])


def test_numbers_of_faces_stay_whole(tmp_path: Path) -> None:
    found = read(tmp_path, "time,face_id,label\n0,1.0,a\n0,2.0,b\n1,1.0,a\n")
    assert list(found.tracks) == ["1", "2"]


def test_a_category_of_behaviour_is_a_tier(tmp_path: Path) -> None:
    text = (
        "Subject,Behavior,Behavioral category,Behavior type,Start (s),Stop (s)\n"
        "Ann,happy,Face,STATE,0.5,2\nAnn,speaks,Voice,STATE,1,3\nAnn,sad,Face,STATE,2,3.5\n"
    )
    assert only(read(tmp_path, text, tiers=["face"])).spans == spans(*HAPPY_SAD)
    with pytest.raises(DataError, match="until 2 s overlaps speaks from 1 s"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("onset,offset,label,label\n0,1,a,b\n", "'label'"),
        ("onset,offset,label,emotion\n0,1,a,b\n", "'emotion'"),
        ("Start,End,Label,Start,End,Label\n0,1,a,0,2,b\n", "'Start', 'End', 'Label'"),
    ],
)
def test_second_columns_of_labels_are_noted(tmp_path: Path, text: str, names: str) -> None:
    found = read(tmp_path, text)
    assert only(found).spans == spans((0, 1, "a"))
    assert f"not read: {names}. " in found.notes[0]


def test_other_columns_are_no_reason_for_a_note(tmp_path: Path) -> None:
    for content, _ in TABLES.values():
        assert not [one for one in read(tmp_path, content).notes if "not read" in one]
    text = "onset,offset,label,emotion\n0,1,a,b\n"
    assert read(tmp_path, text, tiers=["emotion"]).notes == ()
    assert read(tmp_path, text.replace(",b", ",")).notes == ()


RECORDS = (
    "source,frame,time_s,face_id,x,y,width,height,det_score,label,reason,calm,raw_calm,"
    + ",".join(list_fixed_columns(with_actions=False)[len(COLUMNS) :])
    + "\n"
)
RECORDS += "a.mp4,0,0.0,1,0,0,9,9,0.9,calm,,1.0,1.0" + "," * (RECORDS.count(",") - 12) + "\n"


def test_records_are_told_from_codings(tmp_path: Path) -> None:
    for text in (RECORDS, "\ufeff" + RECORDS, RECORDS.replace("frame", '"frame"', 1)):
        assert read(tmp_path, text).labels == {"calm"}
    coding = "source,frame,time_s,face_id,label\na.mp4,0,0.0,1,calm\n"  # some columns of records
    assert read(tmp_path, coding).frames is None


@pytest.mark.parametrize(
    "content",
    [
        RECORDS.replace(",", ";"),
        "sep=,\n" + RECORDS,
        RECORDS.encode("utf-16"),
        RECORDS.replace("frame,time_s", "time_s,frame"),
        RECORDS.replace(",reason", "").replace("calm,,", "calm,"),
        '"",' + RECORDS.replace("\na.mp4", '\n"1",a.mp4'),
    ],
)
def test_records_that_another_program_saved_are_one_clear_line(
    tmp_path: Path, content: str | bytes
) -> None:
    with pytest.raises(DataError, match="has the columns of records, but not as --records writes"):
        read(tmp_path, content)


def test_rows_of_records_take_little_memory(tmp_path: Path) -> None:
    """What stays of a row: its frame, its time and the number of its label, some of it twice."""
    row = '{"source": "a", "frame": %d, "time_s": %d, "face_id": 1, "x": 0, "y": 0, "width": 9, '
    row += '"height": 9, "det_score": 1, "label": "a", "probabilities": {"a": 1}}\n'
    peaks = []
    for count in (500, 2500):
        (tmp_path / "r.jsonl").write_text("".join(row % (n, n) for n in range(count)))
        tracemalloc.start()
        read_coding(tmp_path / "r.jsonl", RULES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 2000 * 100


def test_points_and_spans_in_one_table_are_told_apart(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "Subject,Behavior,Behavior type,Start (s),Stop (s),Duration (s)\n"
        "Ann,happy,STATE,0.5,2,1.5\nAnn,blink,POINT,1,1,NA\nAnn,sad,STATE,2,3.5,1.5\n",
    )
    assert only(found).spans == spans(*HAPPY_SAD)
    assert "1 of" in found.warnings[0]
    assert "points without a length" in found.warnings[0]


def test_points_of_audacity_are_left_out_beside_spans(tmp_path: Path) -> None:
    found = read(tmp_path, "0.5\t2.0\thappy\n2.0\t2.0\tclap\n2.0\t3.5\tsad\n", "h.txt")
    assert only(found).spans == spans(*HAPPY_SAD)
    assert "1 of" in found.warnings[0]
    points = only(read(tmp_path, "0.5\t0.5\thappy\n1.0\t1.0\tsad\n", "h.txt"))
    assert points.instants is not None
    assert points.instants.tolist() == [0.5, 1.0]


def test_events_without_an_end_are_counted(tmp_path: Path) -> None:
    text = "Time,Behavior,Status\n0.5,happy,START\n2,happy,STOP\n2,sad,START\n3,fear,STOP\n"
    found = read(tmp_path, text)
    assert only(found).spans == spans((0.5, 2, "happiness"))
    assert "2 of" in found.warnings[0]
    assert "events lack their begin or end" in found.warnings[0]


def test_rows_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    found = read(tmp_path, "time,label\n0,a\n1,\n2,NA\n3,b\n")
    assert only(found).spans == spans((0, 1, "a"), (1, 3, ""), (3, 4, "b"))
    assert only(found).episodes == spans((0, 1, "a"), (3, 4, "b"))
    assert "2 of" in found.notes[0]
    assert "have no label" in found.notes[0]


def test_frames_are_counted_by_the_times_of_the_records(tmp_path: Path) -> None:
    found = only(read(tmp_path, "frame,label\n0,a\n5.0,b\n", frames=FRAMES))
    assert found.instants is not None
    assert found.instants.tolist() == [0.0, 0.2]
    # The last frame of a span belongs to it.
    text = "OnsetFrame,OffsetFrame,label\n0,4,a\n5,9,b\n"
    found = only(read(tmp_path, text, frames=FRAMES))
    assert [one.offset_s for one in found.spans] == pytest.approx([0.2, 0.4])


def test_a_span_that_ends_with_the_frame_before_it_is_no_point(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: it ends before it begins"):
        read(tmp_path, "OnsetFrame,OffsetFrame,label\n5,4,a\n", frames=FRAMES)


def test_frames_go_before_rounded_times(tmp_path: Path) -> None:
    """As py-feat writes scores, with times to the second."""
    text = "FaceScore,anger,happiness,neutral,frame,approx_time\n.9,0,.9,.1,0,00:00\n"
    text += ".9,.1,.1,.8,5,00:00\n"
    found = only(read(tmp_path, text, frames=FRAMES))
    assert found.spans == spans((0, 0.2, "happiness"), (0.2, 0.4, "neutral"))


def test_coders_may_end_a_span_with_the_frame_that_begins_the_next(tmp_path: Path) -> None:
    text = "start_frame,end_frame,label\n0,5,a\n5,10,b\n"
    found = only(read(tmp_path, text, frames=FRAMES))
    assert found.spans == spans((0, 0.2, "a"), (0.2, pytest.approx(0.4), "b"))


def test_frames_that_the_records_left_out_lie_between_others(tmp_path: Path) -> None:
    every_fifth = RecordFrameTimes(np.arange(0, 50, 5), np.arange(0, 50, 5) / 25)
    found = only(read(tmp_path, "frame,label\n0,a\n12,b\n", frames=every_fifth))
    assert found.instants is not None
    assert found.instants.tolist() == [0.0, pytest.approx(0.48)]


@pytest.mark.parametrize(
    ("frame", "time_s", "end_s"),
    [
        (4, 0.16, 0.2),
        (45, 1.8, 2.0),  # the last frame of the records stands for all frames up to the end
        (46, 1.84, 1.88),
        (49, 1.96, 2.0),
        (50, None, 2.0),  # as an end that does not belong to the span
        (51, None, None),
    ],
)
def test_frames_after_the_last_of_records_are_of_its_step(
    frame: int, time_s: float | None, end_s: float | None
) -> None:
    every_fifth = RecordFrameTimes(np.arange(0, 50, 5), np.arange(0, 50, 5) / 25)
    for find, expected in ((every_fifth.find_time, time_s), (every_fifth.find_end, end_s)):
        if expected is None:
            with pytest.raises(ValueError, match=f"frame {frame}, and the records are of 0 to 45"):
                find(frame)
        else:
            assert find(frame) == pytest.approx(expected)


def test_a_frame_that_is_refused_is_named_as_its_line_has_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: it is of frame 12, and the records are of 0 to 9"):
        read(tmp_path, "OnsetFrame,OffsetFrame,label\n0,12,a\n", frames=FRAMES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a header with label, and onset and offset, or time, or frame. It is empty."),
        (
            "label\na\n",
            "needs a header with label, and onset and offset, or time, or frame. Its fi",
        ),
        ("onset,label\n1,a\n", "Its first line is 'onset,label'"),
        ("frame, timestamp, AU01_r\n1, 0.0, 0.5\n", "needs a header with label"),
        ("onset,offset,label\n2,1,a\n", "line 2: it ends before it begins"),
        ("onset,offset,label\nsoon,1,a\n", "line 2: 'soon' is not a time"),
        ("onset,offset,label\n-1,1,a\n", "line 2: '-1' is no time from the beginning"),
        ("onset,offset,label\n1_0,11,a\n", "line 2: '1_0' is not a time"),
        ("onset,offset,label\n,1,a\n", "line 2: a time is missing"),
        ("onset,offset,label\n0,2,a\n1,3,b\n", "a until 2 s overlaps b from 1 s"),
        ("onset,offset,label\n0,2.03,a\n2,3,b\n", "a until 2.03 s overlaps b from 2 s"),
        ("onset,offset,label\n0,0:61,a\n", "with minutes and seconds below 60"),
        ("onset,offset,label\n0,00:00:02:12,a\n", "line 2: '00:00:02:12' is a timecode"),
        ("onset,offset,label\n0,00:00:02;12,a\n", "is a timecode whose last part counts frames"),
        ('onset,offset,label\n0,"2,500",a\n', "a comma before three digits"),
        ("Time (ms);label\n500;a\n1.500;b\n", "its milliseconds have a mark before three digits"),
        ("onset_ms;offset_ms;label\n1,000;3,000;a\n", "its milliseconds have a mark before three"),
        ("time_s,label\n0,5,a\n1,5,b\n", "has rows with 3 cells below a header of 2"),
        ("time_s,label\n1,5,a\n2,5,b\n", "If a comma stands within numbers, save the table with"),
        ("time_s,label\n0,a\n0,5,b\n", "line 3: it has 3 cells, and the header 2"),
        ("onset,offset,label\n0,5,1,5,a\n", "line 2: it has 5 cells, and the header 3"),
        ("min,sec,label\n0,40,a\n1,10,b\n", "minutes in the column 'min' and seconds in 'sec'"),
        ("onset min;onset s;end min;end s;label\n0;4;1;5;a\n", "the column 'end min'"),
        ("time,label\n0,a\n0,b\n", "line 3: it gives a second label"),
        ("time,label\nnan,a\n", "line 2: 'nan' is not a time"),
        ("time,label\n1e300,a\n", "is no time from the beginning"),
        ("frame,label\n0,a\n", "line 2: it counts frames, so the other file must be records"),
        ("frame,label\nx,a\n", "line 2: 'x' is not the number of a frame"),
        ("time,label,video\n0,a,x.mp4\n1,a,y.mp4\n", "is of 2 videos"),
        ("Time,Behavior,Status\n0,a,START\n1,a,START\n", "'a' begins a second time before it ends"),
        ('time,label\n0,"a\n', "unexpected end of data"),
    ],
)
def test_tables_that_cannot_be_are_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "h.csv"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "h.xlsx",
            b"PK\x03\x04rest",
            "is an Excel workbook, which is not read here; save the sheet",
        ),
        ("h.csv", b"PK\x03\x04rest", "is a workbook or another packed file"),
        ("h.xls", b"\xd0\xcf\x11\xe0\xa1", "is an old Excel workbook"),
        ("h.sav", b"$FL2@(#) SPSS", "is an SPSS file, which is not read here; in SPSS, choose"),
        ("h.opf", b"PK\x03\x04rest", "is a Datavyu spreadsheet"),
        ("h.boris", b'{"observations": {}}', "is a BORIS project"),
        ("h.ods", b"PK\x03\x04rest", "is a LibreOffice sheet"),
        ("h.csv", b"<!doctype html><html>", "is a web page"),
        ("h.jpg", b"\xff\xd8\xff\xe0\x00", "is a picture, which is not read here; give a table"),
        ("h.mp4", b"\x00\x00\x00\x20ftypisom", "is a video"),
        ("h.TextGrid", b"ooBinaryFile\x08TextGrid", "is a binary Praat file, which is not read"),
        ("h.csv", b"\x00\x01\x02\x03", "is no text"),
        ("h.csv", b"\xff\xfea\x00b", "is no text, or cut within it"),
    ],
)
def test_files_of_other_kinds_are_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, content, name)
    assert message in str(caught.value)


def test_text_is_read_whatever_its_name(tmp_path: Path) -> None:
    text = "start\tend\tlabel\n0.5\t2\thappy\n2\t3.5\tsad\n"
    for name, content in (
        ("h.xls", text.encode()),
        ("h", text.encode()),
        ("h.xls", text.encode("utf-16")),
    ):
        assert only(read(tmp_path, content, name)).spans == spans(*HAPPY_SAD)


def test_files_that_are_not_there_are_one_clear_line(tmp_path: Path) -> None:
    for name in ("missing.csv", "missing.eaf", "missing.jsonl"):
        with pytest.raises(DataError, match=name):
            read_coding(tmp_path / name, RULES)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv is a folder\. Give a file with labels\."):
        read_coding(tmp_path / "folder.csv", RULES)


@pytest.mark.skipif(sys.platform == "win32", reason="makes named pipes")
@pytest.mark.parametrize("name", ["h.csv", "h.eaf", "h.TextGrid", "h.jsonl", "h"])
def test_a_named_pipe_is_one_clear_line(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=f"{name} is no regular file"):
        read_coding(tmp_path / name, RULES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Start (s)", ("onset", "s")),
        ("Stop (s)", ("offset", "s")),
        ("Begin Time - ss.msec", ("onset", "s")),
        ("End Time - hh:mm:ss.ms", ("offset", "clock")),
        ("Begin Time - hh:mm:ss:ff PAL", ("onset", "timecode")),
        ("onset_ms", ("onset", "ms")),
        ("OnsetFrame", ("onset", "frame")),
        (" timestamp", ("time", None)),
        ("Time_Relative_sf", ("time", "s")),
        ("Behavior", ("label", None)),
        ("Image index start", None),
        ("Media duration (s)", None),
    ],
)
def test_columns_are_known_by_name(name: str, expected: tuple[str, str | None] | None) -> None:
    found = find_column_meaning(name)
    assert (found and (found.kind, found.unit)) == expected


@pytest.mark.parametrize(
    ("cells", "comma_parts_cells", "expected"),
    [
        (["1.5", "2"], True, (".", "")),
        (["1,5", "2"], False, (",", "")),
        (["2,500", "0,5"], True, (",", "")),
        (["2,500"], False, (",", "")),
        (["1.234,5", "2"], False, (",", ".")),
        (["1,234.5"], True, (".", ",")),
        (["1,234,567"], True, (".", ",")),
        (["0,5", "1.250"], False, (",", ".")),
        (["00:00:01,500", "2.5"], False, (".", "")),
    ],
)
def test_decimal_marks_are_told_by_all_numbers(
    cells: list[str], comma_parts_cells: bool, expected: tuple[str, str]
) -> None:
    assert detect_number_style(cells, comma_parts_cells=comma_parts_cells) == NumberStyle(*expected)


def test_clocks_may_have_a_comma() -> None:
    assert parse_coded_time("00:01:02,5", None, NumberStyle()) == 62.5


def test_records_of_a_face_say_nothing_where_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = FaceRecord(3, (0, 0, 9, 9), 0.9, "a", None, {"a": 1.0})

    class Reader(list[Record]):
        is_cut_short = False

    records = Reader(Record("v", n, n / 10, face if n != 2 else None) for n in range(5))
    monkeypatch.setattr("app.codings.reader.RecordsReader", lambda path: records)
    found = read_coding(tmp_path / "r.jsonl", RULES)
    said = found.tracks["3"].numbers_at(
        np.array([0.0, 0.15, 0.25, 0.35, 0.6]), {"a": 0, "none": 1}, "none"
    )
    assert said.tolist() == [0, 0, -1, 0, -1]
    assert found.labels == {"a"}
