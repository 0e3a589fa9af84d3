"""`make run`: the demo shop with its shoppers, in a data folder that is thrown away afterwards (or kept: --data)."""

import argparse
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data", type=Path, help="keep the data in this folder")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        data = arguments.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tactful-")))
        server = [sys.executable, "-m", "tactful", "up", "--dev", "--project", str(HERE), "--data", str(data)]
        up = subprocess.Popen([*server, "--port", str(arguments.port)])  # noqa: S603  (our own command)
        url = f"http://127.0.0.1:{arguments.port}"
        shoppers = subprocess.Popen([sys.executable, str(HERE / "shoppers.py"), "--url", url])  # noqa: S603  (likewise)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: up.terminate())
        print(f"Open {url} (Ctrl-C ends the demo; the first cart reminder arrives within a minute)", flush=True)
        code = up.wait()
        shoppers.terminate()
        shoppers.wait()
    sys.exit(code)


if __name__ == "__main__":
    main()
