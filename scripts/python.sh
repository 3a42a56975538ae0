#!/bin/sh
# Run a script with the first Python >= 3.11 on this machine: $PYTHON, python3, then python3.14 down to python3.11.
set -eu
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        exec "$candidate" "$@"
    fi
done
echo >&2 "Sparegrid needs Python 3.11 or newer, and none was found as python3, python3.14 … python3.11.
  Debian, Ubuntu:   apt-get install python3 python3-venv
  macOS:            brew install python@3.13
  elsewhere:        PYTHON=/path/to/python3 make …"
exit 1
