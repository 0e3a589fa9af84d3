"""`make run`: the example shop and its shoppers, in a data folder that is thrown away afterwards (or kept: --data).

What runs is a project as `tactful init --begin shop` makes it, so that whatever is changed there, in files or in the
console, changes nothing here. Its clock runs fast, and begins in the morning of today: half an hour after somebody has
left a cart is a quarter of a minute later, and the first night comes when there has been something to see.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

NAME, ZONE = "Nordlicht", "Europe/Lisbon"
OPENS = 10
"""The hour at which it begins, in the shop's zone."""
SPEED = 120
PEOPLE, VISITS = "1500", "6"
"""How many shoppers, and how often each comes in a week of theirs."""


def tactful(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "tactful", *map(str, words)]


def is_ready(url: str) -> bool:
    try:
        # Whatever stands between this machine and others does not stand here.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def make(project: Path) -> None:
    """The project, where it is not there yet."""
    if not (project / "tactful.toml").exists():
        words = tactful("init", project, "--begin", "shop", "--name", NAME, "--time-zone", ZONE)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  (our own command)


def load_coupons(project: Path, data: Path) -> None:
    """coupons/POOL.txt, for the journeys that give one out."""
    for file in sorted((project / "coupons").glob("*.txt")):
        words = tactful("coupons", "load", file.stem, file, "--data", data)
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  (our own command)


def speed_of(data: Path, asked: int | None) -> list[str]:
    """Options of `up`: a folder that is new begins in the morning, one that was kept goes on as it ran."""
    if not (data / "installation.json").exists():
        opens = datetime.now(ZoneInfo(ZONE)).replace(hour=OPENS, minute=0, second=0, microsecond=0).astimezone(UTC)
        return ["--speed", str(asked or SPEED), "--begin", opens.isoformat().replace("+00:00", "Z")]
    kept = json.loads((data / "clock.json").read_text(encoding="utf-8"))["speed"]
    return ["--speed", str(asked or kept)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data", type=Path, help="keep the data in this folder")
    parser.add_argument("--speed", type=int, metavar="N", help=f"how many times as fast as the world ({SPEED})")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        data = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tactful-")))
        project, url, port = data / "project", f"http://127.0.0.1:{arguments.port}", str(arguments.port)
        make(project)
        fast = speed_of(data, arguments.speed)
        up = subprocess.Popen(tactful("up", "--dev", *fast, "--project", project, "--data", data, "--port", port))  # noqa: S603  (our own command)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: up.terminate())
        pause = Event()
        while up.poll() is None and not is_ready(url):
            pause.wait(0.1)
        shoppers = None
        if up.poll() is None:
            with suppress(subprocess.CalledProcessError):  # It has said why; the demo goes on without coupons.
                load_coupons(project, data)
            words = tactful("simulate", "--project", project, "--data", data, "--url", url, "--people", PEOPLE)
            words += ["--visits", VISITS]
            shoppers = subprocess.Popen(words)  # noqa: S603  (our own command)
            print(
                f"\nOpen {url} (Ctrl-C ends the demo). An hour takes {3600 / int(fast[1]):g} s here, so the first cart "
                f"reminders come within a minute.\nThe project lies in {project}: save a file there, and it is "
                "published.\n",
                flush=True,
            )
        code = up.wait()
        if shoppers is not None:
            shoppers.terminate()
            shoppers.wait()
    sys.exit(code)


if __name__ == "__main__":
    main()
