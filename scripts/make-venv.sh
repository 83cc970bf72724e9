#!/bin/sh
# make-venv.sh PYTHON FOLDER: a virtual environment, or one line that says what is missing.
set -eu
python=$1 folder=$2

fail() {
    echo "error: $1" >&2
    exit 2
}

command -v "$python" >/dev/null 2>&1 ||
    fail "$python must be installed; another one is named by: make PYTHON=python3.12 ..."
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python must be 3.11 or newer, $python is $version; try: make PYTHON=python3.12 ..."
# Debian has venv without ensurepip, and the two in a package of their own.
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python must have the venv module; on Debian: sudo apt-get install python$version-venv"
if [ -d "$folder" ]; then
    echo "making $folder anew, of Python $version"
fi
rm -rf "$folder"
"$python" -m venv "$folder" || {
    rm -rf "$folder"
    fail "$python -m venv $folder must succeed; see above"
}
