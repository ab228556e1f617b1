#!/bin/sh
# Unpacks Debian's own restic, which is older than axej wants (12: 0.14, 13: 0.18.0), without installing it.
# Usage: older_restic.sh FILE   (the program gets the name FILE)
set -eu
file="$1"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
apt-get -q download restic || { apt-get -q update && apt-get -q download restic; }
dpkg-deb -x restic_*.deb tree
install -m 0755 tree/usr/bin/restic "$file.part"
mv "$file.part" "$file"
