#!/bin/sh
# Makes the secrets of an installation in config/deploy/secrets (or the directory that is given), each file with mode 0600:
#   gateway.env        API_KEY_PEPPER and AGENT_INTERNAL_SECRET
#   service-token.pem  the key that signs the gateway's own tokens
#   idempotency-key    encrypts stored replies
#   api-keys.json      the hashed keys of the next two files
#   metrics-key        for Prometheus, with ops:read
#   demo-key           acts for maria_k, a user of the stand-ins, for a day
#   state/             what the gateways of Compose write
# LUKI is the command of the gateway: target/luki (make build), or the image's:
#   LUKI='docker run --rm --user 0 --volume ./config/deploy/secrets:/secrets --env … luki/luki-gateway java -jar target/luki-gateway.jar'
# For Kubernetes: kubectl create secret generic luki-gateway-files --from-file=…, as src/docs/OPERATIONS.md shows.
set -eu
directory=${1:-$(dirname "$0")/secrets}
luki=${LUKI:-target/luki}
[ ! -e "$directory/gateway.env" ] || { echo "$directory has secrets already: remove it to make new ones" >&2; exit 1; }
command -v "${luki%% *}" >/dev/null || { echo "${luki%% *} is missing: make build makes target/luki" >&2; exit 1; }
umask 077
mkdir -p "$directory/state"
API_KEY_PEPPER=$(openssl rand -base64 48 | tr -d '\n')
API_KEYS_FILE=$directory/api-keys.json
export API_KEY_PEPPER API_KEYS_FILE
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$directory/service-token.pem"
openssl rand -base64 32 >"$directory/idempotency-key"
$luki key create --owner prometheus --scopes ops:read >"$directory/metrics-key"
$luki key create --owner demo --roles patient --scopes ops:read --users maria_k --expires 1d >"$directory/demo-key"
rm -f "$API_KEYS_FILE.lock"
printf 'API_KEY_PEPPER=%s\nAGENT_INTERNAL_SECRET=%s\n' "$API_KEY_PEPPER" "$(openssl rand -hex 32)" >"$directory/gateway.env"
echo "made $directory" >&2
