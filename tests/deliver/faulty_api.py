"""HTTP APIs of mail providers as they document them, on a real socket, well-behaved until told not to be.

A mail counts as taken exactly when the provider has kept it, whether or not the sender ever learns of it. Each API looks at
key and fields as its documentation has it, and answers mistakes with its own errors.
"""

import asyncio
import base64
import email
import email.policy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, ClassVar, Protocol, Self

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KEY = "a-key-of-the-test"
_ADDRESS = re.compile(r"[^@\s<>]+@[a-z0-9.-]+\.[a-z]+")


@dataclass(frozen=True)
class Told:
    """What is answered instead: an HTTP answer, or a `what`: close (before the request is read), drop (reset after it was read), stall, garbage; with accept+ the mail is kept first."""

    status: int = 0
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    what: str = ""


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Mail:
    """What the provider would send."""

    intent: str
    to: str
    sender: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]


class Refused(Exception):
    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}


class Api(Protocol):
    def take(self, asked: Asked) -> Mail | object:
        """A mail to keep, or the JSON of another answer. Raises Refused."""
        ...

    def good(self, number: int) -> tuple[int, dict[str, str], object]: ...


@dataclass
class FaultyApi:
    """Faults are taken one per request, in order."""

    api: Api
    faults: list[Told] = field(default_factory=list)
    taken: list[Mail] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    stall: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        self._open: set[asyncio.StreamWriter] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stall.set()
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fault = self.faults.pop(0) if self.faults else Told()
        if fault.what == "close":
            return False
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        asked = Asked(method, path, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
        self.asked.append(asked)
        if fault.status:
            await self._say(writer, fault.status, dict(fault.headers), fault.body)
            return True
        if not fault.what or fault.what.startswith("accept+"):
            answer = self._take(asked)
        match fault.what.removeprefix("accept+"):
            case "":
                await self._say(writer, *answer)
                return True
            case "drop":
                writer.transport.abort()
            case "stall":
                await self.stall.wait()
            case "garbage":
                writer.write(b"\x00\x01 what do you mean?\r\n\r\n")
            case "nonsense":
                await self._say(writer, 200, {}, "<html>Welcome to the hotel's network</html>")
        return False

    def _take(self, asked: Asked) -> tuple[int, dict[str, str], object]:
        try:
            taken = self.api.take(asked)
        except Refused as refused:
            return refused.status, dict(refused.headers), refused.body
        if not isinstance(taken, Mail):
            return 200, {}, taken
        self.taken.append(taken)
        return self.api.good(len(self.taken))

    async def _say(self, writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: object) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(text.encode())}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", text]).encode())
        await writer.drain()


def need(condition: object, refused: Refused) -> None:
    if not condition:
        raise refused


