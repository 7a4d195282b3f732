#!/bin/sh
# mongod refuses a key file that others may read, and secret files are readable: it gets a private copy in memory.
set -eu
umask 077
cp /run/secrets/mongo_keyfile /tmp/keyfile
chmod 400 /tmp/keyfile
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /tmp/keyfile --bind_ip_all --noscripting --wiredTigerCacheSizeGB 0.5
