"""Runs sessions for one visitor, over networks that all visitors share."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from app.actions.reader import ActionReader
from app.detection.search_pool import SharedSearch
from app.live.remote import LiveState, Remote
from app.live.session import Session, SessionOutcome
from app.outputs.sink import RunSink
from app.pipeline import build_pipeline
from app.recognition.classifier import MAX_THREADS, Classifier
from app.runs.plan import RecognitionSettings, ViewSettings
from app.sources.base import Source


@dataclass(frozen=True, slots=True)
class SharedNetworks:
    """The networks that all visitors use at once, and the settings with which visits begin."""

    search: SharedSearch
    classifier: Classifier
    recognition: RecognitionSettings
    view: ViewSettings
    actions: ActionReader | None = None  # where facial actions were asked for

    @property
    def first_state(self) -> LiveState:
        """The switches of a visitor who has not touched them."""
        return LiveState(self.view.blur, False, self.recognition.smoothing_s)


@contextmanager
def load_shared_networks(
    recognition: RecognitionSettings,
    view: ViewSettings,
    classifier: Classifier | None = None,
    actions: ActionReader | None = None,
) -> Iterator[SharedNetworks]:
    """Loads the networks of visitors, and frees those at the end that it has loaded.

    Args:
        recognition: The settings of the networks.
        view: The settings with which a visit begins.
        classifier: One that is loaded already; None loads one.
        actions: A reader of facial actions that is loaded already; None loads one if the settings
            ask for it. Threads use it in turns.

    Raises:
        ModelError, DeviceError: A network cannot be loaded.
    """
    if classifier is None:
        classifier = Classifier(
            recognition.model,
            device=recognition.device,
            threads=MAX_THREADS,
            prior_correction=recognition.prior_correction,
        )
    with ExitStack() as stack:
        search = SharedSearch(max_faces=recognition.max_faces, far_faces=recognition.far_faces)
        stack.callback(search.close)
        if actions is None and recognition.actions:
            actions = stack.enter_context(ActionReader())
        yield SharedNetworks(search, classifier, recognition, view, actions)


def run_visit(
    networks: SharedNetworks,
    source: Source,
    sinks: Sequence[RunSink],
    state: LiveState,
    *,
    stop: Callable[[], bool],
    remote: Remote | None = None,
) -> SessionOutcome:
    """Reads a source of a visitor to its end, with a pipeline of its own.

    Args:
        networks: The networks.
        source: The open source.
        sinks: The outputs.
        state: The switches with which the session begins.
        stop: Tells whether the visit is over.
        remote: Turns the switches.

    Returns:
        The outcome.

    Raises:
        RecogniserError: As `Session.run`.
    """
    recognition = networks.recognition
    smoothing_s = state.smoothing_s
    pipeline = build_pipeline(
        networks.search,
        networks.classifier,
        source.mode,
        smoothing_s=recognition.smoothing_s if smoothing_s is None else smoothing_s,
        exact=recognition.exact,
        with_resting_faces=True,
        thorough=state.blur,
        with_quality=True,
        actions=networks.actions,
    )
    pipeline.with_maps = state.with_maps
    return Session(
        source,
        pipeline,
        sinks=sinks,
        screen=None,
        provider=networks.classifier.provider,
        settings=replace(networks.view, blur=state.blur, if_lost="whole"),
        stop=stop,
        say=lambda line: None,
        remote=remote,
        draws=False,
    ).run()


class Worker:
    """A thread with a request to stop."""

    def __init__(self, name: str, work: Callable[[Callable[[], bool]], object]) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=work, args=(self._stop.is_set,), name=name, daemon=True
        )
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Asks the work to end soon."""
        self._stop.set()

    def join(self) -> None:
        """Waits for the end of the work."""
        self._thread.join()
