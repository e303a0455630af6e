"""Receives commands from the sidecar and publishes replies and dead letters (docs/adr/trouble-is-not-a-bad-message.md)."""

import base64
import contextvars
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from dapr.aio.clients import DaprClient
from opentelemetry import trace
from psycopg import InterfaceError, OperationalError
from pydantic import BaseModel

from consolidador import telemetry
from consolidador.contract import (
    COMMANDS,
    MAX_REASON,
    MAX_RECORD,
    REPLIES,
    BadMessageError,
    Comando,
    DatosEvento,
    ReplyType,
    UnreadableError,
    beginning,
    check,
    decode,
    new_event,
    purchase_id,
    words,
)

PUBSUB, STATE, DEAD_LETTERS = "pubsub", "state", f"{COMMANDS}-dlq"
MAX_TRIES = 10
TRY_SECONDS = "86400"  # how long the state store keeps a count
SHOWN = 2000  # characters of a record that cannot be kept as it is
MAX_BODY = MAX_RECORD // 3 * 4 + 64 * 1024  # bytes of a delivery: the record in base64, and the rest of the event
FIELD = b'"data_base64":"'
BUSY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL}  # fmt: skip

log = logging.getLogger(__name__)
Handler = Callable[[Comando], Awaitable[tuple[ReplyType, DatosEvento]]]

# What the sidecar hangs its span on. A call without a context would begin a trace of its own, so the others say: not recorded.
NOT_RECORDED = "00-00000000000000000000000000000001-0000000000000001-00"
outgoing = contextvars.ContextVar("outgoing", default=NOT_RECORDED)


class TraceCalls(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc,unused-ignore]
    """Sends the traceparent of the present work to the sidecar."""

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), ("traceparent", outgoing.get()))
        return await continuation(details._replace(metadata=metadata), request)


@dataclass(frozen=True)
class Delivery:
    record: bytes  # JSON, whole or cut
    size: int  # bytes of the whole

    @property
    def too_large(self) -> bool:
        return self.size > MAX_RECORD

    def command(self) -> tuple[Comando | None, BadMessageError]:
        """The command, or why there is none."""
        if self.too_large:
            size = f"tiene {self.size} bytes; puede tener a lo sumo {MAX_RECORD}"
            return None, UnreadableError(f"mensaje ilegible: {size}")
        try:
            return decode(self.record), BadMessageError()
        except BadMessageError as e:
            return None, e


async def read(body: AsyncIterator[bytes]) -> Delivery:
    """The record in a delivery of any size. Of one that is too large, only the beginning is kept.

    Raises an error for a body that is no delivery: it goes back to the broker, since there is no record to set aside.
    """
    start, left = bytearray(), 0
    ended = False
    async for chunk in body:  # to its end: an answer before the last byte is a failure for the sidecar
        if len(start) <= MAX_BODY:
            start += chunk
            continue
        left, ended = (left, ended) if ended else (left + len(chunk.split(b'"', 1)[0]), b'"' in chunk)
    if len(start) <= MAX_BODY:
        record = decode_base64(json.loads(start)["data_base64"])
        return Delivery(record, len(record))
    text = bytes(start).partition(FIELD)[2].split(b'"', 1)
    known = len(text[0]) + (left if len(text) == 1 else 0)
    return Delivery(decode_base64(text[0][: 16384 // 3 * 4]), known // 4 * 3)


def decode_base64(text: str | bytes) -> bytes:
    """The bytes of a base64 text. Raises ValueError for another text, and for an empty one."""
    record = base64.b64decode(text, validate=True)
    if not record:
        raise ValueError("a delivery without a record")
    return record


def is_trouble(e: BaseException) -> bool:
    """Whether a retry can succeed: the database, the broker or the sidecar does not answer, or a time ran out."""
    if isinstance(e, grpc.RpcError):
        return getattr(e, "code", lambda: None)() in BUSY
    return isinstance(e, OperationalError | InterfaceError | TimeoutError | OSError)


class Pubsub:
    def __init__(self, sidecar: DaprClient) -> None:
        self.sidecar = sidecar

    async def publish(self, topic: str, message: BaseModel | dict[str, Any], **properties: str) -> None:
        """Returns when the broker has stored the message."""
        record = message.model_dump() if isinstance(message, BaseModel) else message
        traceparent = telemetry.current(record.get("traceparent", ""))
        metadata = {"rawPayload": "true", **properties}
        if not purchase_id(record["data"]["id_compra"]):
            metadata["partitionKey"] = record["data"]["id_compra"]
        if traceparent:
            metadata["traceparent"] = traceparent
        turn = outgoing.set(traceparent or NOT_RECORDED)
        try:
            await self.sidecar.publish_event(
                PUBSUB, topic, json.dumps(record), publish_metadata=metadata, data_content_type="application/json"
            )
        finally:
            outgoing.reset(turn)

    async def receive(self, delivery: Delivery, delivered: str, handle: Handler) -> str:
        """Handles one delivery, and returns what became of it: done, retry or dead. delivered is the traceparent of the sidecar."""
        command, fault = delivery.command()
        seen = command or Comando.model_validate(beginning(delivery.record.decode("utf-8", "replace")))
        parent = telemetry.below(seen.traceparent)
        if not trace.get_current_span(parent).get_span_context().is_valid:
            parent = telemetry.below(delivered)
        tipo, id_compra = words(seen.type, 64), words(seen.data.id_compra, 64)
        with telemetry.message_span(trace.SpanKind.CONSUMER, COMMANDS, tipo, id_compra, parent, delivered) as span:
            about = {"id_compra": id_compra, "type": tipo, "record": words(seen.id, 64)}
            try:
                if not command:
                    raise fault
                check(command)
                reply, data = await handle(command)
                with telemetry.message_span(trace.SpanKind.PRODUCER, REPLIES, reply, id_compra):
                    await self.publish(REPLIES, new_event(reply, telemetry.current(command.traceparent), data))
                return "done"
            except Exception as e:
                span.record_exception(e)
                return await self.failed(e, seen, delivery, about)

    async def failed(self, e: Exception, seen: Comando, delivery: Delivery, about: dict[str, str]) -> str:
        """Gives the message back to the broker, or makes a dead letter of it."""
        tries = 1
        if not isinstance(e, BadMessageError):
            if is_trouble(e):
                log.warning("message given back to the broker: %r", e, extra={"fields": about})
                return "retry"
            tries = await self.count(seen)
            log.error("attempt %d of %d failed", tries, MAX_TRIES, exc_info=e, extra={"fields": about})
            if tries < MAX_TRIES:
                return "retry"
        reason = words(str(e) or repr(e), MAX_REASON)
        properties = {"motivo": reason, "intentos": str(tries), "origen": "consolidador"}
        if isinstance(e, UnreadableError):
            properties["bytes"] = str(delivery.size)
            properties["comienzo"] = words(delivery.record.decode("utf-8", "replace"), SHOWN)
        await self.publish(DEAD_LETTERS, seen, **properties)
        log.warning("dead letter: %s", reason, extra={"fields": about})
        return "dead"

    async def count(self, command: Comando) -> int:
        """Adds one to the tries of a record, by its content: the sender chose its id."""
        text = json.dumps(command.model_dump(), sort_keys=True).encode()
        key = f"intentos/{COMMANDS}/{hashlib.sha256(text).hexdigest()}"
        saved = (await self.sidecar.get_state(STATE, key)).data
        tries = int(saved) + 1 if saved else 1
        await self.sidecar.save_state(STATE, key, str(tries), state_metadata={"ttlInSeconds": TRY_SECONDS})
        return tries
