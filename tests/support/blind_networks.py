"""The shipped classifier with a search that finds no faces."""

from app.detection.search import FaceSearch, SearchResult
from app.recognition.classifier import DEFAULT_MODEL, Classifier
from app.runs.networks import LoadedNetworks


class BlindSearch(FaceSearch):
    """Finds no faces, for tests in which the content of the pictures plays no part."""

    def __init__(self) -> None:
        self.max_faces, self.far_faces = None, False

    def search(self, *_: object, **__: object) -> SearchResult:
        return SearchResult((), ())


def load_blind_networks() -> LoadedNetworks:
    """Loads the classifier and the search."""
    return LoadedNetworks(BlindSearch(), Classifier(DEFAULT_MODEL, device="cpu"))
