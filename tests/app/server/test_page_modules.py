"""The page's own arithmetic, run in a real browser: places, colours, sizes, and the cover."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import app
from app.overlay.palette import COLOURS, choose_ink
from app.overlay.text import WHITE, choose_text_px
from tests.support.browser import needs_browser

pytestmark = [needs_browser, pytest.mark.slow]
STATIC = Path(app.__file__).parent / "server" / "static"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Runs the body of an async function in which `load("name.js")` gives a module."""
    from tests.support.chromium_page import ChromiumPage

    handler = functools.partial(Quiet, directory=str(STATIC))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ChromiumPage(tmp_path_factory.mktemp("profile") / "p") as page:
            page.open(f"http://127.0.0.1:{server.server_port}/icon.svg")
            page.wait_for("location.protocol === 'http:'")

            def run_body(body: str) -> Any:
                return page.run(
                    f"(async () => {{ const load = (n) => import('/' + n); {body} }})()"
                )

            yield run_body
        server.shutdown()


def test_ink_and_sizes_are_those_of_the_window(run: Any) -> None:
    colours = {f"#{r:02x}{g:02x}{b:02x}": (b, g, r) for b, g, r in COLOURS.values()}
    script = "const m = await load('colours.js'); return {}.map((one) => m.chooseInk(one));"
    inks = run(script.format(json.dumps(list(colours))))
    assert [ink == "#ffffff" for ink in inks] == [
        choose_ink(colour) == WHITE for colour in colours.values()
    ]
    sizes = [(640, 480), (1280, 720), (360, 270), (270, 480)]
    script = "const m = await load('forms.js'); return {}.map((wh) => m.chooseTextPx(...wh));"
    assert run(script.format(json.dumps(sizes))) == [choose_text_px(*size) for size in sizes]


def test_an_unsure_face_has_no_expressions_colour(run: Any) -> None:
    assert run(
        """const m = await load('colours.js'); const table = {calm: '#010203', unsure: '#e1e1e1'};
        return [{label: 'calm', reason: null}, {label: 'unsure', reason: 'dark'},
          {label: 'new', reason: null}].map((face) => m.chooseFaceColour(face, table));"""
    ) == ["#010203", "#e1e1e1", "#e1e1e1"]


def test_the_maps_colours_are_those_of_the_window(run: Any) -> None:
    levels = [0, 20, 64, 128, 190, 255]
    script = (
        "const m = await load('evidence.js'); return {}.map((n) => m.chooseMapColour(n / 255));"
    )
    ours = np.array(run(script.format(levels)))
    window = cv2.applyColorMap(np.array([levels], np.uint8), cv2.COLORMAP_INFERNO)[0, :, ::-1]
    assert np.abs(ours - window.astype(int)).max() <= 10


def test_an_enlarged_map_is_that_of_the_window(run: Any) -> None:
    weights = np.random.default_rng(3).integers(0, 256, (7, 7)).astype(np.uint8)
    script = "const m = await load('evidence.js'); return [...m.enlarge({}, 7, 7)];"
    fine = np.array(run(script.format(weights.ravel().tolist()))).reshape(96, 96)
    wanted = cv2.resize(weights / np.float32(255), (96, 96), interpolation=cv2.INTER_CUBIC)
    edge = np.minimum(1.0, 6 * (0.5 - np.abs((np.arange(96) + 0.5) / 96 - 0.5)))
    assert np.abs(fine - np.clip(wanted, 0, 1) * np.outer(edge, edge)).max() < 1e-5


def test_the_way_back_from_a_map_to_the_picture(run: Any) -> None:
    matrix = [0.01, 0.002, -1.5, -0.003, 0.02, 0.25]
    back = run(f"const m = await load('evidence.js'); return m.invert({matrix});")
    there, here = (np.vstack([np.reshape(one, (2, 3)), [0, 0, 1]]) for one in (matrix, back))
    assert np.abs(there @ here - np.eye(3)).max() < 1e-9
    assert run("const m = await load('evidence.js'); return m.invert([1, 2, 0, 2, 4, 0]);") is None


HISTORY = """const m = await load('history.js'); const h = new m.History();
  const probabilities = {a: .7, b: .3};
  const face = (label, reason = null) => [{face_id: 1, label, reason, probabilities}];
  const runs = () => { const s = h.getStrip(1); if (!s) return null; const out = [];
    for (const one of s.classes) { if (out.at(-1)?.[0] === one) out.at(-1)[1] += 1;
      else out.push([one, 1]); } return out; };"""


