#!/bin/sh
# Creates the certificates of a deployment: a CA, and FOLDER/NAME/{tls.crt,tls.key,ca.crt} for each kind of process.
#   deploy/make-certificates.sh FOLDER [NAME=SAN,SAN… …]
# The SANs of an Auth4Agent process are the names of the parts that it may act as. The SANs of NATS are the hosts that
# clients connect to. Without NAME the script creates the certificates of compose.yaml and kubernetes/. It keeps
# existing files. To renew a tls.crt, delete it and run the script again. Never copy ca-key.pem to a server.
#   CERTIFICATE_DAYS (90), CA_DAYS (3650)
set -eu
[ $# -ge 1 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1
shift
[ $# -gt 0 ] || set -- gateway=jwks-gateway,authn operator-registry=operator-registry identity=identity \
  revocation=revocation nats=nats-0.nats,nats-1.nats,nats-2.nats

umask 077
mkdir -p "$folder"
cd "$folder"

if [ ! -f ca.pem ]; then
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca-key.pem
  openssl req -x509 -new -key ca-key.pem -days "${CA_DAYS:-3650}" -subj '/CN=Auth4Agent internal CA' -out ca.pem \
    -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign'
fi

for entry in "$@"; do
  name=${entry%%=*}
  mkdir -p "$name"
  cp ca.pem "$name/ca.crt"
  [ ! -f "$name/tls.crt" ] || continue
  san=DNS:$(printf %s "${entry#*=}" | sed 's/,/,DNS:/g')
  printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' \
    'extendedKeyUsage=serverAuth,clientAuth' "subjectAltName=$san" > "$name.ext"
  # A renewal keeps the key and changes one file, so no process can read a certificate and key that do not match.
  [ -f "$name/tls.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name/tls.key"
  openssl req -new -key "$name/tls.key" -subj "/CN=$name" -out "$name.csr"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca-key.pem -set_serial "0x$(openssl rand -hex 16)" \
    -days "${CERTIFICATE_DAYS:-90}" -extfile "$name.ext" -out "$name.crt" 2>/dev/null
  mv "$name.crt" "$name/tls.crt"
  rm "$name.csr" "$name.ext"
done
