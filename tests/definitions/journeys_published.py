"""Projects with a journey, published, as tests look at what became of it."""

from tactful.events.records import Plan, Publish
from tactful.journeys.program import Branch, Exit, Instruction, Split, WaitFor
from tactful.journeys.rules import JourneyRule
from tactful.kernel.plan import CompiledPlan, adopt
from tactful.kernel.state import PlanState, decode_plan, encode
from tactful.values import parse_time

NOW = parse_time("2025-03-01T12:00:00Z") or 0
MAIL = "subject: Hi {{ event.properties.name }}\nhtml: '{{ event.name }} {{ event.timestamp }}'\ntext: z\n"
RICH = """
start: {event: Cart Viewed, where: context.page.path == "/cart"}
key: cart_id
if: any("Order Completed", last="30d")
unless:
  - Order Completed
  - {event: Cart Emptied, where: total > 0, same: cart_id}
  - {when: 'count("Complaint") > 2'}
goal: {event: Order Completed, same: cart_ids, within: 5d, value: total}
limit: 2 per 7d
validity: 6h
repeat: restart
again: 30d
priority: 70
holdout: 10%
steps:
  - wait: 30m
  - {name: remind, send: {email: mail}, validity: 2h}
  - wait: {for: Order Completed, same: cart_id, at_most: 2d}
    then:
      - set: {buyer: true, orders: 'count("Order Completed", last="1d")'}
      - exit: bought
  - if: segment("fans")
    then:
      - split: {calm: 1, bold: 2}
        bold:
          - send: {sms: text}
    else:
      - wait: {until: "09:00", on: [monday]}
  - send: {webhook: "https://a.example/x"}
    purpose: crm
"""
FILES = {
    "journeys/j.yaml": RICH,
    "messages/mail.yaml": MAIL,
    "messages/text.yaml": "channel: sms\ntext: '{{ event.properties.total }}'\n",
    "segments/fans.yaml": 'when: count("Product Viewed", last="7d") > 3\n',
}


def publish(
    files: dict[str, str], before: PlanState | None = None, *, at: int = NOW, version: int = 1, is_empty: bool = True
) -> tuple[PlanState, CompiledPlan]:
    state, plan = adopt(before, Plan(version, Publish(at, files, {})), at, is_empty=is_empty)
    return decode_plan(encode(state)), plan


def rule(files: dict[str, str], name: str = "j") -> JourneyRule:
    return publish(files)[1].journeys[name]


def targets(one: Instruction) -> list[int]:
    match one:
        case WaitFor():
            return [one.came, one.otherwise]
        case Branch():
            return [one.then, one.otherwise]
        case Split():
            return [target for _, _, target in one.arms]
        case Exit():
            return []
        case _:
            return [one.next]
