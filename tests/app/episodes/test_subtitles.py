"""A browser plays an annotated video and shows its episodes as subtitles."""

import functools
import html
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.episodes.episode import Episode
from app.episodes.formats import write_episodes
from app.outputs.video import VideoSink
from app.types import Frame
from tests.support.browser import browse, needs_browser
from tests.support.synthetic import frame_result, level_picture

EVIL = "<b>a</b> & --> \x07\n\"c'"
EPISODES = (
    Episode("talk.mp4", 1, "happiness", 0.0, 0.2, 0.52, 5, 0.987, 0.8, 13),
    Episode("talk.mp4", 2, EVIL, 0.24, 0.3, 0.8, 7, 0.7, 0.65, 14),
    Episode("talk.mp4", 1, "größe", 1.0004, 1.1, 1.36, 27, 0.61, 0.6, 9),
    Episode("talk.mp4", 1, "fear", 3661.0405, 3662.0, 3663.0, 91550, 0.5, 0.5, 50),
)
SHOWN = (  # onset, offset and text, as a browser is to understand them
    (0.0, 0.52, "face 1: happiness (99 %)"),
    (0.24, 0.8, "face 2: <b>a</b> & -->  \"c' (70 %)"),
    (1.0, 1.36, "face 1: größe (61 %)"),
    (3661.04, 3663.0, "face 1: fear (50 %)"),
)
MOMENTS_S = (0.1, 0.4, 0.7, 0.9, 1.2, 1.5)  # one, both, one, none, one, none
FRAMES, FPS = 40, 25
# The picture at /held is what the page's loading waits for.
PAGE = """<!doctype html><meta charset="utf-8">
<video muted preload="auto"><track default kind="subtitles" src="talk.vtt"></video>
<img src="/held">
<script>
const video = document.querySelector("video"), element = document.querySelector("track");
const come = (what, event, ready) => new Promise((yes, no) => {
  if (ready()) yes();
  what.addEventListener(event, yes);
  what.addEventListener("error", () => no(`${event} never came`));
});
const said = cue => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent];
async function look() {
  const film = await (await fetch("talk.mp4")).blob();  // whole, so that every moment can be sought
  video.src = URL.createObjectURL(film);
  await come(video, "canplaythrough", () => video.readyState === 4);
  await come(element, "load", () => element.readyState === 2);
  const moments = [], entered = [];
  for (const time of %s) {
    const sought = new Promise(yes => video.addEventListener("seeked", yes, {once: true}));
    video.currentTime = time;
    await sought;
    await new Promise(yes => setTimeout(yes, 50));
    moments.push([...element.track.activeCues].map(said));
  }
  for (const cue of element.track.cues) cue.onenter = () => entered.push(said(cue));
  video.currentTime = 0;
  const ended = come(video, "ended", () => false);
  await video.play();
  await ended;
  return {mode: element.track.mode, cues: [...element.track.cues].map(said), moments, entered,
          duration: video.duration, size: [video.videoWidth, video.videoHeight]};
}
look().catch(error => ({error: String(error)})).then(found => {
  document.body.dataset.found = JSON.stringify(found);
  fetch("/ready");
});
</script>
"""


class Pages(http.server.SimpleHTTPRequestHandler):
    """The files of a folder; `/held` is answered once `/ready` was asked for."""

    ready: threading.Event

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/held":
            self.ready.wait(60)
            self.send_error(404)
        elif self.path == "/ready":
            self.ready.set()
            self.send_error(404)
        else:
            super().do_GET()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the folder."""

    class Handler(Pages):
        ready = threading.Event()

    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            Handler.ready.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser says of the video and of its subtitles."""
    folder = tmp_path_factory.mktemp("subtitles")
    film = VideoSink(folder / "talk.mp4")
    for index in range(FRAMES):
        picture = level_picture(index, (160, 120))
        frame = Frame(picture, index, index / FPS, "talk.mp4")
        film.write(frame_result(image=picture, index=index, time_s=frame.time_s), picture)
    film.close()
    write_episodes(folder / "talk.vtt", EPISODES, sources=["talk.mp4"], overwrite=False)
    (folder / "page.html").write_text(PAGE % json.dumps(MOMENTS_S), encoding="utf-8")
    with served(folder) as address:
        done = browse(f"{address}/page.html", profile=folder / "profile")
    match = re.search(r'data-found="([^"]+)"', done.stdout)
    assert match, done.stderr
    said: dict[str, Any] = json.loads(html.unescape(match[1]))
    assert "error" not in said, said
    return said


@pytest.mark.slow
@needs_browser
def test_cues_are_the_episodes(found: dict[str, Any]) -> None:
    assert [tuple(cue) for cue in found["cues"]] == list(SHOWN)
    for one, (onset_s, offset_s, _) in zip(EPISODES, SHOWN, strict=True):
        assert (onset_s, offset_s) == pytest.approx((one.onset_s, one.offset_s), abs=0.000501)


@pytest.mark.slow
@needs_browser
def test_every_moment_has_its_cues(found: dict[str, Any]) -> None:
    assert found["size"] == [160, 120]
    assert found["duration"] == pytest.approx(FRAMES / FPS, abs=1 / FPS)
    for time_s, cues in zip(MOMENTS_S, found["moments"], strict=True):
        assert [tuple(cue) for cue in cues] == [cue for cue in SHOWN if cue[0] <= time_s < cue[1]]


@pytest.mark.slow
@needs_browser
def test_video_is_played_to_its_end_with_each_cue_shown_in_turn(found: dict[str, Any]) -> None:
    assert found["mode"] == "showing"
    assert [tuple(cue) for cue in found["entered"]] == list(SHOWN[:3])
