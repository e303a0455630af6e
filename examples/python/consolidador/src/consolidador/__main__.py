"""Starts the service: python -m consolidador."""

import logging
import sys
import threading

import uvicorn
from dapr.conf import settings as dapr

from consolidador import app, settings, telemetry

SIDECAR_TIMEOUT = 10  # seconds that one call of the sidecar may take
SPANS_TIMEOUT = 2  # seconds that a collector may take at the end
REST = 4  # seconds of SHUTDOWN_TIMEOUT for the pool, the sidecar and the spans


def main() -> None:
    try:
        s = settings.read()
    except ValueError as e:
        sys.exit(f"consolidador: {e}")
    spans = telemetry.start(s.log_level, s.collector)
    vars(dapr).update(DAPR_API_TIMEOUT_SECONDS=SIDECAR_TIMEOUT, DAPR_HEALTH_TIMEOUT=0)  # app.py waits, without blocking
    logging.getLogger(__name__).info("starting on %s:%d", s.address, s.port)
    uvicorn.run(
        app.create(s), host=s.address, port=s.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=max(1, int(s.shutdown_timeout) - REST), timeout_keep_alive=120,
    )  # fmt: skip
    if spans:
        last = threading.Thread(target=spans.shutdown, daemon=True)
        last.start()
        last.join(SPANS_TIMEOUT)


main()
