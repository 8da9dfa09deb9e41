"""What operators and their tools see of a process: /health and /metrics over HTTP.

Every metric is named here, with its kind and meaning.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spojka.delivery.health import Health
from spojka.delivery.relay import RelayStats

UNHEALTHY: Final = 503


class ProcessMetrics(Collector):
    """The figures of one service process, read when they are asked for."""

    def __init__(self, service: str, relay: RelayStats, health: Health) -> None:
        """Take what is to be shown."""
        self._service = service
        self._relay = relay
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield self._counter(
            "spojka_relay_events",
            "Events that the relay has published",
            self._relay.published_events,
        )
        yield self._counter(
            "spojka_relay_batches",
            "Batches (Kafka transactions) that the relay has published",
            self._relay.published_batches,
        )
        yield self._counter(
            "spojka_relay_failures", "Batches that failed", self._relay.failed_batches
        )
        yield self._gauge(
            "spojka_relay_lanes",
            "Lanes of the outbox that this process holds",
            self._relay.held_lanes,
        )
        yield self._gauge(
            "spojka_outbox_events",
            "Events of the whole service that wait to be published",
            self._relay.waiting_events,
        )
        yield self._gauge(
            "spojka_outbox_age_seconds",
            "Age of the oldest event that waits to be published",
            self._relay.oldest_age_seconds,
        )
        yield self._gauge(
            "spojka_troubles", "Parts of this process that can't do their work", self._troubles()
        )

    def _troubles(self) -> int:
        return len(self._health.troubles)

    def _counter(self, name: str, meaning: str, value: float) -> Metric:
        family = CounterMetricFamily(name, meaning, labels=["service"])
        family.add_metric([self._service], value)
        return family

    def _gauge(self, name: str, meaning: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, meaning, labels=["service"])
        family.add_metric([self._service], value)
        return family


def application(service: str, relay: RelayStats, health: Health) -> Starlette:
    """The two routes. /health answers 503 with the reasons while a part is in trouble."""
    registry = CollectorRegistry()
    registry.register(ProcessMetrics(service, relay, health))

    async def show_health(_request: Request) -> Response:
        troubles = [
            {"part": entry.part, "reason": entry.reason, "since": entry.since.isoformat()}
            for entry in health.troubles
        ]
        status = "ok" if health.ok else "degraded"
        return JSONResponse(
            {"service": service, "status": status, "troubles": troubles},
            status_code=200 if health.ok else UNHEALTHY,
        )

    async def show_metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health", show_health), Route("/metrics", show_metrics)])
