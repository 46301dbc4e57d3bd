"""The page in a real Chromium, before a real server; its camera plays the portrait clip."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import app
from tests.support.browser import needs_browser
from tests.support.chromium_page import ChromiumPage, write_camera_film

pytestmark = [needs_browser, pytest.mark.slow]
ROOT = Path(app.__file__).parent.parent
CLIP = ROOT / "app" / "assets" / "portrait.mp4"
START_S = 90.0
HELD = """const media = navigator.mediaDevices, ask = media.getUserMedia.bind(media);
media.getUserMedia = async (wanted) => {
  await new Promise((go) => { window.allow = go; });
  return ask(wanted);
};"""  # a camera opens when the test calls `allow`, as if a user was asked
# Chromium tells of sockets that were refused on its console, whatever a page does.
REFUSED = "ERR_CONNECTION_REFUSED"
SHOWN = """window.shown = [];
document.addEventListener('expression', ({detail}) => window.shown.push(detail));"""


def find_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def serve(port: int, *options: str) -> Iterator[str]:
    """Runs the server as its user does. Gives the address of the page."""
    command = [sys.executable, "run_demo.py", "--serve", str(port), *options]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            ends = time.monotonic() + START_S
            while True:
                with (
                    contextlib.suppress(OSError),
                    contextlib.closing(
                        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
                    ),
                ):
                    break
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < ends, "the server did not start"
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve(find_port(), "--video", str(CLIP)) as one:
        yield one


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_camera_film(CLIP, tmp_path_factory.mktemp("film") / "camera.mjpeg")


@pytest.fixture
def page(tmp_path: Path, film: Path) -> Iterator[ChromiumPage]:
    with ChromiumPage(tmp_path / "profile", camera=film) as one:
        one.set_look(1280, 860)
        yield one


def wait_for_person(page: ChromiumPage) -> None:
    page.wait_for("document.querySelector('.person .label')?.textContent")


def watch_own_camera(page: ChromiumPage) -> None:
    """Chooses the browser's camera and waits for its readings. A person of the server's camera may
    stay in view for a moment."""
    page.run(SHOWN)
    page.click("#from-browser")
    page.wait_for("window.shown.some((one) => one.sequence)")
    wait_for_person(page)


def check_clean(page: ChromiumPage, address: str) -> None:
    """No complaint on the console, and no request to anywhere else."""
    assert page.complaints == []
    own = (address, address.replace("http", "ws"), "blob:" + address, "about:", "data:")
    assert [one for one in page.requests if not one.startswith(own)] == []


def test_the_servers_camera_is_read_and_shown(page: ChromiumPage, address: str) -> None:
    page.open(address)
    wait_for_person(page)
    page.wait_for("document.getElementById('spoken').textContent.includes('happiness')")
    assert page.run("document.getElementById('spoken').getAttribute('aria-live')") == "polite"
    drawn = "document.querySelector('.marks').getContext('2d').getImageData(0, 0, 640, 480)"
    page.wait_for(f"{drawn}.data.some((value) => value > 0)")
    page.press("v")
    page.press("v")
    assert page.run("document.getElementById('hud-name').textContent") == "nothing"
    page.wait_for(f"!{drawn}.data.some((value) => value > 0)")
    page.press("v")
    page.press("m")
    assert page.run("document.getElementById('stage').classList.contains('mirrored')")
    page.press("]")
    page.wait_for("document.getElementById('smoothing').textContent === '1 s'")
    page.press("[")
    page.wait_for("document.getElementById('smoothing').textContent === '0.5 s'")
    page.press("e")
    page.wait_for("document.querySelector('[data-action=map]').ariaPressed === 'true'")
    page.press("e")
    page.press("n")
    page.wait_for("document.getElementById('neutral-line').textContent.startsWith('Look neutral')")
    page.press("n")
    check_clean(page, address)


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_scrolls_sideways(page: ChromiumPage, address: str, width: int, dark: bool) -> None:
    page.set_look(width, 740, dark=dark, touch=width < 400)
    page.open(address)
    wait_for_person(page)
    page.press("h")
    assert page.run("document.documentElement.scrollWidth") <= width
    assert page.run("document.getElementById('help').scrollWidth") <= width
    small = """[...document.querySelectorAll('button')].filter((one) => one.offsetWidth > 0 &&
        (one.offsetHeight < 24 || one.offsetWidth < 24)).length"""
    assert page.run(small) == 0


def contrasts(page: ChromiumPage) -> list[Any]:
    """Lists texts of the page whose contrast with their ground is under 4.5."""
    found: list[Any] = page.run(
        """(() => {
        const bad = [];
        const channel = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
        const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
        const parse = (text) => text.match(/[\\d.]+/g).map(Number);
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const one = walker.currentNode.parentElement;
          if (!walker.currentNode.data.trim() || !one.offsetWidth) continue;
          let ground = one;
          const paint = (of) => parse(getComputedStyle(of).backgroundColor);
          while (ground.parentElement && (paint(ground)[3] ?? 1) === 0)
            ground = ground.parentElement;
          const back = paint(ground);
          if ((back[3] ?? 1) < 1) continue;  // over the picture: dark ground, white letters
          const a = light(parse(getComputedStyle(one).color)), b = light(back);
          const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
          if (ratio < 4.5) bad.push([walker.currentNode.data.trim(), ratio]);
        }
        return bad; })()"""
    )
    return found


@pytest.mark.parametrize("dark", [False, True])
def test_texts_can_be_read(page: ChromiumPage, address: str, dark: bool) -> None:
    page.set_look(1280, 860, dark=dark, calm=True)
    page.open(address)
    wait_for_person(page)
    page.wait_for("document.querySelector('#from-server').ariaPressed === 'true'")
    time.sleep(0.3)
    assert contrasts(page) == []
    page.run("document.getElementById('from-browser').focus({focusVisible: true})")
    assert page.run("getComputedStyle(document.activeElement).outlineWidth") == "3px"


def test_a_recording_equals_what_the_page_showed(page: ChromiumPage, address: str) -> None:
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    watch_own_camera(page)
    page.press("r")
    page.wait_for("!document.getElementById('recording').hidden")
    page.run("window.before = window.shown.length")
    page.wait_for("window.shown.length > window.before + 25", 120)
    page.press("r")
    names = page.wait_for(
        "(() => { const all = [...document.querySelectorAll('#files a')].map((a) => a.download);"
        "return all.length ? all : null; })()"
    )
    assert [Path(name).suffix for name in names] == [".jsonl", ".csv", ".csv", ".vtt", ".json"]
    shown = page.run("[...document.querySelectorAll('#files a')].map((a) => a.textContent)")
    assert shown == names
    text = page.run("fetch(document.querySelector('#files a').href).then((one) => one.text())")
    rows = [json.loads(line) for line in text.splitlines()]
    shown = {event["frame"]: event for event in page.run("window.shown.filter(e => e.sequence)")}
    frames = sorted({row["frame"] for row in rows})
    assert len(frames) > 20
    assert set(frames) <= set(shown)
    assert any(row["label"] == "happiness" for row in rows)
    fetch_notes = "fetch([...document.querySelectorAll('#files a')].at(-1).href)"
    notes = page.run(f"{fetch_notes}.then((one) => one.json())")
    assert notes["counts"]["frames"] == len(frames)
    assert (notes["input"]["name"], notes["command"]) == ("browser camera", [])
    assert names[-1] == f"{Path(names[0]).stem}.run.json"
    for frame in frames:
        written = [row for row in rows if row["frame"] == frame and row["face_id"] is not None]
        told = shown[frame]["faces"]
        assert [row["face_id"] for row in written] == [face["face_id"] for face in told]
        for row, face in zip(written, told, strict=True):
            assert {key: row[key] for key in face if key in row} == face
    check_clean(page, address)


def test_blur_covers_the_own_camera_at_once(page: ChromiumPage, address: str) -> None:
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    watch_own_camera(page)
    layer = "getComputedStyle(document.querySelector('video')).visibility"
    assert page.run(layer) == "visible"
    covered = page.run(
        f"(() => {{ document.querySelector('[data-action=blur]').click(); return {layer}; }})()"
    )
    assert covered == "hidden"  # before any answer
    page.wait_for("document.querySelector('.picture').width > 300")
    page.wait_for("document.getElementById('notice').hidden")
    assert page.run(layer) == "hidden"
    page.click("[data-action=blur]")
    page.wait_for(f"{layer} === 'visible'")
    page.press(" ")
    page.wait_for("!document.getElementById('paused').hidden")
    check_clean(page, address)


def test_the_button_tells_whether_the_picture_is_mirrored(page: ChromiumPage, address: str) -> None:
    pressed = "document.querySelector('[data-action=mirror]').getAttribute('aria-pressed')"
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    watch_own_camera(page)
    page.wait_for("document.getElementById('spoken').textContent.includes('Person')")
    assert page.run(pressed) == "true"
    page.click("#from-server")
    assert page.run(pressed) == "false"
    assert page.run("document.getElementById('spoken').textContent") == ""
    check_clean(page, address)


def test_a_snapshot_is_a_png_of_the_pictures_size(
    page: ChromiumPage, address: str, tmp_path: Path
) -> None:
    page.open(address)
    wait_for_person(page)
    page.wait_for("document.getElementById('notice').hidden")
    page.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.press("s")
    ends = time.monotonic() + 20
    while not (files := list(tmp_path.glob("snapshot_*.png"))) and time.monotonic() < ends:
        time.sleep(0.1)
    assert cv2.imread(str(files[0])).shape == (480, 640, 3)


def test_keys_are_for_the_own_camera_while_it_opens(page: ChromiumPage, address: str) -> None:
    page.open(address)
    wait_for_person(page)
    page.run(SHOWN + HELD)
    page.click("#from-browser")
    page.press("r")
    page.press("b")
    page.wait_for("!document.getElementById('recording').hidden")
    page.wait_for("document.querySelector('[data-action=blur]').ariaPressed === 'true'")
    assert page.run("document.getElementById('recording-s').textContent") == "0:00"
    page.run("window.allow()")
    page.wait_for("window.shown.filter((one) => one.sequence && one.has_picture).length > 5")
    assert page.run("window.shown.some((one) => one.sequence && !one.has_picture)") is False
    page.press("r")
    page.wait_for("document.querySelectorAll('#files a').length === 5")
    fetch_notes = "fetch([...document.querySelectorAll('#files a')].at(-1).href)"
    notes = page.run(f"{fetch_notes}.then((one) => one.json())")
    assert notes["input"]["name"] == "browser camera"
    page.click("#from-server")
    page.wait_for("document.querySelector('[data-action=blur]').ariaPressed === 'false'")
    check_clean(page, address)


def test_a_recording_of_a_camera_that_is_refused_says_that_nothing_came(
    page: ChromiumPage, address: str
) -> None:
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    page.run(
        """navigator.mediaDevices.getUserMedia = () =>
        new Promise((_, refuse) => { window.refuse = refuse; });"""
    )
    page.click("#from-browser")
    page.press("r")
    page.wait_for("!document.getElementById('recording').hidden")
    page.run("window.refuse(new DOMException('', 'NotAllowedError'))")
    page.wait_for("document.getElementById('recording').hidden")
    page.wait_for("document.body.textContent.includes('Nothing was recorded: no frame came.')")
    assert "may not use the camera" in page.run("document.getElementById('error-line').textContent")
    assert page.run("document.querySelectorAll('#files a').length") == 0
    assert page.run("document.getElementById('from-browser').ariaPressed") == "false"
    check_clean(page, address)


def test_a_camera_that_opens_too_late_is_let_go(page: ChromiumPage, address: str) -> None:
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    page.run(
        HELD
        + """window.tracks = [];
        const held = media.getUserMedia;
        media.getUserMedia = async (wanted) => {
          const stream = await held(wanted);
          window.tracks.push(...stream.getTracks());
          return stream;
        };"""
    )
    page.click("#from-browser")
    page.run(SHOWN)
    page.choose_file("#file", [CLIP])
    page.run("window.allow()")
    page.wait_for("window.tracks[0]?.readyState === 'ended'")
    page.wait_for("document.querySelector('video').currentTime > 0.3", 120)
    assert page.run("document.querySelector('video').srcObject") is None
    assert page.run("document.getElementById('choose-file').ariaPressed") == "true"
    check_clean(page, address)


@pytest.mark.parametrize("kind", ["picture", "video"])
def test_a_dropped_file_is_read(
    page: ChromiumPage, address: str, tmp_path: Path, kind: str
) -> None:
    file = CLIP
    if kind == "picture":
        file = tmp_path / "face.jpg"
        clip = cv2.VideoCapture(str(CLIP))
        clip.set(cv2.CAP_PROP_POS_FRAMES, 60)
        cv2.imwrite(str(file), clip.read()[1])
        clip.release()
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    page.run(SHOWN)
    page.choose_file("#file", [file])
    page.wait_for("document.querySelectorAll('#files a').length > 0", 120)
    page.wait_for("document.querySelector('.person .label')?.textContent === 'happiness'")
    if kind == "video":  # the page's own copy plays, with the reading of each of its frames
        page.wait_for("document.querySelector('video').currentTime > 1", 120)
        late = "Math.abs(shown.at(-1).time_s - document.querySelector('video').currentTime)"
        page.wait_for(f"{late} < 0.5")
    check_clean(page, address)


def test_a_file_that_is_none_is_one_line(page: ChromiumPage, address: str, tmp_path: Path) -> None:
    (tmp_path / "odd.jpg").write_bytes(b"no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    for name, word in (("odd.jpg", "odd.jpg"), ("empty.png", "empty.png is empty")):
        page.choose_file("#file", [tmp_path / name])
        page.wait_for(
            f"document.getElementById('error-line').textContent.includes({json.dumps(word)})"
        )
    assert page.run("document.getElementById('link').dataset.state") == "open"


@pytest.mark.parametrize(
    ("camera", "words"), [(False, "No camera was found"), (True, "may not use the camera")]
)
def test_a_camera_that_is_refused_is_one_line(
    tmp_path: Path, film: Path, address: str, camera: bool, words: str
) -> None:
    options = {"camera": film, "allow_camera": False} if camera else {}
    with ChromiumPage(tmp_path / "profile", **options) as page:  # type: ignore[arg-type]
        page.open(address)
        page.wait_for("document.getElementById('link').dataset.state === 'open'")
        page.click("#from-browser")
        page.wait_for("!document.getElementById('error').hidden")
        assert words in page.run("document.getElementById('error-line').textContent")
        check_clean(page, address)


def test_the_page_comes_back_when_the_server_does(page: ChromiumPage) -> None:
    port = find_port()
    with serve(port) as address:
        page.open(address)
        page.wait_for("document.getElementById('link').dataset.state === 'open'")
        assert page.run("document.getElementById('from-server').disabled")
        page.click("#from-browser")
        wait_for_person(page)
        page.click("[data-action=blur]")
        page.wait_for("document.querySelector('[data-action=blur]').ariaPressed === 'true'")
    page.wait_for("document.getElementById('link').dataset.state === 'lost'")
    page.wait_for("document.getElementById('spoken').textContent === ''")
    with serve(port):
        page.wait_for("document.getElementById('link').dataset.state === 'open'")
        page.run(SHOWN)
        page.wait_for("window.shown.length > 5")  # the camera is read again
        page.wait_for("window.shown.at(-1).has_picture")  # and covered, as before
        assert page.run("getComputedStyle(document.querySelector('video')).visibility") == "hidden"
    assert [one for one in page.complaints if REFUSED not in one and "WebSocket" not in one] == []


def test_the_overlay_is_drawn_on_a_transparent_ground(page: ChromiumPage, address: str) -> None:
    page.set_look(640, 480)
    page.open(address + "overlay?hud=boxes")
    wait_drawn = """(() => { const c = document.querySelector('canvas');
        return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v); })()"""
    page.wait_for(wait_drawn)
    png = np.frombuffer(page.take_picture(transparent=True), np.uint8)
    picture = cv2.imdecode(png, cv2.IMREAD_UNCHANGED)
    assert picture.shape == (480, 640, 4)
    assert picture[470, 5, 3] == 0
    assert picture[..., 3].max() == 255
    check_clean(page, address)


def test_facial_actions_are_drawn_and_told_with_what_they_are_not(page: ChromiumPage) -> None:
    with serve(find_port(), "--video", str(CLIP), "--actions") as address:
        page.open(address)
        page.wait_for("document.querySelector('.actions .figure') !== null")
        note = page.run("document.getElementById('actions-note').textContent")
        assert "not validated FACS units" in note
        assert not page.run("document.getElementById('actions-note').hidden")
        names = "[...document.querySelectorAll('.person .actions .name')].map((a) => a.textContent)"
        page.wait_for(f"{names}.includes('mouthSmileLeft')")  # the portrait of the clip smiles
        assert page.run("document.querySelector('.fact').textContent").startswith("Head: yaw ")
        sky_blue = """(() => { const c = document.querySelector('.marks');
            const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            for (let at = 0; at < data.length; at += 4) if (data[at] === 86 &&
              data[at + 1] === 180 && data[at + 2] === 233) return true; return false; })()"""
        page.wait_for(sky_blue)  # the dot of the nose
        page.press("v")
        page.press("v")
        page.wait_for(f"!({sky_blue})")
        check_clean(page, address)


def test_the_help_is_closed_by_its_key(page: ChromiumPage, address: str) -> None:
    page.open(address)
    for is_open in (True, False):
        page.press("h")
        assert page.run("document.getElementById('help').open") is is_open


def test_another_file_takes_the_place_of_the_one_that_is_read(
    page: ChromiumPage, address: str, tmp_path: Path
) -> None:
    page.open(address)
    page.wait_for("document.getElementById('link').dataset.state === 'open'")
    page.run(SHOWN)
    page.choose_file("#file", [CLIP])
    page.wait_for("window.shown.length > 3")
    page.press("b")  # the same file again, covered
    page.wait_for("window.shown.at(-1).has_picture", 120)
    assert page.run("getComputedStyle(document.querySelector('video')).visibility") == "hidden"
    (tmp_path / "cut.mp4").write_bytes(CLIP.read_bytes()[:60_000])
    page.choose_file("#file", [tmp_path / "cut.mp4"])
    line = "document.getElementById('error-line').textContent"
    page.wait_for(f"{line}.includes('cut.mp4 is damaged or cut short')", 120)
    names = page.run("[...document.querySelectorAll('#files a')].map((a) => a.download)")
    assert names[0] == "cut_expressions.jsonl"
    page.press("b")
    page.wait_for("getComputedStyle(document.querySelector('video')).visibility === 'visible'")
    check_clean(page, address)


def test_the_servers_camera_is_watched_again_when_the_server_is_back(page: ChromiumPage) -> None:
    port = find_port()
    state = "document.getElementById('link').dataset.state"
    with serve(port, "--demo") as address:
        page.open(address)
        wait_for_person(page)
        page.press("r")
        page.wait_for("document.getElementById('recording-s').textContent > '0:00'")
        page.press("r")
        page.wait_for("document.querySelectorAll('#files a').length === 5")
        page.run(
            """window.said = []; for (const one of document.querySelectorAll('#link, #lost-line'))
            new MutationObserver(() => window.said.push(one.id)).observe(one, {childList: true});"""
        )
    page.wait_for(f"{state} === 'lost'")
    gone = "The files on the server are gone with the connection."
    assert page.run("document.getElementById('error-line').textContent") == gone
    assert page.run("document.querySelectorAll('#files a').length") == 0
    time.sleep(4)  # the page tries again three times, and says nothing of it
    assert len(page.run("said")) <= 3
    with serve(port, "--demo"):
        page.wait_for(f"{state} === 'open'")
        wait_for_person(page)
        assert page.run("document.getElementById('lost').hidden")
