#!/bin/sh
# The published contract against the rules of Redocly and Spectral, in target/contract; a warning fails too.
# Usage: run.sh JAVA
set -eu
cd "$(dirname "$0")/../../.."
work=target/contract

if ! command -v npm >/dev/null 2>&1; then
	[ -z "${CI:-}" ] || { echo "lint-contract: npm is missing" >&2; exit 1; }
	echo "lint-contract: SKIPPED, npm is missing (for example apt-get install npm)" >&2
	exit 0
fi

mkdir -p "$work"
cp src/test/contract/* "$work"
"$1" -jar target/luki-gateway.jar openapi >"$work/openapi.json"
cd "$work"
echo "Installing Redocly and Spectral with npm…" >&2
npm ci --silent --no-audit --no-fund
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
npx redocly lint --config redocly.yaml openapi.json
npx spectral lint --ruleset spectral.yaml --fail-severity hint openapi.json
