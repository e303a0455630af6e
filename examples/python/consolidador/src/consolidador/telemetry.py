"""Log lines as JSON, metrics for Prometheus, and spans below the traceparent of a message (docs/adr/one-trace-a-purchase.md)."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Histogram

HANDLED = Histogram(
    "entregas_message_duration_seconds", "How long the handling of a message took, by what became of it.", ["topic", "outcome"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip

tracer = trace.get_tracer("consolidador")


class JSONLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(), "level": record.levelname,
            "msg": record.getMessage(), "service": "consolidador", **getattr(record, "fields", {}),
        }  # fmt: skip
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start(level: str, collector: str) -> TracerProvider | None:
    """Installs the log, and the spans where there is a collector."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JSONLines())
    known = level in logging.getLevelNamesMapping()
    logging.basicConfig(level=level if known else "INFO", handlers=[handler], force=True)
    if not collector:
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": "consolidador"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=collector)))
    trace.set_tracer_provider(provider)
    return provider


def below(traceparent: str) -> context.Context:
    return propagate.extract({"traceparent": traceparent}, context.Context())


def current(otherwise: str = "") -> str:
    """The traceparent of the present span, or the other one where nothing is recorded."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", otherwise)


@contextmanager
def message_span(
    kind: trace.SpanKind,
    topic: str,
    tipo: str,
    id_compra: str,
    parent: context.Context | None = None,
    delivered: str = "",
) -> Iterator[trace.Span]:
    """A span of the handling (consumer) or the publication (producer) of a message, with a link to the trace that delivered it."""
    name = ("process " if kind is trace.SpanKind.CONSUMER else "publish ") + topic
    by = trace.get_current_span(below(delivered)).get_span_context()
    own = trace.get_current_span(parent).get_span_context()
    attributes: dict[str, Any] = {
        "messaging.system": "pulsar", "messaging.destination.name": topic,
        "entregas.mensaje": tipo, "entregas.id_compra": id_compra,
    }  # fmt: skip
    other = by.is_valid and own.is_valid and by.trace_id != own.trace_id
    with tracer.start_as_current_span(name, parent, kind, attributes, [trace.Link(by)] if other else []) as span:
        yield span
