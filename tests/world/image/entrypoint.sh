#!/bin/sh
# Behaves as the official PostgreSQL image does, as far as a backup can tell: `postgres` (or options alone) makes
# PGDATA on the first start and becomes PID 1 as the user postgres; anything else is run as it is.
# Environment: POSTGRES_PASSWORD (or POSTGRES_HOST_AUTH_METHOD=trust), POSTGRES_USER, POSTGRES_DB, PGDATA.
set -eu
case "${1:-postgres}" in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown -R postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "Error: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust" >&2
        exit 1
    fi
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    password_file="$(mktemp)"
    printf '%s\n' "${POSTGRES_PASSWORD:-unused}" >"$password_file"
    initdb --no-sync --encoding=UTF8 --username="$user" --pwfile="$password_file" >/dev/null
    rm "$password_file"
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    if [ "$database" != postgres ]; then
        pg_ctl -w start -o "-c listen_addresses='' -c fsync=off" >/dev/null
        createdb --username="$user" --maintenance-db=postgres -- "$database"
        pg_ctl -w -m fast stop >/dev/null
    fi
fi
exec "$@"
