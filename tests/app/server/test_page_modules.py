"""The page's own arithmetic, run in a real browser: colours, sizes, words, and the cover."""

import json
import re

import cv2
import numpy as np
import pytest

from app.overlay.palette import COLOURS, choose_ink
from app.overlay.text import WHITE, choose_text_px
from tests.support.browser import needs_browser
from tests.support.page_modules import STATIC, RunBody

pytestmark = [needs_browser, pytest.mark.slow]


def test_ink_and_sizes_are_those_of_the_window(run_modules: RunBody) -> None:
    colours = {f"#{r:02x}{g:02x}{b:02x}": (b, g, r) for b, g, r in COLOURS.values()}
    script = "const m = await load('colours.js'); return {}.map((one) => m.chooseInk(one));"
    inks = run_modules(script.format(json.dumps(list(colours))))
    assert [ink == "#ffffff" for ink in inks] == [
        choose_ink(colour) == WHITE for colour in colours.values()
    ]
    sizes = [(640, 480), (1280, 720), (360, 270), (270, 480)]
    script = "const m = await load('forms.js'); return {}.map((wh) => m.chooseTextPx(...wh));"
    assert run_modules(script.format(json.dumps(sizes))) == [
        choose_text_px(*size) for size in sizes
    ]


def test_an_unsure_face_has_no_expressions_colour(run_modules: RunBody) -> None:
    assert run_modules(
        """const m = await load('colours.js'); const table = {calm: '#010203', unsure: '#e1e1e1'};
        return [{label: 'calm', reason: null}, {label: 'unsure', reason: 'dark'},
          {label: 'new', reason: null}].map((face) => m.chooseFaceColour(face, table));"""
    ) == ["#010203", "#e1e1e1", "#e1e1e1"]


def test_the_maps_colours_are_those_of_the_window(run_modules: RunBody) -> None:
    levels = [0, 20, 64, 128, 190, 255]
    script = (
        "const m = await load('evidence.js'); return {}.map((n) => m.chooseMapColour(n / 255));"
    )
    ours = np.array(run_modules(script.format(levels)))
    window = cv2.applyColorMap(np.array([levels], np.uint8), cv2.COLORMAP_INFERNO)[0, :, ::-1]
    assert np.abs(ours - window.astype(int)).max() <= 10


def test_an_enlarged_map_is_that_of_the_window(run_modules: RunBody) -> None:
    weights = np.random.default_rng(3).integers(0, 256, (7, 7)).astype(np.uint8)
    script = "const m = await load('evidence.js'); return [...m.enlarge({}, 7, 7)];"
    fine = np.array(run_modules(script.format(weights.ravel().tolist()))).reshape(96, 96)
    wanted = cv2.resize(weights / np.float32(255), (96, 96), interpolation=cv2.INTER_CUBIC)
    edge = np.minimum(1.0, 6 * (0.5 - np.abs((np.arange(96) + 0.5) / 96 - 0.5)))
    assert np.abs(fine - np.clip(wanted, 0, 1) * np.outer(edge, edge)).max() < 1e-5


def test_the_way_back_from_a_map_to_the_picture(run_modules: RunBody) -> None:
    matrix = [0.01, 0.002, -1.5, -0.003, 0.02, 0.25]
    back = run_modules(f"const m = await load('evidence.js'); return m.invert({matrix});")
    there, here = (np.vstack([np.reshape(one, (2, 3)), [0, 0, 1]]) for one in (matrix, back))
    assert np.abs(there @ here - np.eye(3)).max() < 1e-9
    assert (
        run_modules("const m = await load('evidence.js'); return m.invert([1, 2, 0, 2, 4, 0]);")
        is None
    )


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
def test_the_last_minute(run_modules: RunBody, what: str, steps: object) -> None:
    assert run_modules(f"{HISTORY} const L = ['a', 'b']; {what} return runs();") == steps


def test_the_size_of_pictures_follows_the_answers(run_modules: RunBody) -> None:
    script = """const m = await load('sizing.js'); const c = new m.SizeControl(); let now = 0;
      const feed = (ms, n) => { for (let i = 0; i < n; i += 1) c.add(ms, (now += ms), 1920);
        return c.fit(1920, 1080, 1920)[0]; };"""
    assert run_modules(f"{script} return [c.fit(640, 480, 1920), c.fit(1080, 1920, 400)];") == [
        [640, 480],
        [225, 400],
    ]
    assert run_modules(f"{script} return [feed(150, 8), feed(150, 8), feed(900, 8)];") == [
        480,
        320,
        256,
    ]
    assert run_modules(f"{script} return feed(30, 400);") == 1280
    # between quick and slow it stays; and what was too slow is not tried again at once
    assert run_modules(f"{script} return [feed(70, 500), feed(150, 4), feed(30, 60)];") == [
        640,
        480,
        480,
    ]
    # a small camera has nothing to gain
    assert run_modules(
        """const m = await load('sizing.js'); const c = new m.SizeControl();
        for (let i = 0; i < 900; i += 1) c.add(20, 20 * i, 320); return c.fit(320, 240, 1920);"""
    ) == [320, 240]


