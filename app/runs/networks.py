"""Loads the networks of a run, and says which model runs on which device."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from app.actions.reader import ActionReader
from app.detection.search import FaceSearch
from app.errors import RecogniserError
from app.recognition.classifier import MAX_THREADS, Classifier
from app.runs.plan import RecognitionSettings
from app.teaching.profile import FaceProfile, check_profile_fits
from app.teaching.taught_face import TaughtFace


@dataclass(frozen=True, slots=True)
class LoadedNetworks:
    """The networks that read one source after the other.

    `threads` is the number of threads that a run may take for its decoder and its encoder; None:
    all cores. `actions` is None unless facial actions were asked for, and `profile` unless one
    person's readings are corrected.
    """

    search: FaceSearch
    classifier: Classifier
    threads: int | None = None
    actions: ActionReader | None = None
    profile: FaceProfile | None = None

    def make_taught_face(self) -> TaughtFace:
        """Makes what gives the profile, if there is one, to a face of one stream."""
        contract = self.classifier.contract
        return TaughtFace(contract.labels, contract.embedding, self.profile)


@contextmanager
def load_networks(
    settings: RecognitionSettings,
    threads: int | None = None,
    *,
    classifier_threads: int | None = None,
) -> Iterator[LoadedNetworks]:
    """Loads the networks of a run, and frees them at the end.

    Args:
        settings: The settings of the networks.
        threads: As in `LoadedNetworks`.
        classifier_threads: The number of threads of the classifier; None: `threads`.

    Raises:
        ModelError, DeviceError: A network cannot be loaded; that of the classifier comes first.
        ProfileError: The profile was taught with another model.
    """
    own = classifier_threads or threads
    with ExitStack() as stack:
        # The classifier is opened in a thread, because the libraries work without Python's lock.
        with ThreadPoolExecutor(1, "classifier") as loader:
            loading = loader.submit(
                Classifier,
                settings.model,
                device=settings.device,
                threads=own and min(own, MAX_THREADS),
                prior_correction=settings.prior_correction,
            )
            try:
                search = FaceSearch(max_faces=settings.max_faces, far_faces=settings.far_faces)
            except RecogniserError:
                loading.result()
                raise
            stack.enter_context(search)
            classifier = loading.result()
        if settings.profile is not None:
            check_profile_fits(settings.profile, classifier)
        actions = stack.enter_context(ActionReader()) if settings.actions else None
        yield LoadedNetworks(search, classifier, threads, actions, settings.profile)


def describe_classifier(classifier: Classifier) -> str:
    """Says in one line which model runs on which device, and why not on another one."""
    why = f" ({classifier.fallback})" if classifier.fallback else ""
    return f"{classifier.path.name} on {classifier.provider}{why}."
