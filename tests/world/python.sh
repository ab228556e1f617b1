#!/bin/sh
# Prints a Python that can make a virtual environment: 3.11 or newer, with venv and ensurepip. PYTHON=… names one.
# On Debian, as root, python3-venv is installed when only that is missing. Exit 1, with what to do, when there is none.
good() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3 /opt/homebrew/bin/python3}; do
        # not the name but what it leads to: a pyenv shim works in one directory and not in the next
        if good "$python"; then
            "$python" -c 'import sys; print(sys.executable)'
            exit 0
        fi
    done
}

find_python
if [ "$(id -u)" = 0 ] && [ -x /usr/bin/apt-get ]; then
    { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends python3-venv; } >&2
    find_python
fi
echo "Python 3.11 or newer with venv is needed: brew install python, or apt-get install python3-venv." >&2
exit 1
