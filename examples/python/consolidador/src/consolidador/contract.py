"""The messages of contracts/avro, and the bounds of their fields (contracts/asyncapi.yaml, x-json)."""

import re
import time
import unicodedata
import uuid
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

COMMANDS, REPLIES = "comandos-inventario", "eventos-inventario"
MAX_RECORD = 1 << 20  # bytes of a record as JSON
MAX_REASON = 1000  # characters of the reason of a dead letter
MAX_LINES, MAX_QUANTITY, MAX_LINE_ID = 100, 1_000_000, 64
MAX_TOTAL = 2**53 - 1
MAX_INSTANT = 253402300799999  # milliseconds: the end of the year 9999
MAX_ENVELOPE, MAX_RECORD_ID = 100, 255  # characters


class BadMessageError(Exception):
    """No retry can handle the message: it becomes a dead letter. The text is the reason, in Spanish."""


class UnreadableError(BadMessageError):
    """The message is no record of its topic: its dead letter has only the fields that could be read."""


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Linea(Strict):
    id_producto: str = ""
    cantidad: int = 0


class DatosComando(Strict):
    id_compra: str = ""
    productos: list[Linea] = []
    aceptada_en: int = 0


class Faltante(Strict):
    id_producto: str
    solicitada: int
    disponible: int


class PrecioFijado(Strict):
    id_producto: str
    precio: int


class DatosEvento(Strict):
    id_compra: str
    responde_a: str
    faltantes: list[Faltante] = []
    moneda: str = ""
    total: int = 0
    precios: list[PrecioFijado] = []


class Envelope(Strict):
    id: str = ""
    time: int = 0
    ingestion: int = 0
    specversion: str = ""
    type: str = ""
    datacontenttype: str = ""
    service_name: str = ""
    traceparent: str = ""


class Comando(Envelope):
    data: DatosComando = DatosComando()


class Evento(Envelope):
    data: DatosEvento


ReplyType = Literal["InventarioValidado", "InventarioInsuficiente", "TotalExcedido", "ValidacionCancelada"]


def new_event(tipo: ReplyType, traceparent: str, data: DatosEvento) -> Evento:
    now = int(time.time() * 1000)
    return Evento(
        id=uuid7(now), time=now, ingestion=now, specversion="1.0", type=tipo, datacontenttype="application/json",
        service_name="consolidador", traceparent=traceparent, data=data,
    )  # fmt: skip


def uuid7(milliseconds: int) -> str:
    """A UUID of version 7: milliseconds since 1970, then random bits."""
    bits = milliseconds << 80 | 7 << 76 | 2 << 62 | (uuid.uuid4().int & (0xFFF << 64 | (1 << 62) - 1))
    return str(uuid.UUID(int=bits))


def decode(record: bytes) -> Comando:
    """The command in the JSON that daprd makes of an Avro record."""
    try:
        command = Comando.model_validate_json(record)
    except ValidationError as e:
        where = "; ".join(f"{'.'.join(map(str, x['loc'])) or 'registro'}: {x['msg']}" for x in e.errors()[:5])
        raise UnreadableError(f"mensaje ilegible: {where}") from e
    if not command.id or not command.type:
        raise UnreadableError("mensaje ilegible: sin id o sin type")
    return command


def check(command: Comando) -> None:
    """Raises BadMessageError with each field that is beyond its bound."""
    d = command.data
    faults = [(n, free_text(getattr(command, n), m)) for n, m in ENVELOPE_TEXTS.items() if n != "id"]
    faults.append(("id", too_long(command.id, MAX_RECORD_ID)))  # any characters: its sender chose it
    faults += [(n, instant(getattr(command, n))) for n in ("time", "ingestion")]
    faults.append(("id_compra", purchase_id(d.id_compra)))
    if command.type == "ValidarInventario":
        faults.append(("aceptada_en", instant(d.aceptada_en)))
    if command.type == "ValidarInventario" or d.productos:
        faults += lines(d.productos)
    if found := [f"{field}: {fault}" for field, fault in faults if fault]:
        raise BadMessageError("; ".join(found))


ENVELOPE_TEXTS = {
    "id": MAX_RECORD_ID, "type": MAX_ENVELOPE, "specversion": MAX_ENVELOPE,
    "datacontenttype": MAX_ENVELOPE, "service_name": MAX_ENVELOPE,
}  # fmt: skip


def lines(productos: list[Linea]) -> Iterable[tuple[str, str]]:
    if not 1 <= len(productos) <= MAX_LINES:
        return [("productos", f"debe tener de 1 a {MAX_LINES} líneas {{id_producto, cantidad}}")]
    found, seen = [], set()
    for i, line in enumerate(productos):
        fault = identifier(line.id_producto)
        if not fault and line.id_producto in seen:
            fault = "está repetido: junte las cantidades en una sola línea"
        found.append((f"productos[{i}].id_producto", fault))
        seen.add(line.id_producto)
        if not 1 <= line.cantidad <= MAX_QUANTITY:
            found.append((f"productos[{i}].cantidad", f"debe ser un número entero de 1 a {MAX_QUANTITY}"))
    return found


def purchase_id(value: str) -> str:
    return "" if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) else "debe ser un UUID"


def instant(ms: int) -> str:
    return "" if 0 <= ms <= MAX_INSTANT else "debe ser un instante en milisegundos desde 1970"


def identifier(value: str) -> str:
    if not value:
        return "falta"
    if value.strip() != value:
        return "no puede empezar ni terminar con espacios"
    if re.search("[\n\r\t\u2028\u2029]", value):
        return "no puede tener saltos de línea ni tabuladores"
    return free_text(value, MAX_LINE_ID)


def free_text(value: str, most: int) -> str:
    for i, c in enumerate(value[: most + 1]):
        if is_control(c):
            return f"no puede tener el carácter de control U+{ord(c):04X}, que está en la posición {i + 1}"
    return too_long(value, most)


def too_long(value: str, most: int) -> str:
    return "" if len(value) <= most else f"puede tener a lo sumo {most} caracteres"


def is_control(c: str) -> bool:
    """Controls and formats are refused, but for line breaks, tabs, joiners and the tags that make one emoji of several."""
    joined = c in "\n\r\t\u200c\u200d" or "\U000e0020" <= c <= "\U000e007f"
    return not joined and unicodedata.category(c) in ("Cc", "Cf")


def beginning(text: str) -> dict[str, Any]:
    """What can be read of a record that is cut or is no record of its topic, in the form of one."""
    m: dict[str, Any] = Comando().model_dump()
    for name in m.keys() - {"data", "traceparent"}:
        if found := re.search(rf'"{name}"\s*:\s*(?:"((?:[^"\\]|\\.){{0,255}})"|(\d{{1,15}})[,}}\s])', text):
            number = isinstance(m[name], int)
            if found[2 if number else 1]:
                m[name] = int(found[2]) if number else words(found[1], ENVELOPE_TEXTS[name])
    if found := re.search(r'"id_compra"\s*:\s*"([0-9a-f-]{36})"', text):
        m["data"]["id_compra"] = found[1]
    return m


def words(text: str, most: int) -> str:
    """The text in a form that fits into a property: no control characters, at most so many characters."""
    text = text[: most + 1].encode("utf-8", "replace").decode("utf-8")
    text = "".join("\ufffd" if unicodedata.category(c) == "Cc" and c not in "\n\t" else c for c in text)
    return text if len(text) <= most else text[: most - 1] + "…"