def test_pictures_are_packed_as_the_server_reads_them(run_modules: RunBody) -> None:
    packed = run_modules(
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
    run_modules: RunBody, steps: str, closed: bool
) -> None:
    script = "const m = await load('cover.js'); const c = new m.Cover();"
    assert run_modules(f"{script} {steps} return c.isClosed;") is closed


@pytest.mark.parametrize(
    ("name", "error"),
    [("NotAllowedError", "may not use"), ("NotFoundError", "No camera"), ("Odd", "Odd")],
)
def test_a_refused_camera_is_one_clear_line(run_modules: RunBody, name: str, error: str) -> None:
    line = run_modules(
        f"const m = await load('own_camera.js'); return m.explainRefusal({{name: '{name}'}});"
    )
    assert error in line
    assert "\n" not in line


def test_readings_in_words(run_modules: RunBody) -> None:
    script = "const m = await load('spoken.js'); return m.describeReading({faces: %s});"
    faces = [
        {"face_id": 2, "label": "unsure", "reason": "too small"},
        {"face_id": 1, "label": "happiness", "reason": None},
    ]
    assert run_modules(script % "[]") == "Nobody is in view."
    assert (
        run_modules(script % json.dumps(faces))
        == "Person 1: happiness. Person 2: unsure: too small."
    )


def test_keys_are_those_of_the_window(run_modules: RunBody) -> None:
    from app.live.keys import find_action

    keys = list(" vebrsnmhqx[]")
    ours = run_modules(
        "const m = await load('keys.js');"
        f"return {json.dumps(keys)}.map((key) => m.findAction({{key}}));"
    )
    assert ours == [find_action(ord(key)) for key in keys]
    assert (
        run_modules(
            "const m = await load('keys.js'); return m.findAction({key: 'r', ctrlKey: true});"
        )
        is None
    )


def test_the_reading_of_a_films_frame_is_found_by_its_time(run_modules: RunBody) -> None:
    assert run_modules(
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
            if found := re.search(r"""(?:from|import) "\./([^"]+)";""", line):
                assert (STATIC / found[1]).is_file(), (file, line)


ACTIONS = {
    "head_yaw_deg": 12.4,
    "head_pitch_deg": -0.2,
    "head_roll_deg": -30.0,
    "blink": 0.126,
    "look_x": -0.31,
    "look_y": 0.0,
    "jawOpen": 0.5,
    "mouthSmileLeft": 0.9,
    "mouthSmileRight": 0.92,
    "browInnerUp": 0.1,
}


def test_facial_actions_in_figures(run_modules: RunBody) -> None:
    assert run_modules(
        f"""const m = await load('actions.js'); const actions = {json.dumps(ACTIONS)};
        return [m.describePose(actions), m.describeEyes(actions)];"""
    ) == ["yaw 12°, pitch 0°, roll −30°", "13\u202f% closed, gaze x −0.3, y 0.0"]


def test_the_strongest_coefficients_keep_their_order_while_they_are_about_equal(
    run_modules: RunBody,
) -> None:
    assert run_modules(
        f"""const m = await load('actions.js'); const actions = {json.dumps(ACTIONS)};
        const s = new m.StrongestActions(); const names = () => s.list(actions).map(([one]) => one);
        const first = names(); actions.mouthSmileLeft = 0.94; const same = names();
        actions.mouthSmileLeft = 0.99; return [first, same, names()];"""
    ) == [
        ["mouthSmileRight", "mouthSmileLeft", "jawOpen", "browInnerUp"],
        ["mouthSmileRight", "mouthSmileLeft", "jawOpen", "browInnerUp"],
        ["mouthSmileLeft", "mouthSmileRight", "jawOpen", "browInnerUp"],
    ]


def test_what_is_not_read_and_why_all_is_covered(run_modules: RunBody) -> None:
    lines = run_modules(
        """const m = await load('spoken.js');
        const read = (unread) => m.describeReading({faces: [], unread});
        return [read(1), read(2),
          m.describeUnread(0), m.describeDoubt('it is'), m.describeDoubt(null)];"""
    )
    assert lines == [
        "1 face cannot be read.",
        "2 faces cannot be read.",
        "",
        "All of the picture is covered: it is.",
        "",
    ]


def test_words_are_told_no_more_often_than_every_two_seconds(run_modules: RunBody) -> None:
    gaps = run_modules(
        """const m = await load('spoken.js'); const region = document.createElement('p');
        const told = []; new MutationObserver(() => told.push(performance.now()))
          .observe(region, {childList: true});
        const spoken = new m.Spoken(region);
        for (let at = 0; at < 45; at += 1) {
          spoken.take({faces: [{face_id: at, label: 'calm', reason: null}]});
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        return told.slice(1).map((time, at) => time - told[at]);"""
    )
    assert len(gaps) == 2
    assert min(gaps) > 1900
