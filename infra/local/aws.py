"""How the local run reaches the local AWS, and never a real one.

A profile, a session or a configuration file of the caller could lead to a real account. So the
import of this module removes them from the environment of this process and of all it starts.
"""

from __future__ import annotations

import os
from typing import Any

import boto3
from botocore.config import Config

from settings import REGION, VENV, Settings

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

for name in list(os.environ):
    # AWS_LC_ configures the build of a cryptography library, and no account.
    if name.startswith("AWS_") and not name.startswith("AWS_LC_"):
        del os.environ[name]
os.environ["AWS_CONFIG_FILE"] = os.devnull
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which sam, and tests, speak to the local AWS."""
    return {
        **os.environ,
        **CREDENTIALS,
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "SAM_CLI_TELEMETRY": "0",
    }


def client(service: str, endpoint: str, **config: Any) -> Any:
    """A client of the local AWS, with botocore's configuration."""
    session: Any = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    return session.client(service, endpoint_url=endpoint, config=Config(proxies={}, **config))
