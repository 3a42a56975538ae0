"""Lighthouse on the pages people sit in, as they are served by a market that runs.

    make run                                     # in one terminal; wait until it has cleared a window
    python -m benchmarks.pages.lighthouse        # in another [--url http://127.0.0.1:8000] [--program "lighthouse"]

Lighthouse is a program for Node: `npm install lighthouse@12.8.2` somewhere, and name its `node_modules/.bin/lighthouse`
as the program; nothing else needs it. It fetches nothing but the pages. Scores are Lighthouse's own, 0 to 1, for a
phone (throttled as Lighthouse does) and a desktop; the limits: performance 0.95, accessibility 1, best practices 0.95.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

import httpx

from tests.chromium import chromium_path

DOMAIN, PASSWORD = "demo.sparegrid.example", "sparegrid"  # what `make run` prints
LIMITS = {"performance": 0.95, "accessibility": 1.0, "best-practices": 0.95}
CHROMIUM_FLAGS = (
    "--headless=new --no-sandbox --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync"
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--program", default="npx --yes lighthouse@12.8.2")
    parser.add_argument("--only", default="", help="pages whose name holds this")
    options = parser.parse_args()
    buyer, seller, finance = (log_in(options.url, role) for role in ("buyer", "seller", "finance"))
    pages = {
        "board": (buyer, "/", ""),
        "ticket": (buyer, "/markets/intraday/", r"/lots/\d+/bid/"),
        "result": (buyer, "/markets/intraday/", r"/windows/\d+/"),
        "seller's calendar": (seller, "/sell/calendar/", ""),
        "settlements": (finance, "/finance/settlements/", ""),
    }
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'page':<20}{'as seen on':<12}" + "".join(f"{name:>16}" for name in LIMITS))
    is_short = False
    for name, (client, path, pattern) in pages.items():
        if options.only not in name:
            continue
        address = first_link(client, path, pattern) if pattern else path
        for preset in ("phone", "desktop"):
            report = audit(options, address, client, preset)
            scores = {key: report["categories"][key]["score"] for key in LIMITS}
            print(f"{name:<20}{preset:<12}" + "".join(f"{scores[key]:>16.2f}" for key in LIMITS))
            for key, limit in LIMITS.items():
                if scores[key] < limit:
                    is_short = True
                    print_what_costs(report, key)
    return int(is_short)


def log_in(url: str, role: str) -> httpx.Client:
    client = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
    client.get("/accounts/login/").raise_for_status()
    form = {
        "login": f"{role}@{DOMAIN}",
        "password": PASSWORD,
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
    }
    client.post("/accounts/login/", data=form, headers={"Referer": url}).raise_for_status()
    if "sessionid" not in client.cookies:
        raise SystemExit(f"{role} could not log in: is it the demo market that runs at {url}?")
    return client


def first_link(client: httpx.Client, path: str, pattern: str) -> str:
    if found := re.search(rf'href="({pattern})"', client.get(path).raise_for_status().text):
        return found[1]
    raise SystemExit(f"{path} links to nothing like {pattern} yet: wait for the demo market to trade")


def audit(options: argparse.Namespace, path: str, client: httpx.Client, preset: str) -> dict:
    """Run Lighthouse on one page with the session of ``client``; return its report."""
    with tempfile.TemporaryDirectory() as folder:
        headers, report = Path(folder, "headers.json"), Path(folder, "report.json")
        headers.write_text(json.dumps({"Cookie": f"sessionid={client.cookies['sessionid']}"}))
        command = [*shlex.split(options.program), options.url + path, "--quiet", "--output=json"]
        command += [
            f"--output-path={report}",
            f"--extra-headers={headers}",
            f"--chrome-flags={CHROMIUM_FLAGS}",
        ]
        command += [f"--only-categories={','.join(LIMITS)}"]
        command += ["--preset=desktop"] if preset == "desktop" else []
        subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": chromium_path()}, timeout=300)
        return json.loads(report.read_text())


def print_what_costs(report: dict, category: str) -> None:
    """Name the audits that keep a category from its full score."""
    for reference in report["categories"][category]["auditRefs"]:
        found = report["audits"][reference["id"]]
        if reference["weight"] and found["score"] is not None and found["score"] < 1:
            print(
                f"      {category}: {found['title']} {found.get('displayValue', '')} ({found['score']:.2f})"
            )


if __name__ == "__main__":
    raise SystemExit(main())
