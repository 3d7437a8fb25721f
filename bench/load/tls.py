"""TLS towards clients as it is measured: one suite, one group and one certificate, the same for every proxy."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

SUITE, GROUP = "TLS_AES_128_GCM_SHA256", "X25519"
ABOUT = f"TLS 1.3, {SUITE}, {GROUP}, an ECDSA P-256 certificate"


@dataclass(frozen=True)
class Certificate:
    chain: Path
    key: Path
    both: Path  # in one file, as HAProxy wants them


def certificate(directory):
    made = Certificate(*(directory / name for name in ("tls.pem", "tls.key", "tls-both.pem")))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-keyout", str(made.key),
                    "-out", str(made.chain)], check=True, capture_output=True)
    made.both.write_text(made.chain.read_text() + made.key.read_text())
    return made


def client():
    """Believes whom it speaks to."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