@pytest.mark.parametrize(
    ("what", "steps"),
    [
        # readings at 10 s and 11 s: the first holds for the four steps between them
        ("h.add(face('a'), L, 10); h.add(face('b'), L, 11);", [[-2, 235], [0, 4], [1, 1]]),
        # a label holds for two seconds at most
        (
            "h.add(face('a'), L, 10); h.add(face('a'), L, 15);",
            [[-2, 219], [0, 9], [-2, 11], [0, 1]],
        ),
        ("h.add(face('unsure', 'dark'), L, 5);", [[-2, 239], [-1, 1]]),
        # gone after a second: the strip moves on
        (
            "h.add(face('a'), L, 10); h.add([], L, 11); h.add([], L, 12);",
            [[-2, 231], [0, 4], [-2, 5]],
        ),
        # time that runs backwards forgets
        ("h.add(face('a'), L, 50); h.add(face('b'), L, 1);", [[-2, 239], [1, 1]]),
        ("h.add(face('a'), L, 1); h.add([], L, 90);", None),
        ("h.add(face('a'), L, 0);", [[-2, 239], [0, 1]]),
    ],
)
def test_the_last_minute(run: Any, what: str, steps: object) -> None:
    assert run(f"{HISTORY} const L = ['a', 'b']; {what} return runs();") == steps


PLACE = """const m = await load('placement.js'); const size = {width: 640, height: 480};
  const face = (id, x, y, side) => ({id, box: {x, y, width: side, height: side},
    labels: [{width: 120, height: 22}, {width: 70, height: 22}],
    panels: [{width: 180, height: 190}, {width: 180, height: 160}, {width: 150, height: 60}]});
  const place = (faces, t = 0, p = new m.Placer(), reserved = []) =>
    [...p.place(size, faces, t, reserved)].map(([id, one]) => ({id, ...one}));"""


def shares_px(a: dict[str, float], b: dict[str, float]) -> bool:
    wide = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
    high = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
    return wide > 0 and high > 0


@pytest.mark.parametrize("seed", range(6))
def test_texts_cover_no_face_and_no_other_text(run: Any, seed: int) -> None:
    chance = np.random.default_rng(seed)
    faces = [
        (at + 1, *chance.integers(0, (520, 380)).tolist(), int(chance.integers(50, 140)))
        for at in range(4)
    ]
    made = ",".join(f"face({at},{x},{y},{side})" for at, x, y, side in faces)
    placed = run(f"{PLACE} return place([{made}]);")
    inner = [
        {"x": x + 0.14 * s, "y": y + 0.18 * s, "width": 0.72 * s, "height": 0.72 * s}
        for _, x, y, s in faces
    ]
    texts = [one[kind]["rect"] for one in placed for kind in ("label", "panel") if one[kind]]
    assert sum(one["label"] is not None for one in placed) >= 3
    for at, text in enumerate(texts):
        assert 0 <= text["x"] <= 640 - text["width"]
        assert 0 <= text["y"] <= 480 - text["height"]
        assert not any(shares_px(text, other) for other in texts[:at])
    for one in placed:
        if one["panel"]:
            assert not any(shares_px(one["panel"]["rect"], face) for face in inner)


def test_a_face_in_the_middle_has_its_label_above_and_its_panel_beside_it(run: Any) -> None:
    [one] = run(f"{PLACE} return place([face(1, 200, 150, 120)]);")
    assert one["label"]["rect"] == {"x": 200, "y": 124, "width": 120, "height": 22}
    assert one["panel"]["rect"] == {"x": 324, "y": 150, "width": 180, "height": 190}


def test_a_face_that_fills_the_picture_keeps_a_label(run: Any) -> None:
    [one] = run(f"{PLACE} return place([face(1, -20, -60, 660)]);")
    assert one["label"] is not None
    assert one["panel"] is None


def test_texts_leave_reserved_room_free(run: Any) -> None:
    reserved = {"x": 0, "y": 0, "width": 640, "height": 148}
    [one] = run(
        f"{PLACE} const reserved = [{json.dumps(reserved)}];"
        "return place([face(1, 200, 150, 120)], 0, new m.Placer(), reserved);"
    )
    assert one["label"]["rect"]["y"] == 274


def test_texts_ignore_small_movements_and_follow_large_ones(run: Any) -> None:
    xs = run(
        f"""{PLACE} const p = new m.Placer();
        return [200, 201, 199, 230].map((x, at) =>
          place([face(1, x, 150, 120)], at / 25, p)[0].label.rect.x);"""
    )
    assert xs == [200, 200, 200, 230]


def test_a_label_that_moved_away_returns_after_a_moment(run: Any) -> None:
    slots = run(
        f"""{PLACE} const p = new m.Placer();
        return [[20, 0], [150, 1], [150, 2], [150, 2.9], [150, 3.1]].map(([y, t]) =>
          place([face(1, 200, y, 120)], t, p)[0].label.slot);"""
    )
    assert slots == [2, 2, 2, 0, 0]


def test_crowds_have_labels_alone(run: Any) -> None:
    placed = run(
        f"{PLACE} return place([...Array(13).keys()].map((i) => face(i, 45 * i, 200, 30)));"
    )
    assert all(one["panel"] is None for one in placed)


