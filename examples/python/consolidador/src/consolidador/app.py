"""The HTTP interface, which only the own sidecar may use."""

import asyncio
import hmac
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from dapr.aio.clients import DaprClient
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException as StarletteHTTPException

from consolidador import inventario, telemetry
from consolidador.contract import COMMANDS, BadMessageError, Comando, DatosEvento, ReplyType
from consolidador.postgres import Existencias, new_pool
from consolidador.pubsub import Pubsub, TraceCalls, read
from consolidador.settings import Settings

READ_TIMEOUT = 10  # seconds: a database that hangs must not occupy all handlers
READY_FOR, READY_TIMEOUT = 1, 2  # seconds: /readyz is open to everyone, so one check answers all who ask
CONNECT_EVERY = 1  # seconds between two looks for a sidecar that starts later, and waits for the broker
CLOSE_TIMEOUT = 1  # seconds that the connections of the pool may take to end

log = logging.getLogger(__name__)


async def answer(existencias: Existencias, command: Comando) -> tuple[ReplyType, DatosEvento]:
    d = command.data
    match command.type:
        case "ValidarInventario":
            async with asyncio.timeout(READ_TIMEOUT):
                shelf = await existencias.of([line.id_producto for line in d.productos], d.aceptada_en)
            return inventario.validate(d.id_compra, d.productos, shelf)
        case "CancelarValidacionInventario":
            return inventario.cancel(d.id_compra)
        case _:
            raise BadMessageError(f'consolidador no conoce el comando "{command.type}"')


class Readiness:
    """The result of the checks of the last second."""

    def __init__(self, checks: dict[str, Callable[[], Awaitable[None]]]) -> None:
        self.checks, self.turn, self.at, self.missing = checks, asyncio.Lock(), 0.0, ""

    async def now(self) -> str:
        """The name of what does not answer, or ''."""
        async with self.turn:
            if time.monotonic() - self.at >= READY_FOR:
                self.missing = ""
                for name, check in self.checks.items():
                    try:
                        async with asyncio.timeout(READY_TIMEOUT):
                            await check()
                    except Exception as e:
                        log.warning("not ready: %s: %r", name, e)
                        self.missing = name
                self.at = time.monotonic()
            return self.missing


def problem(status: int, code: str, title: str, detail: str) -> JSONResponse:
    body = {"type": f"urn:entregas:problema:{code}", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


PROBLEMS = {
    401: ("no-autenticado", "No autenticado", "Este servicio atiende solo a su propio sidecar. Use la interfaz pública."),
    404: ("no-encontrado", "No encontrado", "No existe la ruta."),
    405: ("no-permitido", "Operación no permitida", "La ruta no admite este método."),
}  # fmt: skip


def create(settings: Settings) -> FastAPI:
    pool = new_pool(settings.database_url, settings.max_database_connections)

    async def sidecar_ready() -> None:
        url = f"http://127.0.0.1:{settings.dapr_http_port}/v1.0/healthz/outbound"
        async with aiohttp.request("GET", url) as r:
            if r.status != 204:
                raise ConnectionError(f"it answered {r.status}")

    async def connected() -> None:
        await sidecar_ready()
        if not app.state.pubsub:
            raise ConnectionError("it has not answered yet")

    async def connect() -> None:
        """Makes the client once the sidecar answers: its constructor asks the sidecar, and blocks everything until it answers."""
        while not app.state.pubsub:
            try:
                async with asyncio.timeout(READY_TIMEOUT):
                    await sidecar_ready()
                app.state.pubsub = Pubsub(DaprClient(f"127.0.0.1:{settings.dapr_grpc_port}", interceptors=[TraceCalls()]))
            except Exception as e:
                log.info("waiting for the sidecar: %r", e)
                await asyncio.sleep(CONNECT_EVERY)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await pool.open(wait=False)
        connecting = asyncio.create_task(connect())
        yield
        connecting.cancel()
        await asyncio.wait([connecting])
        await pool.close(CLOSE_TIMEOUT)
        if app.state.pubsub:
            await app.state.pubsub.sidecar.close()

    def from_sidecar(request: Request) -> None:
        shown = request.headers.get("dapr-api-token", "").encode()
        if settings.app_api_token and not hmac.compare_digest(shown, settings.app_api_token.encode()):
            raise HTTPException(401)

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.pubsub = None  # until the sidecar answers
    existencias = Existencias(pool)
    ready = Readiness({"sidecar": connected, "the database": existencias.ping})

    @app.post(f"/mensajes/{COMMANDS}", dependencies=[Depends(from_sidecar)])
    async def command(request: Request) -> dict[str, str]:
        started, outcome = time.perf_counter(), "retry"
        try:
            async with asyncio.timeout(settings.body_timeout):
                delivery = await read(request.stream())
            pubsub: Pubsub | None = request.app.state.pubsub
            if not pubsub:
                raise ConnectionError("the sidecar has not answered yet")
            delivered = request.headers.get("traceparent", "")
            outcome = await pubsub.receive(delivery, delivered, lambda m: answer(existencias, m))
        except Exception:
            log.warning("message given back to the broker", exc_info=True)
        telemetry.HANDLED.labels(COMMANDS, outcome).observe(time.perf_counter() - started)
        return {"status": "RETRY" if outcome == "retry" else "SUCCESS"}

    @app.get("/healthz")
    async def healthz() -> Response:
        return Response()

    @app.get("/readyz")
    async def readyz() -> Response:
        missing = await ready.now()
        return Response(f"{missing} does not answer" if missing else "", 503 if missing else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.exception_handler(StarletteHTTPException)
    async def refused(_: Request, e: StarletteHTTPException) -> JSONResponse:
        return problem(e.status_code, *PROBLEMS.get(e.status_code, ("interno", "Error", "La petición no se pudo atender.")))

    return app
