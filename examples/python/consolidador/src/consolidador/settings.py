"""What the environment says. The launcher and the manifests set the same variables as for the service in Go."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True)
class Settings:
    address: str
    port: int
    dapr_http_port: int
    dapr_grpc_port: int
    app_api_token: str
    database_url: str
    max_database_connections: int
    log_level: str
    collector: str
    body_timeout: float  # seconds
    shutdown_timeout: float  # seconds


def seconds(text: str) -> float:
    """A duration such as 15s, 500ms or 1m30s."""
    parts = re.findall(r"(\d+)(ms|s|m)", text)
    if not parts or "".join(n + u for n, u in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 15s")
    return sum(int(n) * UNITS[u] for n, u in parts)


def read(env: Mapping[str, str] = os.environ) -> Settings:
    """Raises ValueError for a variable that is missing or wrong."""

    def required(name: str) -> str:
        if not env.get(name):
            raise ValueError(f"the variable {name} is missing")
        return env[name]

    return Settings(
        address=env.get("LISTEN_ADDRESS") or "127.0.0.1",
        port=int(required("APP_PORT")),
        dapr_http_port=int(required("DAPR_HTTP_PORT")),
        dapr_grpc_port=int(required("DAPR_GRPC_PORT")),
        app_api_token=env.get("APP_API_TOKEN", ""),
        database_url=required("DATABASE_URL"),
        max_database_connections=int(env.get("MAX_DATABASE_CONNECTIONS") or 8),
        log_level=env.get("LOG_LEVEL") or "INFO",
        collector=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        body_timeout=seconds(env.get("BODY_TIMEOUT") or "30s"),
        shutdown_timeout=seconds(env.get("SHUTDOWN_TIMEOUT") or "15s"),
    )
