#!/bin/sh
# Gets the system's packages that the tests need, and only those that are missing. Debian, as root: by apt-get.
# Elsewhere it says what is missing; the tests that need it are skipped (or fail, where CI=true).
set -eu
PATH="$PATH:/usr/sbin:/sbin"
missing=""
need() { # need PACKAGE COMMAND
    command -v "$2" >/dev/null 2>&1 || missing="$missing $1"
}
need postgresql-15 /usr/lib/postgresql/15/bin/postgres
need docker.io dockerd
need openssh-server sshd
need openssh-client ssh
need debootstrap debootstrap
need strace strace
need exfatprogs mkfs.exfat
need exfat-fuse mount.exfat-fuse
need iproute2 tc
need libplist-utils plistutil
need prometheus promtool
need systemd systemd-analyze
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || [ ! -x /usr/bin/apt-get ] || [ ! -e /etc/debian_version ]; then
    echo "tests: not on this machine:$missing. Tests that need them are skipped; on Debian, \"make test\" as root gets them." >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
for package in $missing; do # one unknown name (postgresql-15 on a newer Debian) must not keep the others away
    apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$package" ||
        echo "tests: $package can't be installed here" >&2
done
command -v docker >/dev/null 2>&1 || apt-get -q install -y --no-install-recommends docker-cli # a package of its own since Debian 13
