"""The fixtures of the edge."""

from tests.gateway.fixtures import backend, echo, house, settings, start_edge

__all__ = ["backend", "echo", "house", "settings", "start_edge"]
