"""Connecting to a Ray cluster, or starting one on this machine."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ....errors import ResforgeError

_START_HELP = "start one with `ray start --head`, or unset RAY_ADDRESS for one on this machine"
_TOKEN_HELP = "; a cluster that asks for a token needs RAY_AUTH_MODE=token"
#: Seconds in which the cluster's address must accept a connection.
_CONNECT_SECONDS = 10.0


def import_ray() -> Any:
    """Ray. Raises :class:`~resforge.ResforgeError` where it is missing."""
    if os.environ.get("RAY_ADDRESS"):
        # Ray reads it at import: 2 attempts of 40 seconds instead of 20.
        os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    try:
        return import_module("ray")
    except ImportError as error:
        raise ResforgeError(
            "the engine ray needs Ray: pip install 'resforge[ray]', or use --engine process"
        ) from error


def connect(ray: Any, workers: int | None, runtime_env: Mapping[str, Any] | None = None) -> bool:
    """Join or start a cluster; return False if this process had joined one before."""
    if ray.is_initialized():
        if runtime_env is not None:
            raise ResforgeError(
                "this process has joined a Ray cluster already: give runtime_env to ray.init"
            )
        return False
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": "warning"}
    if runtime_env is not None:
        settings["runtime_env"] = _checked(runtime_env)
    address = os.environ.get("RAY_ADDRESS")
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            _require_connection(address)
            ray.init(address=address, **settings)
        else:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **settings)
    except (OSError, RuntimeError, ValueError) as error:
        if not address:
            raise ResforgeError(f"no Ray cluster on this machine: {error}") from error
        # Ray raises the same where nothing answers and where the token is missing.
        refused = type(error) is ConnectionError and "RAY_AUTH_MODE" not in os.environ
        help_ = _START_HELP + _TOKEN_HELP * refused
        raise ResforgeError(f"no Ray cluster at RAY_ADDRESS={address}: {error}; {help_}") from error
    finally:
        # Ray replaces the handler.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return True


def _checked(runtime_env: Mapping[str, Any]) -> Any:
    """Ray's own form of a runtime environment."""
    try:
        return import_module("ray.runtime_env").RuntimeEnv(**runtime_env)
    except (TypeError, ValueError, OSError) as error:
        raise ResforgeError(f"runtime_env cannot be used: {error}") from error


def _require_connection(address: str) -> None:
    """Raise ``OSError`` if ``host:port`` accepts no connection, for which Ray waits minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():  # Ray has other forms of address, such as auto
        with socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS):
            pass
