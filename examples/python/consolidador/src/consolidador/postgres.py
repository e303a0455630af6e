"""Reads the stock and the prices in the database of admin-productos. The role may do nothing else."""

from datetime import UTC, datetime, timedelta

from opentelemetry import trace
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import AsyncConnectionPool

from consolidador.inventario import Precio, Shelf

# Each wait has an end (docs/adr/bounded-waits.md).
LIMITS = {"lock_timeout": "500ms", "statement_timeout": "10s", "idle_in_transaction_session_timeout": "10s"}
POOL_TIMEOUT = 5.0  # seconds until a command gets a connection, or goes back to the broker

# A change of a price that is not committed yet holds from after this read, so that each copy of a command gets the same prices
# (docs/adr/prices-are-those-of-the-acceptance.md).
TURN = "select lock_prices(false)"
QUERY = """
select p.id, p.cantidad, coalesce(v.precio, 0), coalesce(v.moneda, '') from producto p
left join lateral (select precio, moneda from precio where id_producto = p.id and desde <= %s order by desde desc limit 1) v on true
where p.id = any(%s)"""

tracer = trace.get_tracer("consolidador")


def connection_info(url: str) -> str:
    """The address with its limits. libpq reads the password by PGPASSFILE or PGPASSWORD."""
    options = " ".join(f"-c {name}={value}" for name, value in LIMITS.items())
    return make_conninfo(url, options=f"{options} {conninfo_to_dict(url).get('options', '')}".strip())


class Existencias:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self.pool = pool

    async def of(self, ids: list[str], accepted: int) -> Shelf:
        """What the warehouse has of each product that exists, and its price at the instant accepted (milliseconds)."""
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=accepted)
        kind = {"db.system.name": "postgresql"}
        with tracer.start_as_current_span("select producto", kind=trace.SpanKind.CLIENT, attributes=kind):
            async with self.pool.connection() as connection, connection.pipeline(), connection.transaction():
                await connection.execute(TURN)
                rows = await (await connection.execute(QUERY, (at, ids))).fetchall()
        return Shelf({r[0]: r[1] for r in rows}, {r[0]: Precio(r[2], r[3]) for r in rows if r[2] > 0})

    async def ping(self) -> None:
        async with self.pool.connection(timeout=2) as connection:
            await connection.execute("select 1")


def new_pool(url: str, connections: int) -> AsyncConnectionPool:
    """A pool that is not open yet. After a failed connection it tries again within a few seconds, however long the outage."""
    return AsyncConnectionPool(
        connection_info(url), min_size=1, max_size=connections, timeout=POOL_TIMEOUT, reconnect_timeout=5, open=False
    )
