#!/bin/sh
# Healthy when Redis answers the user that may do nothing but ping.
set -eu
REDISCLI_AUTH=$(cat "${SECRETS_DIR:-/run/secrets}/redis_health_password")
export REDISCLI_AUTH
[ "$(redis-cli --no-auth-warning --user health -p "${PORT:-6379}" ping)" = PONG ]
