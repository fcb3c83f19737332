"""``/metrics``: the figures of ``wiring.GAUGES`` as Prometheus reads them, for whoever has the token."""

import secrets

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from sequence.core import clock
from sequence.core.gauges import Gauge
from sequence.core.wired import wired


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all figures; 404 where no ``METRICS_TOKEN`` is set, 401 without it."""
    if not settings.METRICS_TOKEN:
        raise Http404()
    if not _has_token(request):
        text = "Send the METRICS_TOKEN of this server: Authorization: Bearer …\n"
        return HttpResponse(text, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"})
    headers = {"Cache-Control": "no-store"}
    return HttpResponse(_as_text(), content_type=CONTENT_TYPE_LATEST, headers=headers)


def _has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    is_right = secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return scheme.lower() == "bearer" and is_right


def _as_text() -> bytes:
    now = clock.now()
    registry = CollectorRegistry()
    registry.register(_Figures([gauge for read in wired("GAUGES") for gauge in read(now)]))
    return generate_latest(registry)


class _Figures:
    """What a registry collects: it wants an object."""

    def __init__(self, gauges: list[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> list[GaugeMetricFamily]:
        return [_family(gauge) for gauge in self._gauges]


def _family(gauge: Gauge) -> GaugeMetricFamily:
    labels = [gauge.label] if gauge.label else []
    family = GaugeMetricFamily(f"sequence_{gauge.name}", gauge.help, labels=labels)
    for value, figure in gauge.values.items():
        family.add_metric([value] if labels else [], figure)
    return family
