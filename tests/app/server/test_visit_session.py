"""Visitors share the networks that a run has loaded already."""

from unittest.mock import create_autospec

import pytest

from app.actions.reader import ActionReader
from app.defaults import find_model
from app.runs.plan import RecognitionSettings, ViewSettings
from app.server.visit_session import SharedNetworks, load_shared_networks


@pytest.mark.slow
def test_a_reader_of_facial_actions_is_shared_and_stays_open(networks: SharedNetworks) -> None:
    reader = create_autospec(ActionReader, instance=True)
    settings = RecognitionSettings(model=find_model("small_int8"), device="cpu", actions=True)
    with load_shared_networks(settings, ViewSettings(), networks.classifier, reader) as shared:
        assert shared.actions is reader
        assert shared.classifier is networks.classifier
    reader.close.assert_not_called()
    reader.__exit__.assert_not_called()
