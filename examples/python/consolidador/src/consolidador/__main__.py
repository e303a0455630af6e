"""Starts the service: python -m consolidador."""

import logging
import sys

import uvicorn
from dapr.conf import settings as dapr

from consolidador import app, settings, telemetry

SIDECAR_TIMEOUT = 10  # seconds that one call of the sidecar may take
SIDECAR_WAIT = 120  # seconds: the sidecar may start later, and waits for the broker


def main() -> None:
    try:
        s = settings.read()
    except ValueError as e:
        sys.exit(f"consolidador: {e}")
    spans = telemetry.start(s.log_level, s.collector)
    vars(dapr).update(DAPR_API_TIMEOUT_SECONDS=SIDECAR_TIMEOUT, DAPR_HEALTH_TIMEOUT=SIDECAR_WAIT)
    logging.getLogger(__name__).info("starting on %s:%d", s.address, s.port)
    uvicorn.run(
        app.create(s), host=s.address, port=s.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=int(s.shutdown_timeout), timeout_keep_alive=120,
    )  # fmt: skip
    if spans:
        spans.shutdown()


main()