class PostmarkApi:
    """https://postmarkapp.com/developer/api/email-api"""

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 200, {}, {"To": "", "SubmittedAt": "", "MessageID": f"pm-{number}", "ErrorCode": 0, "Message": "OK"}

    def take(self, asked: Asked) -> Mail | object:
        bad_key = Refused(401, {"ErrorCode": 10, "Message": "The Server Token you provided is missing or incorrect."})
        need(asked.headers.get("x-postmark-server-token") == KEY, bad_key)
        if (asked.method, asked.path) == ("GET", "/server"):
            return {"Name": "Shop", "DeliveryType": "Live"}
        need(
            (asked.method, asked.path) == ("POST", "/email"), Refused(404, {"ErrorCode": 0, "Message": "no such route"})
        )
        need(asked.headers.get("content-type") == "application/json", Refused(415, {}))
        need(asked.headers.get("accept") == "application/json", Refused(406, {}))
        said = self._read(asked.body)
        known = {
            "From",
            "To",
            "Subject",
            "TextBody",
            "HtmlBody",
            "Headers",
            "Metadata",
            "TrackOpens",
            "TrackLinks",
            "MessageStream",
        }
        need(set(said) <= known, Refused(422, {"ErrorCode": 402, "Message": f"unknown fields {set(said) - known}"}))
        need(_ADDRESS.search(said["From"]), Refused(422, {"ErrorCode": 300, "Message": "Invalid 'From' address."}))
        bad_to = Refused(422, {"ErrorCode": 300, "Message": f"Invalid 'To' address: '{said['To']}'."})
        need(_ADDRESS.fullmatch(said["To"]) and "bad" not in said["To"], bad_to)
        inactive = Refused(
            422, {"ErrorCode": 406, "Message": "You tried to send to recipient(s) that have been marked as inactive."}
        )
        need("inactive" not in said["To"], inactive)
        need(said["TrackLinks"] in {"None", "HtmlAndText", "HtmlOnly", "TextOnly"}, Refused(422, {"ErrorCode": 402}))
        need(
            all(len(key) <= 20 and len(value) <= 80 for key, value in said["Metadata"].items()),
            Refused(422, {"ErrorCode": 402}),
        )
        headers = {header["Name"]: header["Value"] for header in said["Headers"]}
        need(
            not {"From", "To", "Subject"} & set(headers), Refused(422, {"ErrorCode": 300, "Message": "reserved header"})
        )
        return Mail(
            said["Metadata"]["intent"],
            said["To"],
            said["From"],
            said["Subject"],
            said.get("HtmlBody", ""),
            said["TextBody"],
            headers,
        )

    @staticmethod
    def _read(body: bytes) -> dict[str, Any]:
        try:
            return dict(json.loads(body))
        except ValueError:
            raise Refused(422, {"ErrorCode": 402, "Message": "Received invalid JSON."}) from None


class SendGridApi:
    """https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send"""

    RESERVED: ClassVar = {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 202, {"X-Message-Id": f"sg-{number}"}, ""

    def take(self, asked: Asked) -> Mail | object:
        denied = {
            "errors": [{"message": "The provided authorization grant is invalid, expired, or revoked", "field": None}]
        }
        need(asked.headers.get("authorization") == f"Bearer {KEY}", Refused(401, denied))
        if (asked.method, asked.path) == ("GET", "/v3/scopes"):
            return {"scopes": ["mail.send", "mail.batch.create"]}
        need((asked.method, asked.path) == ("POST", "/v3/mail/send"), Refused(404, {"errors": []}))
        need(asked.headers.get("content-type") == "application/json", Refused(415, {"errors": []}))
        said = json.loads(asked.body)
        (personal,) = said["personalizations"]
        (to,) = personal["to"]
        self._field("personalizations.0.to.0.email", _ADDRESS.fullmatch(to["email"]) and "bad" not in to["email"])
        self._field("from.email", _ADDRESS.fullmatch(said["from"]["email"]) and set(said["from"]) <= {"email", "name"})
        self._field("subject", said["subject"])
        parts = {part["type"]: part["value"] for part in said["content"]}
        self._field("content", all(parts.values()) and next(iter(parts)) == "text/plain")
        self._field("headers", not {name.lower() for name in said["headers"]} & self.RESERVED)
        self._field("tracking_settings", said["tracking_settings"]["open_tracking"] == {"enable": False})
        self._field("custom_args", all(isinstance(value, str) for value in personal["custom_args"].values()))
        known = {"personalizations", "from", "subject", "content", "headers", "tracking_settings"}
        self._field("unknown", set(said) == known)
        return Mail(
            personal["custom_args"]["intent"],
            to["email"],
            said["from"]["email"],
            said["subject"],
            parts.get("text/html", ""),
            parts["text/plain"],
            said["headers"],
        )

    @staticmethod
    def _field(name: str, condition: object) -> None:
        need(
            condition,
            Refused(400, {"errors": [{"message": "Does not contain a valid value.", "field": name, "help": ""}]}),
        )


def read_mail(body: bytes, intent: str, to: str) -> Mail:
    parsed = email.message_from_bytes(body, policy=email.policy.default)
    html, text = parsed.get_body(("html",)), parsed.get_body(("plain",))
    assert text is not None
    return Mail(
        intent,
        to,
        str(parsed["From"]),
        str(parsed["Subject"]),
        str(html.get_content()) if html else "",
        str(text.get_content()),
        dict(parsed.items()),
    )


class MailgunApi:
    """https://documentation.mailgun.com/docs/mailgun/api-reference/send"""

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 200, {}, {"id": f"<mg-{number}@mg.shop.example>", "message": "Queued. Thank you."}

    def take(self, asked: Asked) -> Mail | object:
        expected = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
        need(asked.headers.get("authorization") == expected, Refused(401, "Forbidden"))
        if (asked.method, asked.path) == ("GET", "/v4/domains/shop.example"):
            return {"domain": {"name": "shop.example", "state": "active"}}
        missing = Refused(404, {"message": "Domain not found: other.example"})
        need((asked.method, asked.path) == ("POST", "/v3/shop.example/messages.mime"), missing)
        kind = asked.headers.get("content-type", "")
        need(kind.startswith("multipart/form-data"), Refused(400, {"message": "'message' parameter is not a file"}))
        parsed = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + asked.body)
        form: dict[str, Message] = {}
        for part in parsed.get_payload():
            assert isinstance(part, Message)
            form[str(part.get_param("name", header="content-disposition"))] = part
        for name in ("to", "message"):
            need(name in form, Refused(400, {"message": f"{name} parameter is missing"}))
        need(form["message"].get_filename(), Refused(400, {"message": "'message' parameter is not a file"}))
        to = str(form["to"].get_payload())
        bad_to = Refused(400, {"message": "'to' parameter is not a valid address. please check documentation"})
        need(_ADDRESS.fullmatch(to) and "bad" not in to, bad_to)
        need(
            form["o:tracking"].get_payload() in {"yes", "no", "true", "false"}, Refused(400, {"message": "o:tracking"})
        )
        body = form["message"].get_payload(decode=True)
        assert isinstance(body, bytes)
        return read_mail(body, str(form["v:intent"].get_payload()), to)


