"""One message to several devices of a person: a claim's addresses, one after the other, and one answer for all."""

from collections.abc import Awaitable, Callable

from tactful.kernel.addresses import each
from tactful.runtime.channels import Answer, Rejected, Retry, Sent, Unknown

_WORST_FIRST = (Unknown, Retry, Rejected)


async def to_each(address: str, send: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Sent where one device at least has taken it: the others have had their chance. Where none has, whatever may have
    been taken decides, then what may be tried again. Devices that are gone are named, whatever became of the others."""
    lines = each(address)
    answers = [(line, await send(line)) for line in lines]
    gone = tuple(line for line, answer in answers if isinstance(answer, Rejected) and answer.suppress)
    taken = [answer for _, answer in answers if isinstance(answer, Sent)]
    if taken:
        detail = taken[0].detail if len(lines) == 1 else f"{len(taken)} of {len(lines)} devices: {taken[0].detail}"
        return Sent(detail, gone)
    for kind in _WORST_FIRST:
        for _, answer in answers:
            match answer:
                case Unknown(reason, detail) if kind is Unknown:
                    return Unknown(reason, detail, gone)
                case Retry(reason, detail, after_us) if kind is Retry:
                    return Retry(reason, detail, after_us, gone)
                case Rejected(reason, detail) if kind is Rejected:
                    return Rejected(reason, detail, gone=gone)
    raise AssertionError("a claim has an address")
