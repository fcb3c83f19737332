# Read by ./run and ./test, from the project's folder: sets $python, or stops with one line if there is none to use.

# A service may start us with its standard input closed; the first file opened would then take its place.
(: <&0) 2>/dev/null || exec </dev/null

python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null 2>&1; then
    echo "$python was not found: Sequence needs Python 3.11 or newer (PYTHON=/path/to/python3 names another one)." >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is too old: Sequence needs Python 3.11 or newer (PYTHON=/path/to/python3 names another one)." >&2
    exit 1
fi
