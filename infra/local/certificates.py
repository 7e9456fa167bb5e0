"""A certificate authority of the local run, and with it the receiver's certificate.

Deliveries go out over TLS also on one machine. The functions trust the authority because their
CA bundle is the machine's own with this one added; nothing on the machine is changed.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import certifi
import trustme
from cryptography import x509

NAMES = ("127.0.0.1", "localhost", "::1")
LIFETIME = timedelta(days=365)
RENEWAL = timedelta(days=7)

# OpenSSL tells where it was built to look, which is not where every distribution keeps the file.
KNOWN_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True)
class Certificates:
    """The files of one local run."""

    authority: Path
    server: Path
    server_key: Path
    bundle: Path

    @classmethod
    def inside(cls, folder: Path) -> Certificates:
        """The files' places in a folder."""
        return cls(
            authority=folder / "ca.pem",
            server=folder / "server.pem",
            server_key=folder / "server-key.pem",
            bundle=folder / "ca-bundle.pem",
        )

    def usable(self) -> bool:
        """Whether all the files are there, and the server's certificate lives a while longer."""
        files = (self.authority, self.server, self.server_key, self.bundle)
        if not all(file.exists() for file in files):
            return False
        server = x509.load_pem_x509_certificate(self.server.read_bytes())
        return server.not_valid_after_utc > datetime.now(timezone.utc) + RENEWAL

    def make(self) -> None:
        """Write a new authority, a server certificate by it, and the bundle with both worlds."""
        self.authority.parent.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA(organization_name="hookbell local run")
        server = authority.issue_cert(*NAMES, not_after=datetime.now(timezone.utc) + LIFETIME)
        authority.cert_pem.write_to_path(str(self.authority))
        self.server.write_bytes(b"".join(blob.bytes() for blob in server.cert_chain_pems))
        self.server_key.touch(mode=0o600)
        server.private_key_pem.write_to_path(str(self.server_key))
        self.bundle.write_bytes(system_bundle().read_bytes() + b"\n" + authority.cert_pem.bytes())


def system_bundle() -> Path:
    """The machine's CA bundle, or the one that comes with Python's certifi."""
    candidates = (ssl.get_default_verify_paths().cafile, *KNOWN_BUNDLES)
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return Path(certifi.where())
