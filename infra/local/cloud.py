"""The local AWS: ministack as a process of its own, which outlives the command that started it.

It keeps everything in memory, so a stop forgets the stack and a start begins with none.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from say import Failure
from settings import ACCOUNT, VENV, Settings

START_SECONDS = 30
STOP_SECONDS = 10


@dataclass(frozen=True)
class Cloud:
    """The local AWS of one run. Its record says which process it is, and on which port."""

    settings: Settings

    @property
    def record(self) -> Path:
        """Names the process that was started, until it is stopped."""
        return self.settings.folder / "cloud.json"

    @property
    def log(self) -> Path:
        """What ministack prints."""
        return self.settings.logs / "ministack.log"

    @property
    def scratch(self) -> Path:
        """Where ministack unpacks the functions, instead of the machine's /tmp."""
        return self.settings.folder / "tmp"

    def ensure_running(self) -> str:
        """Start the local AWS unless it already runs as it should; say which it was."""
        if self.pid() is not None and self.recorded_port() == self.settings.port and self.healthy():
            return f"already running on port {self.settings.port}"
        self.stop()
        self.start()
        return f"started on port {self.settings.port}"

    def start(self) -> None:
        """Start ministack with IAM enforced, and wait until it answers."""
        if port_taken(self.settings.port):
            raise Failure(
                f"Port {self.settings.port} is taken by a program that was not started from here.",
                f"stop that program, or choose another port: PORT={self.settings.port + 1} for "
                f"`make up`, TEST_PORT for `make test`, BENCH_PORT for `make bench`.",
            )
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.settings.logs.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                [VENV / "bin" / "python", "-m", "ministack"],
                cwd=self.scratch,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.record.write_text(json.dumps({"pid": process.pid, "port": self.settings.port}))
        self.wait_until_healthy(process)

    def environment(self) -> dict[str, str]:
        """All that ministack gets to see: its environment is passed on to the functions."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", str(self.scratch)),
            "TMPDIR": str(self.scratch),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.settings.port),
            "AWS_ENDPOINT_URL": self.settings.endpoint,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the first answer, and stop waiting when the process ends."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failure(
                    "The local AWS ended as soon as it started.",
                    "read the log above; `make clean` and another try repair a broken install.",
                    self.log,
                )
            if self.healthy():
                return
            time.sleep(0.1)
        self.stop()
        raise Failure(
            f"The local AWS did not answer within {START_SECONDS} s.",
            "look whether the machine is out of memory or very busy, and try again.",
            self.log,
        )

    def healthy(self) -> bool:
        """Whether the installed version of ministack answers, with IAM enforced."""
        try:
            url = f"{self.settings.endpoint}/_ministack/health"
            with direct_opener().open(url, timeout=5) as answer:
                health = json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        found = (health.get("auth"), health.get("version"))
        return found == ("enabled", version("ministack"))

    def pid(self) -> int | None:
        """The process that the record names, if that is still a ministack."""
        try:
            pid = int(json.loads(self.record.read_text())["pid"])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, KeyError):
            return None
        return pid if b"ministack" in command else None

    def recorded_port(self) -> int:
        """The port on which the recorded process was started."""
        return int(json.loads(self.record.read_text())["port"])

    def stop(self) -> bool:
        """End the process and its functions: gently, then by force. Say whether one was running."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + STOP_SECONDS
            while self.pid() is not None and time.monotonic() < deadline:
                time.sleep(0.05)
            kill_session(pid)
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.record.unlink(missing_ok=True)
        self.settings.stack_file.unlink(missing_ok=True)
        return pid is not None


def kill_session(leader: int) -> None:
    """End what is left of the session that ministack led: the functions, and itself if stuck."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def port_taken(port: int) -> bool:
    """Whether something already listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def direct_opener() -> urllib.request.OpenerDirector:
    """Opens local addresses without the proxy that the environment may name."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
