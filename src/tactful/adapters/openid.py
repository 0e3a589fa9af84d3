"""A provider of OpenID Connect: the code flow with PKCE, and an ID token that is believed only when it is signed.

Authlib would bring a client of its own, sessions of its own and three more packages; over PyJWT, which reads and
verifies the token, what is left of the flow are two requests.
"""

import hashlib
import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import jwt

from tactful.errors import TransientError
from tactful.operations.access.access import Wrong
from tactful.operations.access.openid import Begun
from tactful.runtime.settings_access import OpenIdSettings

PATIENCE_S = 10.0
LEEWAY_S = 60
ANSWER_BYTES = 1 << 20
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""None that is signed with the client's secret, and never `none`."""
NEAR = ("localhost", "127.0.0.1", "::1")


class OpenIdProvider:
    """The port `Provider`; what the provider says of itself is asked each time, since people sign in seldom."""

    def __init__(self, settings: OpenIdSettings) -> None:
        self._settings = settings

    async def address(self, begun: Begun, back: str) -> str:
        async with _client() as client:
            described = await self._described(client)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(self._settings.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": _challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        start = described["authorization_endpoint"]
        return f"{start}{'&' if urlsplit(start).query else '?'}{urlencode(asked, quote_via=quote)}"

    async def claims(self, begun: Begun, code: str, back: str) -> dict[str, Any]:
        async with _client() as client:
            described = await self._described(client)
            answered = await self._exchange(client, described, begun, code, back)
            keys = await _asked(client, described["jwks_uri"])
            claims = self._verified(str(answered.get("id_token", "")), keys, begun.nonce)
            wanted = {"email", *([self._settings.claim] if self._settings.roles else [])}
            if described.get("userinfo_endpoint") and not wanted <= claims.keys():
                headers = {"Authorization": f"Bearer {answered.get('access_token', '')}"}
                more = await _asked(client, described["userinfo_endpoint"], headers=headers)
                if more.get("sub") == claims["sub"]:  # OpenID Core 5.3.2: else it speaks of somebody else.
                    claims = {**more, **claims}
        return claims

    async def _described(self, client: aiohttp.ClientSession) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0, 4."""
        issuer = self._settings.issuer
        described = await _asked(client, f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if described.get("issuer") != issuer:
            raise TransientError(f"{issuer} says that it is {described.get('issuer')!r}; the setting must be the same")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            parts = urlsplit(str(described.get(name, "")))
            if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in NEAR)):
                raise TransientError(f"{issuer} names no safe {name}")
        return described

    async def _exchange(
        self, client: aiohttp.ClientSession, described: dict[str, Any], begun: Begun, code: str, back: str
    ) -> dict[str, Any]:
        settings = self._settings
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": begun.verifier,
        }
        headers = {}
        methods = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if settings.client_secret and "client_secret_basic" in methods:
            pair = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret, safe='')}"  # RFC 6749, 2.3.1.
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields["client_id"] = settings.client_id
            if settings.client_secret:
                fields["client_secret"] = settings.client_secret
        try:
            async with client.post(described["token_endpoint"], data=fields, headers=headers) as answer:
                body = await answer.content.read(ANSWER_BYTES)
                if 400 <= answer.status < 500:  # The code was used, is too old, or was never given.
                    raise Wrong("the provider does not know this sign-in (any more); try again")
                return _object(body, described["token_endpoint"])
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TransientError(f"{described['token_endpoint']}: {error}") from None

    def _verified(self, token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
        """OpenID Core 3.1.3.7."""
        settings = self._settings
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            found = [key for key in jwt.PyJWKSet.from_dict(keys).keys if kid is None or key.key_id == kid]
            if not found:
                raise Wrong("the provider signed with a key that it does not publish")
            claims: dict[str, Any] = jwt.decode(
                token,
                found[0],
                algorithms=list(ALGORITHMS),
                audience=settings.client_id,
                issuer=settings.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "aud", "iss"]},
            )
        except jwt.PyJWTError as error:
            raise Wrong(f"the provider's answer does not hold: {error}") from None
        if claims.get("nonce") != nonce:
            raise Wrong("the provider's answer belongs to another sign-in; try again")
        if claims.get("azp", settings.client_id) != settings.client_id:
            raise Wrong("the provider's answer is for somebody else")
        return claims


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S), cookie_jar=aiohttp.DummyCookieJar())


async def _asked(client: aiohttp.ClientSession, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    try:
        async with client.get(url, headers=headers, allow_redirects=False) as answer:
            body = await answer.content.read(ANSWER_BYTES)
            if answer.status != 200:
                raise TransientError(f"{url} answers with {answer.status}")
            return _object(body, url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TransientError(f"{url}: {error}") from None


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise TransientError(f"{url} answers with something else than an object of JSON")
    return value


def _challenge(verifier: str) -> str:
    """RFC 7636, 4.2."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
