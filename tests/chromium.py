"""Find the Chromium that drives the browser tests: $CHROMIUM, else one of the usual names on PATH."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class ChromiumNotFound(Exception):
    """No browser; the message says what to install."""


def chromium_path() -> str:
    """Return the browser's path. Raises ChromiumNotFound."""
    wanted = (chosen,) if (chosen := os.environ.get("CHROMIUM")) else NAMES
    for name in wanted:
        if found := shutil.which(name):
            return found
    raise ChromiumNotFound(
        f"No Chromium (looked for {', '.join(wanted)}). "
        "Install it (Debian: apt-get install chromium; macOS: brew install --cask chromium), "
        "or set CHROMIUM to its path."
    )


if __name__ == "__main__":
    try:
        print(chromium_path())  # noqa: T201 - this is its output
    except ChromiumNotFound as problem:
        raise SystemExit(str(problem)) from None
