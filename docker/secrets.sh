#!/bin/sh
# Makes the secret files that docker-compose.yml mounts, once: files that exist are kept. Back the folder up; without
# master_keys the stored content, and without key_pepper the API keys, are lost.
# Usage: sh docker/secrets.sh [folder]
set -eu
folder=${1:-"$(dirname "$0")/../.data/secrets"}
# The folder is closed to other users of this machine; the files are readable inside it, because each container's own
# user has to read them.
mkdir -p "$folder"
chmod 700 "$folder"

random_hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
random_base64() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

make() {
  [ -s "$folder/$1" ] && return
  printf '%s' "$2" >"$folder/$1.next"
  chmod 444 "$folder/$1.next"
  mv "$folder/$1.next" "$folder/$1"
  echo "made $folder/$1"
}

make key_pepper "$(random_base64 32)"
make master_keys "1:$(random_base64 32)"
make mongo_root_password "$(random_hex)"
make mongo_app_password "$(random_hex)"
make mongo_keyfile "$(random_base64 567)"
make mongodb_uri "mongodb://ocelotiq:$(cat "$folder/mongo_app_password")@mongo:27017/?replicaSet=rs0&authSource=ocelotiq"
make redis_health_password "$(random_hex)"
for role in api workers admin; do
  make "redis_${role}_password" "$(random_hex)"
  make "redis_url_$role" "redis://$role:$(cat "$folder/redis_${role}_password")@redis:6379"
done
