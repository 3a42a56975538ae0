"""python -m settlements.stripe_sandbox --port 12111 --state PATH [--webhook-url …]"""

import argparse
import sys
from contextlib import suppress

from .sandbox import Sandbox, Settings, SettingsRejected
from .server import listen, uvicorn_server

DEFAULT_PORT = 12111


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m settlements.stripe_sandbox",
        description="A local stand-in for Stripe: no real card, no real money, nothing leaves this machine.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback only")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--state", required=True, help="SQLite file, or :memory:")
    parser.add_argument("--webhook-url", help="where events are POSTed, on this machine")
    parser.add_argument("--webhook-secret", default="whsec_sandbox")
    parser.add_argument("--api-key", help="the only key taken; default: any sk_test_…")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    given = parse_arguments(arguments)
    try:
        listener = listen(given.host, given.port)
        port = listener.getsockname()[1]
        host = f"[{given.host}]" if ":" in given.host else given.host
        settings = Settings(
            state=given.state,
            base_url=f"http://{host}:{port}",
            webhook_url=given.webhook_url,
            webhook_secret=given.webhook_secret,
            api_key=given.api_key,
        )
    except (SettingsRejected, OSError) as error:
        sys.stderr.write(f"stripe sandbox: {error}\n")
        return 2
    sandbox = Sandbox(settings)
    sandbox.start()
    sys.stderr.write(f"Stripe sandbox (no real money) at {settings.base_url}\n")
    # uvicorn shuts down on Ctrl-C and then raises it once more.
    with suppress(KeyboardInterrupt):
        uvicorn_server(sandbox, log_level="warning").run([listener])
    sandbox.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
