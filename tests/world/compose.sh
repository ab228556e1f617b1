#!/bin/sh
# Gets Docker Compose v2, a plugin of the docker client, from Debian's newer suite: Debian 12 has only v1. Nothing of the
# system's sources changes, and the file needs no more than libc 2.34.
# Usage: compose.sh MIRROR KEYRING FILE   (the plugin gets the name FILE)
set -eu
mirror="$1" keyring="$2" file="$3"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as its own user
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb [signed-by=$keyring] $mirror forky main" >"$work/sources.list"
cd "$work"
private() {
    apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
        -o Dir::Etc::preferencesparts=/dev/null -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o Acquire::Languages=none -o APT::Update::Error-Mode=any "$@"
}
private update
private download docker-compose
dpkg-deb -x docker-compose_*.deb tree
plugin="$(find tree -path '*cli-plugins/docker-compose' -type f)"
install -m 0755 "$plugin" "$file.part"
mv "$file.part" "$file"
