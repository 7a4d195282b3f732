#!/bin/sh
# Writes the ACL file from its template and the secret files (as digests), then becomes the Redis server.
set -eu
umask 077
here=$(dirname "$0")
secrets=${SECRETS_DIR:-/run/secrets}
work=${WORK_DIR:-/tmp}

digest() { tr -d '\r\n' <"$secrets/redis_$1_password" | sha256sum | cut -d' ' -f1; }

# Assigned one by one, so that a missing secret ends the start.
health=$(digest health)
api=$(digest api)
workers=$(digest workers)
admin=$(digest admin)
sed -e "s/@health@/$health/" -e "s/@api@/$api/" -e "s/@workers@/$workers/" -e "s/@admin@/$admin/" \
  "$here/redis.acl.template" >"$work/users.acl"
exec redis-server "$here/redis.conf" --dir "${DATA_DIR:-/data}" --aclfile "$work/users.acl" "$@"
