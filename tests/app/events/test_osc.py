"""Values reach a listener of OSC whole, under the addresses that are documented."""

import socket
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from app.actions.names import ACTION_NAMES, COEFFICIENTS
from app.actions.values import list_action_values
from app.errors import SinkError
from app.events.event import EventClock
from app.events.osc import OscSink
from app.events.osc_address import OscTarget, parse_osc_prefix, parse_osc_target
from app.events.osc_packet import MAX_BUNDLE_BYTES, encode_bundles, encode_time_tag
from app.types import UNSURE, FaceActions, FrameResult, Image, TrackedFace
from tests.support.receivers import Messages, osc_receiver, read_bundle, wait_until
from tests.support.synthetic import frame_result, tracked_face

CANVAS: Image = np.zeros((4, 4, 3), np.uint8)
ACTIONS = FaceActions(90.0, -5.0, 2.0, 0.5, 0.25, -0.25, dict.fromkeys(COEFFICIENTS, 0.5))


def send(*results: FrameResult, **settings: Any) -> list[Messages]:
    """What python-osc hears of each frame."""
    ends = [0]
    with osc_receiver() as server:
        sink = OscSink(f"127.0.0.1:{server.port}", **settings)
        for count, result in enumerate(results, 1):
            sink.write(result, CANVAS)
            wait_until(partial(lambda count: server.handled >= count, count))
            ends.append(len(server.messages))
        sink.close()
    return [server.messages[start:end] for start, end in pairwise(ends)]


def test_a_frame_is_one_bundle_of_floats_and_whole_numbers() -> None:
    (heard,) = send(frame_result(tracked_face(7), index=3, time_s=0.5))
    assert heard == [
        ("/found", (1,)),
        ("/frame", (3,)),
        ("/time", (0.5,)),
        ("/pose/position", (3.5, 8.125)),
        ("/pose/scale", (pytest.approx(0.30625),)),  # of a box of 10 x 12.25 px
        ("/face/1/found", (1,)),
        ("/face/1/id", (7,)),
        ("/face/1/label", (1,)),
        ("/face/1/score", (0.875,)),
        ("/face/1/box", (-1.5, 2.0, 10.0, 12.25)),
        ("/face/1/neutral", (0.25,)),
        ("/face/1/happy", (0.625,)),
        ("/face/1/label_", (0.125,)),  # a class of that name
    ]
    assert {type(value) for _, values in heard for value in values} == {int, float}


def test_a_person_keeps_the_place_and_an_empty_place_says_so() -> None:
    two, unsure = tracked_face(2), tracked_face(5, label=UNSURE)
    frames = send(
        frame_result(tracked_face(1), two),
        frame_result(two, index=1, time_s=0.1),
        frame_result(two, unsure, index=2, time_s=5),
        frame_result(index=3, time_s=5.1),
    )
    assert [
        {address: values[0] for address, values in heard if address.endswith(("found", "id"))}
        for heard in frames
    ] == [
        {"/found": 2, "/face/1/found": 1, "/face/1/id": 1, "/face/2/found": 1, "/face/2/id": 2},
        {"/found": 1, "/face/1/found": 0, "/face/2/found": 1, "/face/2/id": 2},
        {"/found": 2, "/face/1/found": 1, "/face/1/id": 5, "/face/2/found": 1, "/face/2/id": 2},
        {"/found": 0, "/face/1/found": 0, "/face/2/found": 0},
    ]
    assert ("/face/1/label", (-1,)) in frames[2]


def test_facial_actions_have_addresses_and_the_pose_of_faceosc() -> None:
    (heard,) = send(frame_result(replace(tracked_face(), actions=ACTIONS)))
    found = dict(heard)
    values = list_action_values(ACTIONS)
    for name, value in zip(ACTION_NAMES, values, strict=True):
        assert found[f"/face/1/actions/{name}"] == (pytest.approx(value),)
    assert found["/pose/orientation"] == pytest.approx((-0.0872665, 1.5707963, 0.0349066), abs=1e-6)


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        ("/", "/face/1/happy"),
        ("/me", "/me/face/1/happy"),
        ("/me/", "/me/face/1/happy"),
        ("/avatar/parameters/{name}", "/avatar/parameters/face_1_happy"),
        ("/a/{address}/b", "/a/face/1/happy/b"),
    ],
)
def test_a_prefix_begins_every_address(prefix: str, address: str) -> None:
    (heard,) = send(frame_result(tracked_face()), prefix=prefix)
    assert address in {found for found, _ in heard}


