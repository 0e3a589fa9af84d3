"""`make run`: the demo shop with its shoppers, in a data folder that is thrown away afterwards (or kept: --data).

What runs is a copy of this project in a hurry: where the files here say minutes and hours the copy says seconds, and
neither caps nor quiet hours hold a mail back, so that there is something to see at once, at night as well. All
differences stand in HURRIED.
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Event

HERE = Path(__file__).parent
FOLDERS = ("collections", "events", "journeys", "messages", "blocks", "metrics", "segments")
HURRIED = {
    "tactful.toml": (('cap = ["2 per day"]', "cap = []"), ('quiet = "21:00-08:00"', 'quiet = ""')),
    "journeys/cart_reminder.yaml": (
        ("wait: 30m", "wait: 10s"),
        ("1 per 24h", "1 per 3m"),
        ("half an hour", "10 seconds"),
        ("half hour", "10 seconds"),
    ),
    "journeys/browse_without_buying.yaml": (("wait: 3h", "wait: 30s"), ("three hours", "30 seconds"), ("7d", "10m")),
    "journeys/second_look.yaml": (("wait: 10m", "wait: 10s"), ("1 per 24h", "1 per 10m")),
    "journeys/third_order.yaml": (('wait: {until: "10:00"}', "wait: 5s"),),
    "journeys/demo_help.yaml": (("wait: 1h", "wait: 10s"), ('wait: {until: "09:00", on: weekdays}', "wait: 1s")),
    "journeys/win_back.yaml": (('wait: {until: "10:00"}', "wait: 10s"), ("wait: 7d", "wait: 2m")),
    "journeys/welcome.yaml": (
        ("wait: 2d", "wait: 90s"),
        ("wait: 5d", "wait: 3m"),
        ('wait: {until: "09:00", on: weekdays}', "wait: 1s"),
    ),
}
"""What the copy says instead, by file."""


def copy_in_a_hurry(to: Path) -> None:
    """The project's files, made anew. Raises SystemExit where a file here no longer says what is to be hurried."""
    shutil.rmtree(to, ignore_errors=True)
    for folder in FOLDERS:
        if (HERE / folder).is_dir():
            shutil.copytree(HERE / folder, to / folder)
    shutil.copy(HERE / "tactful.toml", to)
    for name, replaced in HURRIED.items():
        text = (to / name).read_text(encoding="utf-8")
        for said, hurried in replaced:
            if said not in text:
                sys.exit(f"examples/shop/{name} does not say {said!r} any more; mend HURRIED in examples/shop/run.py")
            text = text.replace(said, hurried)
        (to / name).write_text(text, encoding="utf-8")


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310  (our own server)
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def load_coupons(data: Path) -> None:
    """coupons/POOL.txt, for the journeys that give one out."""
    for file in sorted((HERE / "coupons").glob("*.txt")):
        load = [sys.executable, "-m", "tactful", "coupons", "load", file.stem, str(file), "--data", str(data)]
        subprocess.run(load, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  (our own command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data", type=Path, help="keep the data in this folder")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        data = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tactful-")))
        project = data / "project"
        data.mkdir(parents=True, exist_ok=True)
        copy_in_a_hurry(project)
        server = [sys.executable, "-m", "tactful", "up", "--dev", "--project", str(project), "--data", str(data)]
        up = subprocess.Popen([*server, "--port", str(arguments.port)])  # noqa: S603  (our own command)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: up.terminate())
        url = f"http://127.0.0.1:{arguments.port}"
        pause = Event()
        while up.poll() is None and not is_ready(url):
            pause.wait(0.1)
        shoppers = None
        if up.poll() is None:
            with suppress(subprocess.CalledProcessError):  # It has said why; the demo goes on without coupons.
                load_coupons(data)
            shoppers = subprocess.Popen([sys.executable, str(HERE / "shoppers.py"), "--url", url])  # noqa: S603  (ours)
            print(
                f"Open {url} (Ctrl-C ends the demo; the first cart reminder arrives within a minute).\n"
                f"The demo is in a hurry: what runs is the copy {project},\n"
                "where journeys wait for seconds instead of the minutes and days of examples/shop, and mail leaves at "
                "any hour.\nSave a file there, and it is published.",
                flush=True,
            )
        code = up.wait()
        if shoppers is not None:
            shoppers.terminate()
            shoppers.wait()
    sys.exit(code)


if __name__ == "__main__":
    main()
