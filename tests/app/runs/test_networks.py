"""The networks of a run are loaded at the same time, and freed when one of them cannot be."""

import threading
from pathlib import Path

import pytest

import app.runs.networks as networks
from app.errors import DeviceError, ModelError
from app.runs.networks import load_networks
from app.runs.plan import RecognitionSettings


class Part:
    """A network that is loaded, or an error in its place. `closed` counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.thread, self.closed = error, "", 0

    def __call__(self, *_: object, **__: object) -> "Part":
        self.thread = threading.current_thread().name
        if self.error is not None:
            raise self.error
        return self

    def __enter__(self) -> "Part":
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1


SETTINGS = RecognitionSettings(model=Path("a.onnx"))


def put(monkeypatch: pytest.MonkeyPatch, classifier: Part, search: Part) -> None:
    monkeypatch.setattr(networks, "Classifier", classifier)
    monkeypatch.setattr(networks, "FaceSearch", search)


def test_the_classifier_is_loaded_in_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier, search = Part(), Part()
    put(monkeypatch, classifier, search)
    with load_networks(SETTINGS, 2) as loaded:
        assert (loaded.classifier, loaded.search, loaded.threads) == (classifier, search, 2)
        assert classifier.thread != search.thread == threading.current_thread().name
        assert search.closed == 0
        assert classifier.thread not in [one.name for one in threading.enumerate()]
    assert search.closed == 1


@pytest.mark.parametrize(
    ("classifier_error", "search_error", "said"),
    [
        (ModelError("no model"), None, "no model"),
        (None, DeviceError("no detector"), "no detector"),
        (ModelError("no model"), DeviceError("no detector"), "no model"),
        (None, KeyboardInterrupt(), ""),
    ],
)
def test_what_cannot_be_loaded_is_said_and_the_rest_is_freed(
    classifier_error: Exception | None,
    search_error: Exception | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classifier, search = Part(classifier_error), Part(search_error)
    put(monkeypatch, classifier, search)
    with pytest.raises((ModelError, DeviceError, KeyboardInterrupt)) as caught:
        load_networks(SETTINGS).__enter__()
    assert str(caught.value) == said
    assert search.closed == (search_error is None)
