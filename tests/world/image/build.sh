#!/bin/sh
# Makes the root file system of the test image, as a tar archive: Debian 12 with postgresql-15, from Debian's archive.
# Usage: build.sh MIRROR WORK ARCHIVE   (root only; WORK must be empty and is left behind)
set -eu
mirror="$1" work="$2" archive="$3" here="$(dirname "$0")"
proxy="$(apt-config shell proxy Acquire::http::Proxy | sed -n "s/^proxy='\(.*\)'$/\1/p")"
[ -z "$proxy" ] || export http_proxy="${http_proxy:-$proxy}"
debootstrap --variant=minbase --include=postgresql-15 bookworm "$work/root" "$mirror"
install -m 0755 "$here/entrypoint.sh" "$work/root/usr/local/bin/docker-entrypoint.sh"
rm -rf "$work/root/var/lib/postgresql/15"
# What no backup looks at: 400 of 630 MB (the just-in-time compiler, documentation, apt's lists).
tar -C "$work/root" --numeric-owner -cf "$archive.part" \
    --exclude='./usr/share/doc' --exclude='./usr/share/man' --exclude='./usr/share/locale' --exclude='./usr/share/info' \
    --exclude='./var/cache/*' --exclude='./var/lib/apt/lists/*' --exclude='./usr/lib/postgresql/15/lib/bitcode' \
    --exclude='./usr/lib/*/libLLVM*' --exclude='./usr/lib/*/libz3*' --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' .
mv "$archive.part" "$archive"
