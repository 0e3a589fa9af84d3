"""The project that every figure is taken on: 20 segments and 5 journeys over the events of a shop, as files.

Most segments are windows that open and close by themselves; each event name is read by five of them, as in a real
project where everything looks at orders and views.
"""

from pathlib import Path

KEY = "bench"
WINDOWS = ("10m", "1h", "1d", "7d", "30d")
AT_ONCE = "Newsletter Asked"
READ = ("Product Viewed", "Product Added", "Order Completed", "Products Searched")

_MESSAGE = """\
purpose: email_marketing
subject: "{{ profile.firstName | default: 'Hello' }}, {{ event.properties.name }} is still here"
html: |
  <p>Hello {{ profile.firstName | default: "there" }}, you left <b>{{ event.properties.name }}</b> in your cart.</p>
  <p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>
text: |
  You left {{ event.properties.name }} in your cart. Unsubscribe: {{ unsubscribe_url }}
"""


def segments() -> dict[str, str]:
    files = {}
    for event in READ:
        for number, window in enumerate(WINDOWS):
            if number == 4:
                when = f'any("{event}") and not any("{event}", last="{window}")'
            elif number % 2:
                when = f'any("{event}", where=price > {number * 20}, last="{window}")'
            else:
                when = f'count("{event}", last="{window}") >= {2 + number}'
            files[f"segments/{event.lower().replace(' ', '_')}_{window}.yaml"] = f"when: {when}\n"
    return files


def journeys() -> dict[str, str]:
    """Four reminders, and one without a wait, which times the way from an event to a mail server."""
    starts = ("Product Added", "Cart Viewed", "Products Searched", "Product Viewed")
    reminders = {
        f"journeys/remind_{number}.yaml": (
            f"start: {{event: {start}}}\nwait: {20 * (number + 1)}m\nunless: Order Completed\nlimit: 1 per 24h\n"
            "send: {email: reminder}\n"
        )
        for number, start in enumerate(starts)
    }
    return {**reminders, "journeys/at_once.yaml": f"start: {{event: {AT_ONCE}}}\nsend: {{email: reminder}}\n"}


def unrelated(number: int) -> dict[str, str]:
    """Definitions that read other events than those that are sent: nine segments to one journey."""
    files = {}
    for index in range(number):
        if index % 10:
            when = f'count("Other {index % 97}", last="{1 + index % 30}d") >= {1 + index % 7}'
            files[f"segments/other_{index}.yaml"] = f"when: {when}\n"
        else:
            files[f"journeys/other_{index}.yaml"] = (
                f"start: {{event: Other {index % 97}}}\nwait: 1h\nlimit: 1 per 24h\nsend: {{email: reminder}}\n"
            )
    return files


def project() -> dict[str, str]:
    """Every file by path."""
    return {**segments(), **journeys(), "messages/reminder.yaml": _MESSAGE}


def write(folder: Path, files: dict[str, str], *, partitions: int, workers: int, smtp_port: int = 0) -> None:
    """The project as a folder with its settings."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    mail = f'smtp_url = "smtp://127.0.0.1:{smtp_port}?starttls=never"\nfrom = "Shop <shop@shop.example>"\n'
    (folder / "tactful.toml").write_text(
        '[workspace]\nname = "Bench"\npublic_url = "https://shop.example"\n'
        f'[sources.bench]\nwrite_key = "{KEY}"\ntrust = "server"\n'
        f"[engine]\npartitions = {partitions}\nworkers = {workers}\n"
        f"[channels.email]\n{mail if smtp_port else ''}"
    )
