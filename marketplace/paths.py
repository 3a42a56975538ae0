"""Where this checkout keeps what it makes for itself: `.data/`, never committed."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """Return the folder of local state: `$SPAREGRID_DATA_DIR`, else `.data/` in the checkout."""
    return Path(os.environ.get("SPAREGRID_DATA_DIR") or CHECKOUT / ".data").absolute()
