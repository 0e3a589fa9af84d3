"""Projects that shoppers are driven through."""

from tests.shoppers.installation import MESSAGE

REMINDER = """\
start: {event: Product Added}
unless: Order Completed
repeat: restart
limit: 1 per 24h
holdout: 40%
goal: {event: Order Completed, within: 5d, value: total}
wait: 1h
send: {email: reminder}
"""
BROWSER = """\
start: {event: Product Viewed}
unless: Order Completed
again: 7d
holdout: 40%
goal: {event: Order Completed, within: 4d, value: total}
steps:
  - wait: 6h
  - {name: first, send: {email: browser}}
  - wait: 1d
  - {name: second, send: {email: browser}}
"""
FILES = {
    "journeys/reminder.yaml": REMINDER,
    "journeys/browser.yaml": BROWSER,
    "messages/reminder.yaml": MESSAGE,
    "messages/browser.yaml": MESSAGE,
}