def test_the_size_of_pictures_follows_the_answers(run: Any) -> None:
    script = """const m = await load('sizing.js'); const c = new m.SizeControl(); let now = 0;
      const feed = (ms, n) => { for (let i = 0; i < n; i += 1) c.add(ms, (now += ms), 1920);
        return c.fit(1920, 1080, 1920)[0]; };"""
    assert run(f"{script} return [c.fit(640, 480, 1920), c.fit(1080, 1920, 400)];") == [
        [640, 480],
        [225, 400],
    ]
    assert run(f"{script} return [feed(150, 8), feed(150, 8), feed(900, 8)];") == [480, 320, 256]
    assert run(f"{script} return feed(30, 400);") == 1280
    # between quick and slow it stays; and what was too slow is not tried again at once
    assert run(f"{script} return [feed(70, 500), feed(150, 4), feed(30, 60)];") == [640, 480, 480]
    # a small camera has nothing to gain
    assert run(
        """const m = await load('sizing.js'); const c = new m.SizeControl();
        for (let i = 0; i < 900; i += 1) c.add(20, 20 * i, 320); return c.fit(320, 240, 1920);"""
    ) == [320, 240]


def test_pictures_are_packed_as_the_server_reads_them(run: Any) -> None:
    packed = run(
        """const m = await load('own_camera.js');
        return [...m.packPicture(258, 1.5, new Uint8Array([255, 216]))];"""
    )
    assert packed == [1, 2, 1, 0, 0, *np.array([1.5], "<f8").tobytes(), 255, 216]


@pytest.mark.parametrize(
    ("steps", "closed"),
    [
        ("", False),
        ("c.press();", True),  # at once, before the server has answered
        ("c.press(); c.take(false);", True),  # a message from before the key
        ("c.press(); c.take(true);", True),
        ("c.press(); c.take(true); c.press(); ", True),  # until the server has turned it off
        ("c.press(); c.take(true); c.press(); c.take(false);", False),
        ("c.press(); c.take(true); c.lose();", True),
        ("c.press(); c.take(true); c.lose(); c.take(false);", True),
        ("c.press(); c.press();", False),  # the server never turned it on
        ("c.begin(true);", True),
    ],
)
def test_the_own_picture_is_covered_from_the_key_to_the_servers_word(
    run: Any, steps: str, closed: bool
) -> None:
    script = "const m = await load('cover.js'); const c = new m.Cover();"
    assert run(f"{script} {steps} return c.isClosed;") is closed


@pytest.mark.parametrize(
    ("name", "error"),
    [("NotAllowedError", "may not use"), ("NotFoundError", "No camera"), ("Odd", "Odd")],
)
def test_a_refused_camera_is_one_clear_line(run: Any, name: str, error: str) -> None:
    line = run(
        f"const m = await load('own_camera.js'); return m.explainRefusal({{name: '{name}'}});"
    )
    assert error in line
    assert "\n" not in line


def test_readings_in_words(run: Any) -> None:
    script = "const m = await load('spoken.js'); return m.describeReading({faces: %s});"
    faces = [
        {"face_id": 2, "label": "unsure", "reason": "too small"},
        {"face_id": 1, "label": "happiness", "reason": None},
    ]
    assert run(script % "[]") == "Nobody is in view."
    assert run(script % json.dumps(faces)) == "Person 1: happiness. Person 2: unsure: too small."


def test_keys_are_those_of_the_window(run: Any) -> None:
    from app.live.keys import find_action

    keys = list(" vebrsnmhqx[]")
    ours = run(
        "const m = await load('keys.js');"
        f"return {json.dumps(keys)}.map((key) => m.findAction({{key}}));"
    )
    assert ours == [find_action(ord(key)) for key in keys]
    assert (
        run("const m = await load('keys.js'); return m.findAction({key: 'r', ctrlKey: true});")
        is None
    )


def test_the_reading_of_a_films_frame_is_found_by_its_time(run: Any) -> None:
    assert run(
        """const m = await load('dropped_file.js');
        const events = [0, .5, 1].map((t) => ({time_s: t}));
        return [-1, 0, .7, 1, 9].map((t) => m.findEventAt(events, t));"""
    ) == [-1, 0, 1, 2, 2]


def test_every_module_is_loaded_from_this_folder_and_from_nowhere_else() -> None:
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        for line in text.splitlines():
            assert "http://" not in line.replace("http://www.w3.org/2000/svg", ""), (file, line)
            assert "https://" not in line, (file, line)
            assert " style=" not in line, (file, line)
            assert "onclick=" not in line, (file, line)
            if line.startswith("import") and "from" in line:
                assert (STATIC / line.split('"./')[1].split('"')[0]).is_file(), (file, line)
