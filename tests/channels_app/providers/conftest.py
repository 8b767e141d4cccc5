"""A Graph API that answers what the test says."""

import pytest

from tests.channels_app.providers.meta import graph_at


@pytest.fixture
def graph(settings):
    """See meta.Graph."""
    with graph_at(settings) as server:
        yield server
