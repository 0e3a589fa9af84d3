"""New definitions: what a new file of each kind may begin with, so that nobody starts with an empty page."""

from collections.abc import Mapping

from msgspec import Struct


class Template(Struct, frozen=True):
    name: str
    title: str
    text: str


def _segment(name: str, title: str, when: str) -> Template:
    return Template(name, title, f"description: {title}\nwhen: {when}\n")


_REMINDER = """\
description: Reminds of something that was not finished
start: {event: Product Added}
wait: 1h
unless: Order Completed
repeat: restart
limit: 1 per 24h
send: {email: name_of_a_message}
"""
_WELCOME = """\
description: Accompanies whoever enters a segment
start: {segment: name_of_a_segment}
again: never
steps:
  - {name: first, send: {email: name_of_a_message}}
  - wait: 3d
  - {name: second, send: {email: name_of_another_message}}
"""
_EMAIL = """\
description: An e-mail
purpose: email_marketing
subject: 'Hello {{ profile.first_name | default: "there" }}'
html: |
  <p>Hello {{ profile.first_name | default: "there" }},</p>
  <p><a href="{{ unsubscribe_url }}">No more of these</a></p>
text: |
  Hello {{ profile.first_name | default: "there" }},

  No more of these: {{ unsubscribe_url }}
"""
_SMS = """\
description: A text message
channel: sms
purpose: sms_marketing
text: 'Hello {{ profile.first_name | default: "there" }}'
"""
_BLOCK = """\
description: A part that messages share
parameters: {label: null}
html: |
  <p>{{ label }}</p>
text: |
  {{ label }}
"""
_EVENT = """\
name: Product Reviewed
description: Somebody has said what they think of a product
properties:
  product_id: {type: text, required: true}
  stars: number
"""
_COLLECTION = """\
description: What lies in the cart
add: Product Added
remove: Product Removed
clear: Order Completed
key: product_id
"""
_METRIC = """\
description: What was spent in 90 days
value: sum("Order Completed", total, last="90d")
"""
_FEATURES = """\
description: What models learn from
features:
  orders_90d: count("Order Completed", last="90d")
  spent_90d: sum("Order Completed", total, last="90d")
  since_order: time_since("Order Completed")
"""
TEMPLATES: Mapping[str, tuple[Template, ...]] = {
    "segments": (
        _segment("recent", "Did something lately", 'any("Order Completed", last="30d")'),
        _segment("often", "Does something often", 'count("Order Completed", last="90d") >= 3'),
        _segment("lapsed", "Did something once, and not lately", 'time_since("Order Completed") > "90d"'),
        _segment(
            "hesitating",
            "Did one thing and not another",
            'any("Product Added", last="7d") and not any("Order Completed", last="7d")',
        ),
        _segment("trait", "Is somebody of a kind", 'country in ("DE", "AT", "CH")'),
    ),
    "journeys": (
        Template("reminder", "Reminds of something that was not finished", _REMINDER),
        Template("welcome", "Accompanies whoever enters a segment", _WELCOME),
    ),
    "messages": (Template("email", "An e-mail", _EMAIL), Template("sms", "A text message", _SMS)),
    "blocks": (Template("part", "A part that messages share", _BLOCK),),
    "events": (Template("event", "An event with its properties", _EVENT),),
    "collections": (Template("cart", "What is added and removed, such as a cart", _COLLECTION),),
    "metrics": (Template("total", "A number for each person", _METRIC),),
    "features": (Template("orders", "Values that models learn from", _FEATURES),),
}
"""By folder; the first is what is offered."""