@pytest.mark.parametrize("immediately", [False, True])
def test_the_time_tag_is_the_moment_of_capture_unless_it_is_to_be_immediately(
    immediately: bool,
) -> None:
    clock = EventClock(monotonic=lambda: 100.25, utc=lambda: 1_700_000_000.5)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.settimeout(5)
    with receiver:
        target = OscTarget("127.0.0.1", receiver.getsockname()[1])
        sink = OscSink(target, immediately=immediately, clock=clock)
        result = frame_result(tracked_face())
        sink.write(replace(result, frame=replace(result.frame, captured_s=100.0)), CANVAS)
        filmed = receiver.recv(65_535)
        sink.write(result, CANVAS)
        from_file = receiver.recv(65_535)
        sink.close()
    assert filmed[8:16] == encode_time_tag(None if immediately else 1_700_000_000.25)
    assert ("/age_ms", [250.0]) in [(one.address, one.params) for one in read_bundle(filmed)]
    assert from_file[8:16] == (1).to_bytes(8, "big")  # immediately
    assert "/age_ms" not in {one.address for one in read_bundle(from_file)}


def test_a_frame_too_large_for_one_datagram_is_sent_in_several() -> None:
    messages = [(f"/face/{number}/happiness", (number / 8,)) for number in range(1000)]
    bundles = encode_bundles(encode_time_tag(None), messages)
    assert len(bundles) > 1
    assert max(map(len, bundles)) <= MAX_BUNDLE_BYTES
    read = [(one.address, tuple(one.params)) for part in bundles for one in read_bundle(part)]
    assert read == messages


def faces_of(count: int) -> list[TrackedFace]:
    return [replace(tracked_face(number), actions=ACTIONS) for number in range(1, count + 1)]


def test_a_crowd_beyond_the_places_is_left_out() -> None:
    (heard,) = send(frame_result(*faces_of(20)))
    assert ("/found", (20,)) in heard


def test_a_receiver_that_is_gone_is_said_once_and_taken_up_again() -> None:
    said: list[str] = []
    with osc_receiver() as server:
        port = server.port
    sink = OscSink(f"127.0.0.1:{port}", say=said.append)
    for index in range(6):
        sink.write(frame_result(index=index), CANVAS)
    gone = (
        f"The receiver of OSC at 127.0.0.1:{port}: nobody listens. Frames are sent again as soon "
        "as it is there."
    )
    assert said == [gone]
    with osc_receiver(port) as server:
        for index in range(6, 9):
            sink.write(frame_result(index=index), CANVAS)
        wait_until(lambda: server.handled >= 3)
        frames = [values for address, values in server.messages if address == "/frame"]
    assert frames == [(6,), (7,), (8,)]
    sink.close()
    sink.close()
    assert said[0] == gone
    assert said[1].startswith(f"The receiver of OSC at 127.0.0.1:{port} is back; ")
    assert len(said) == 2
    with pytest.raises(SinkError, match="is closed already"):
        sink.write(frame_result(), CANVAS)


@pytest.mark.parametrize(
    "text", ["", "9000", "host", "host:", "host:0", "host:65536", "host:x", "::1:9000", "a b:1"]
)
def test_a_target_without_a_host_or_a_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|a port is a number"):
        OscSink(text)


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert str(parse_osc_target("[::1]:9000")) == "[::1]:9000"


@pytest.mark.parametrize("text", ["", "me", "/a b", "/a#", "/{other}", "/ä"])
def test_a_prefix_that_cannot_begin_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no prefix"):
        OscSink("127.0.0.1:9", prefix=text)
    assert parse_osc_prefix("/{name}") == "/{name}"


def test_a_host_that_nobody_knows_is_refused() -> None:
    with pytest.raises(SinkError, match=r"the host nowhere\.invalid is not known"):
        OscSink("nowhere.invalid:9000")
