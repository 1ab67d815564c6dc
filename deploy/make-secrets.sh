#!/bin/sh
# Creates the secrets of compose.yaml in a folder that only its owner can enter: certificates, the key-encryption key,
# the database's password, the administrator's key. The script keeps existing files. Back up key-encryption-key. Move
# admin.pem and ca-key.pem away from the machine.
#   deploy/make-secrets.sh [FOLDER]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/secrets}
umask 077
mkdir -p "$folder"
"$here/make-certificates.sh" "$folder/certificates"
cd "$folder"

[ -f key-encryption-key ] || openssl rand -base64 32 > key-encryption-key
[ -f postgres-password ] || openssl rand -hex 24 | tr -d '\n' > postgres-password
# The URL repeats the password in a file of its own, because the server reads DATABASE_URL only from the environment.
[ -f database.env ] ||
  printf 'DATABASE_URL=postgresql://auth4agent:%s@postgres:5432/auth4agent\n' "$(cat postgres-password)" > database.env
[ -f admin.pem ] || openssl genpkey -algorithm ed25519 -out admin.pem
printf 'AUTH4AGENT_ADMIN_KEY=%s\n' "$(openssl pkey -in admin.pem -pubout -outform DER | tail -c 32 | openssl base64 -A)" > admin.env
# The users of the containers must be able to read the mounted files. Other users of this machine still cannot enter
# the folder.
chmod 644 key-encryption-key postgres-password
chmod 755 certificates/*/
chmod 644 certificates/*/*
