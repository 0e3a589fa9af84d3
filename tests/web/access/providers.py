"""Providers of OpenID Connect: a real one, as a process of its own, and one that can lie.

The real one (oidc-provider-mock, over Authlib) does not look at PKCE; the other one does, and signs whatever a test says.
"""

import hashlib
import json
import socket
import subprocess
import sys
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


@contextmanager
def real_provider(*people: Mapping[str, object]) -> Iterator[str]:
    """Its issuer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    claims = [word for person in people for word in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *claims]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "running on" in line:
                    break
            else:
                raise AssertionError("the provider did not start: " + "".join(said))
            Thread(target=process.stderr.read, daemon=True).start()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


class Liar:
    """A strict provider of one client, `shop` with the secret `s3cret`, whose answers a test may bend."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "17", "email": "ada@example.com", "email_verified": True}
        self.described: dict[str, Any] = {}
        self.headers: dict[str, Any] = {}
        self.key: Any = KEY
        self.algorithm = "RS256"
        self.asked: dict[str, str] = {}
        self.used = False
        self.issuer = ""

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **self.described,
        }

    def authorize(self, address: str) -> str:
        """What the browser brings back, as a query."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.used = False
        return f"code=c0de&state={self.asked['state']}"

    def token(self, fields: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        challenge = urlsafe_b64encode(hashlib.sha256(fields.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        is_right = (
            b64decode(authorization.partition(" ")[2]) == b"shop:s3cret"
            and fields.get("code") == "c0de"
            and not self.used
            and fields.get("redirect_uri") == self.asked["redirect_uri"]
            and self.asked["code_challenge_method"] == "S256"
            and challenge.decode() == self.asked["code_challenge"]
        )
        self.used = True
        if not is_right:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": "shop",
            "iat": now,
            "exp": now + 60,
            "nonce": self.asked["nonce"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"kid": "1", **self.headers}
        return 200, {
            "id_token": jwt.encode(claims, self.key, self.algorithm, headers),
            "access_token": "t",
            "token_type": "Bearer",
        }


@contextmanager
def lying_provider() -> Iterator[Liar]:
    liar = Liar()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                self._answer(200, liar.discovery())
            else:
                public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
                self._answer(200, {"keys": [{**public, "kid": "1", "use": "sig", "alg": "RS256"}]})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            fields = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*liar.token(fields, self.headers.get("authorization", "")))

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    liar.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
