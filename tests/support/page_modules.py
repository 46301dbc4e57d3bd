"""Runs the modules of the live page in a real browser, without its server."""

import contextlib
import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import app
from app.placement.rects import Rect
from app.placement.values import Form, Plan, Scene, Spot
from tests.support.chromium_page import ChromiumPage

STATIC = Path(app.__file__).parent / "server" / "static"
RunBody = Callable[[str], Any]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def open_modules(profile: Path) -> Iterator[RunBody]:
    """Gives a function that runs the body of an async function of JavaScript, in which
    `load("name.js")` gives a module of the page, and returns its value."""
    handler = functools.partial(_Quiet, directory=str(STATIC))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ChromiumPage(profile) as page:
            page.open(f"http://127.0.0.1:{server.server_port}/icon.svg")
            page.wait_for("location.protocol === 'http:'")

            def run_body(body: str) -> Any:
                return page.run(
                    f"(async () => {{ const load = (n) => import('/' + n); {body} }})()"
                )

            yield run_body
        server.shutdown()


# Scenes and plans of app/placement, as the page's modules have them.


def describe_rect(rect: Rect) -> dict[str, int]:
    return rect._asdict()


def describe_form(form: Form) -> dict[str, Any]:
    return {
        "width": form.width,
        "height": form.height,
        "worth": form.worth,
        "overOwn": form.over_own,
    }


def describe_scene_for_page(scene: Scene) -> dict[str, Any]:
    return {
        "size": list(scene.size_wh),
        "gap": scene.gap_px,
        "faces": [
            {
                "key": f"{one.key[0]}/{one.key[1]}",
                "box": describe_rect(one.box),
                "inner": describe_rect(one.inner),
                "labels": [describe_form(form) for form in one.labels],
                "panels": [describe_form(form) for form in one.panels],
            }
            for one in scene.faces
        ],
        "blocked": [describe_rect(rect) for rect in scene.blocked],
    }


def flatten_spot(spot: Spot | None) -> list[int] | None:
    return None if spot is None else [spot.form, spot.slot, *spot.rect]


def flatten_plan(plan: Plan) -> list[list[Any]]:
    """Lists key, label and panel of each face, in the order of the plan."""
    return [
        [f"{key[0]}/{key[1]}", flatten_spot(one.label), flatten_spot(one.panel)]
        for key, one in plan.items()
    ]


# Lists a plan of the page in the same way; forms of faces, the same for all, are sent once.
FLATTEN_PLAN = """const flatten = (spot) => spot && [spot.form, spot.slot, spot.rect.x, spot.rect.y,
    spot.rect.width, spot.rect.height];
  const list = (plan) => [...plan].map(([key, one]) =>
    [key, flatten(one.label), flatten(one.panel)]);"""


def write_scenes(scenes: Sequence[Scene]) -> str:
    """Writes scenes whose faces all have the same forms as JavaScript: `scenes`."""
    described = [describe_scene_for_page(scene) for scene in scenes]
    forms = next((dict(one["faces"][0]) for one in described if one["faces"]), None)
    if forms is None:
        return f"const scenes = {json.dumps(described)};"
    labels, panels = json.dumps(forms["labels"]), json.dumps(forms["panels"])
    for one in described:
        for face in one["faces"]:
            assert (face.pop("labels"), face.pop("panels")) == (forms["labels"], forms["panels"])
    return f"""const forms = {{labels: {labels}, panels: {panels}}};
      const scenes = {json.dumps(described)};
      for (const scene of scenes) for (const face of scene.faces) Object.assign(face, forms);"""