class SesApi:
    """https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html; signatures are worked out again."""

    ACCOUNT: Mapping[str, object] = {
        "SendingEnabled": True,
        "ProductionAccessEnabled": True,
        "SendQuota": {"MaxSendRate": 14.0},
    }

    def good(self, number: int) -> tuple[int, dict[str, str], object]:
        return 200, {}, {"MessageId": f"ses-{number}"}

    def take(self, asked: Asked) -> Mail | object:
        unknown = Refused(
            403,
            {"message": "The request signature we calculated does not match"},
            {"x-amzn-ErrorType": "SignatureDoesNotMatchException:http://internal.amazon.com/"},
        )
        need(self._signed_again(asked) == asked.headers.get("authorization"), unknown)
        if (asked.method, asked.path) == ("GET", "/v2/email/account"):
            return self.ACCOUNT
        need((asked.method, asked.path) == ("POST", "/v2/email/outbound-emails"), Refused(404, {}))
        said = json.loads(asked.body)
        need(set(said) <= {"Destination", "Content", "EmailTags", "ConfigurationSetName"}, self._bad("unknown members"))
        (to,) = said["Destination"]["ToAddresses"]
        need("bad" not in to, self._bad("Illegal address"))
        for tag in said["EmailTags"]:
            need(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", tag["Value"]), self._bad("tag"))
        return read_mail(base64.b64decode(said["Content"]["Raw"]["Data"]), said["EmailTags"][0]["Value"], to)

    @staticmethod
    def _bad(message: str) -> Refused:
        return Refused(400, {"message": message}, {"x-amzn-ErrorType": "BadRequestException"})

    @staticmethod
    def _signed_again(asked: Asked) -> str:
        signed = re.search(r"SignedHeaders=([^,]+)", asked.headers.get("authorization", ""))
        if not signed:
            return "unsigned"
        again = SigV4Auth(Credentials("AKIDTEST", KEY), "ses", "eu-central-1")
        request = AWSRequest(method=asked.method, url=f"http://{asked.headers['host']}{asked.path}", data=asked.body)
        for name in signed[1].split(";"):
            request.headers[name] = asked.headers[name]
        request.context["timestamp"] = asked.headers["x-amz-date"]
        signature = again.signature(again.string_to_sign(request, again.canonical_request(request)), request)
        return f"{asked.headers['authorization'].rpartition('=')[0]}={signature}"
