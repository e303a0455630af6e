"""The rules, the bounds and what becomes of each delivery. The end-to-end tests of the project hold the rest."""

import asyncio
import base64
import hashlib
import http.server
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from fastapi.testclient import TestClient
from psycopg import OperationalError
from psycopg.conninfo import conninfo_to_dict

from consolidador import app, contract, inventario, postgres, pubsub, settings
from consolidador.contract import Comando, DatosComando, Linea
from consolidador.inventario import Precio, Shelf

ID = "01938f5e-7c1a-7000-8000-000000000001"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
AVRO = Path(__file__).parents[4] / "contracts" / "avro"


def command(tipo: str = "ValidarInventario", **data: Any) -> Comando:
    lines = data.pop("productos", [Linea(id_producto="1", cantidad=2), Linea(id_producto="14", cantidad=1)])
    return Comando(id="x", type=tipo, traceparent=TRACE, data=DatosComando(**{"id_compra": ID, "productos": lines, **data}))


class Sidecar:
    """Keeps what is published and counted. `fault` is raised by a publication."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.state: dict[str, str] = {}
        self.fault: Exception | None = None
        self.closed = False

    async def close(self) -> None:
        self.closed = True

    async def publish_event(self, _: str, topic: str, data: str, publish_metadata: dict[str, str], data_content_type: str) -> None:
        if self.fault:
            raise self.fault
        self.published.append((topic, json.loads(data), publish_metadata))

    async def get_state(self, _: str, key: str) -> Any:
        return SimpleNamespace(data=self.state.get(key, "").encode())

    async def save_state(self, _: str, key: str, value: str, state_metadata: dict[str, str]) -> None:
        self.state[key] = value


def delivery_of(message: Comando) -> str:
    return json.dumps({"data_base64": base64.b64encode(message.model_dump_json().encode()).decode()})


class Shelves:
    def __init__(self, shelf: Shelf, fault: Exception | None = None) -> None:
        self.shelf, self.fault = shelf, fault

    async def of(self, ids: list[str], accepted: int) -> Shelf:
        if self.fault:
            raise self.fault
        return self.shelf


FULL = Shelf({"1": 5, "14": 5}, {"1": Precio(100, "COP"), "14": Precio(30, "COP")})
FULL_SHELVES: Any = Shelves(FULL)


def deliver(sidecar: Any, record: bytes, shelves: Any = None) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        body = json.dumps({"data_base64": base64.b64encode(record).decode(), "topic": "x"}, separators=(",", ":")).encode()
        for at in range(0, len(body), 60_000):
            yield body[at : at + 60_000]

    async def one() -> str:
        delivery = await pubsub.read(chunks())
        return await pubsub.Pubsub(sidecar).receive(delivery, "", lambda m: app.answer(shelves or FULL_SHELVES, m))

    return asyncio.run(one())


@pytest.mark.parametrize(
    ("shelf", "tipo", "faltantes", "total"),
    [
        (FULL, "InventarioValidado", [], 230),
        (Shelf({"1": 2, "14": 1}, {"1": Precio(100, "COP")}), "InventarioValidado", [], 0),
        (Shelf({"1": 2, "14": 1}, {"1": Precio(100, "COP"), "14": Precio(30, "USD")}), "InventarioValidado", [], 0),
        (Shelf({"1": 1}), "InventarioInsuficiente", [("1", 2, 1), ("14", 1, 0)], 0),
        (Shelf({"1": 2, "14": 1}, {"1": Precio(2**52, "COP"), "14": Precio(1, "COP")}), "TotalExcedido", [], 0),
    ],
)
def test_the_reply_follows_from_the_shelf(shelf: Shelf, tipo: str, faltantes: list[tuple[str, int, int]], total: int) -> None:
    got, data = inventario.validate(ID, command().data.productos, shelf)
    assert (got, [tuple(f.model_dump().values()) for f in data.faltantes], data.total) == (tipo, faltantes, total)
    assert bool(data.precios) == bool(data.moneda) == bool(total)


@pytest.mark.parametrize("tipo", ["ValidarInventario", "CancelarValidacionInventario"])
def test_a_reply_has_the_fields_of_its_schema(tipo: str) -> None:
    sidecar = Sidecar()
    assert deliver(sidecar, command(tipo).model_dump_json().encode()) == "done"
    topic, reply, properties = sidecar.published[0]
    assert topic == "eventos-inventario"
    assert properties == {"rawPayload": "true", "partitionKey": ID, "traceparent": TRACE}
    assert (reply["data"]["id_compra"], reply["data"]["responde_a"], reply["traceparent"]) == (ID, tipo, TRACE)
    for schema, record in (("eventos-inventario", reply), ("comandos-inventario", command().model_dump())):
        fields = json.loads((AVRO / f"{schema}.avsc").read_text())["fields"]
        assert [f["name"] for f in fields] == list(record)
        assert [f["name"] for f in fields[-1]["type"]["fields"]] == list(record["data"])


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (command(id_compra="A-17"), "id_compra"),
        (command(productos=[]), "productos"),
        (command(productos=[Linea(id_producto=str(i), cantidad=1) for i in range(101)]), "productos"),
        (command(productos=[Linea(id_producto="1", cantidad=1), Linea(id_producto="1", cantidad=1)]), "productos[1].id_producto"),
        (command(productos=[Linea(id_producto="x" * 65, cantidad=1)]), "productos[0].id_producto"),
        (command(productos=[Linea(id_producto="a\u0007", cantidad=1)]), "U+0007, que está en la posición 2"),
        (command(productos=[Linea(id_producto=" 1", cantidad=1)]), "productos[0].id_producto"),
        (command(productos=[Linea(id_producto="1", cantidad=0)]), "productos[0].cantidad"),
        (command(productos=[Linea(id_producto="1", cantidad=1_000_001)]), "productos[0].cantidad"),
        (command(aceptada_en=-1), "aceptada_en"),
        (command().model_copy(update={"time": contract.MAX_INSTANT + 1}), "time"),
        (command("x" * 101), "type"),
        (command().model_copy(update={"id": "x" * 256}), "id: puede"),
        (command("ContarInventario"), 'no conoce el comando "ContarInventario"'),
        (command("CancelarValidacionInventario", productos=[Linea(id_producto="", cantidad=1)]), "productos[0].id_producto"),
    ],
)
def test_a_bad_command_is_a_dead_letter_with_its_reason(wrong: Comando, names: str) -> None:
    sidecar = Sidecar()
    assert deliver(sidecar, wrong.model_dump_json().encode()) == "dead"
    topic, record, properties = sidecar.published[0]
    assert (topic, record) == ("comandos-inventario-dlq", wrong.model_dump())
    assert names in properties["motivo"]
    assert (properties["intentos"], properties["origen"]) == ("1", "consolidador")
    assert "bytes" not in properties
    assert properties.get("partitionKey") == (ID if wrong.data.id_compra == ID else None)


@pytest.mark.parametrize(
    "good",
    [
        command(productos=[Linea(id_producto="\u200d" * 64, cantidad=1_000_000)]),
        command("CancelarValidacionInventario", productos=[]),
        command().model_copy(update={"id": "a\u0007\u202e" + "x" * 252}),
    ],
)
def test_the_last_good_value_is_taken(good: Comando) -> None:
    contract.check(good)


@pytest.mark.parametrize("size", [100, contract.MAX_RECORD - 100, contract.MAX_RECORD + 10, 3 * contract.MAX_RECORD])
def test_what_is_no_record_becomes_one(size: int) -> None:
    whole = b'{"type":"ValidarInventario","time":12,"id":"a-1","data":{"id_compra":"%s","nada":"%s"}}' % (ID.encode(), b"x" * size)
    sidecar = Sidecar()
    assert deliver(sidecar, whole) == "dead"
    _, record, properties = sidecar.published[0]
    assert properties["motivo"].startswith("mensaje ilegible")
    assert abs(int(properties["bytes"]) - len(whole)) < 3
    assert len(properties["comienzo"]) <= 2000
    assert "sha256" not in properties
    assert (record["id"], record["type"], record["time"], record["data"]["id_compra"]) == ("a-1", "ValidarInventario", 12, ID)
    Comando.model_validate(record)


def test_trouble_gives_the_message_back_and_counts_nothing() -> None:
    sidecar = Sidecar()
    good = command().model_dump_json().encode()
    for fault in (OperationalError("down"), TimeoutError(), ConnectionRefusedError()):
        assert deliver(sidecar, good, Shelves(FULL, fault)) == "retry"
    broker = grpc.RpcError()
    vars(broker)["code"] = lambda: grpc.StatusCode.UNAVAILABLE
    sidecar.fault = broker
    assert deliver(sidecar, good) == "retry"
    assert (sidecar.published, sidecar.state) == ([], {})


def test_what_nobody_foresaw_is_tried_ten_times() -> None:
    sidecar = Sidecar()
    record = command().model_dump_json().encode()
    became = [deliver(sidecar, record, Shelves(FULL, KeyError("x"))) for _ in range(10)]
    assert became == ["retry"] * 9 + ["dead"]
    assert sidecar.published[0][2]["intentos"] == "10"
    assert next(iter(sidecar.state)).startswith("intentos/comandos-inventario/")


ENV = {"APP_PORT": "1", "DAPR_HTTP_PORT": "1", "DAPR_GRPC_PORT": "1", "DATABASE_URL": "postgres://u@127.0.0.1:1/x", "APP_API_TOKEN": "s"}


def test_only_the_sidecar_is_answered() -> None:
    client = TestClient(app.create(settings.read(ENV)))  # without its lifespan
    for token in ("", "t"):
        r = client.post("/mensajes/comandos-inventario", headers={"dapr-api-token": token})
        assert (r.status_code, r.json()["type"]) == (401, "urn:entregas:problema:no-autenticado")
    assert [client.get(path).status_code for path in ("/healthz", "/metrics", "/docs", "/readyz")] == [200, 200, 404, 503]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"data_base64": 7}',
        '{"data_base64": ""}',
        '{"data_base64": "%%"}',
        '{"data_base64": "e30"}',
        "[" * 20_000,
        "x" * 2_000_000,
    ],
)
def test_what_is_no_delivery_is_given_back(body: str) -> None:
    served, sidecar = app.create(settings.read({**ENV, "APP_API_TOKEN": ""})), Sidecar()
    stand_in: Any = sidecar
    served.state.pubsub = pubsub.Pubsub(stand_in)
    assert TestClient(served).post("/mensajes/comandos-inventario", content=body).json() == {"status": "RETRY"}
    assert not sidecar.published


def test_the_service_answers_before_its_sidecar_does() -> None:
    """A client that waits for the sidecar blocks the health check, and a SIGTERM."""
    silent = socket.create_server(("127.0.0.1", 0))  # takes a connection, and never answers
    env = {**ENV, "APP_API_TOKEN": "", "DAPR_HTTP_PORT": str(silent.getsockname()[1])}
    started = time.monotonic()
    with TestClient(app.create(settings.read(env))) as client:
        assert client.get("/healthz").status_code == 200
        assert client.post("/mensajes/comandos-inventario", content=delivery_of(command())).json() == {"status": "RETRY"}
    assert time.monotonic() - started < 10
    silent.close()


def test_a_sidecar_that_starts_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar, tries = Sidecar(), []

    def client_of(*_: Any, **__: Any) -> Sidecar:
        tries.append(1)
        if len(tries) < 3:
            raise TimeoutError
        return sidecar

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

    monkeypatch.setattr(app, "DaprClient", client_of)
    monkeypatch.setattr(app, "CONNECT_EVERY", 0.01)
    with http.server.HTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        env = {**ENV, "APP_API_TOKEN": "", "DAPR_HTTP_PORT": str(server.server_port)}
        with TestClient(app.create(settings.read(env))) as client:
            became = ""
            for _ in range(500):
                body = delivery_of(command("CancelarValidacionInventario"))
                became = client.post("/mensajes/comandos-inventario", content=body).json()["status"]
                if became == "SUCCESS":
                    break
                time.sleep(0.01)
        server.shutdown()
    assert (became, len(tries), len(sidecar.published), sidecar.closed) == ("SUCCESS", 3, 1, True)


def test_the_fingerprint_of_the_documents() -> None:
    """The program in docs/participant.md computes each vector: consolidador stores nothing and needs none itself."""
    program = (AVRO.parents[1] / "docs" / "participant.md").read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {"json": json, "hashlib": hashlib}
    exec(program, names)  # noqa: S102
    known = json.loads((AVRO.parent / "testdata" / "fingerprints.json").read_text())
    for v in known["vectors"] + known["wide"]:
        assert names["fingerprint"](v["data"], known["compared"][v["tema"]]) == v["fingerprint"], v["name"]


def test_settings_name_what_is_wrong() -> None:
    for env, fault in (({**ENV, "DATABASE_URL": ""}, "DATABASE_URL"), ({**ENV, "BODY_TIMEOUT": "soon"}, "soon")):
        with pytest.raises(ValueError, match=fault):
            settings.read(env)
    assert settings.read({**ENV, "SHUTDOWN_TIMEOUT": "1m30s"}).shutdown_timeout == 90


def test_each_wait_of_the_database_has_an_end() -> None:
    options = str(conninfo_to_dict(postgres.connection_info("postgres://u@h:1/productos?sslmode=disable&options=-c%20x.y%3D1"))["options"])
    assert options == "-c lock_timeout=500ms -c statement_timeout=10s -c idle_in_transaction_session_timeout=10s -c x.y=1"
