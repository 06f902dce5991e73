#!/bin/sh
# Clients that people use, against the gateway with stand-ins on a free port: those made from the contract by
# openapi-typescript and openapi-generator, event streams by three libraries, a WebSocket. Prism, a proxy that
# compares each request and reply with the contract, sees every example and what the tests of the wire exchange. All of
# it happens in target/clients.
# Usage: run.sh JAVA CLASSPATH, with the classpath relative to the root of the repository.
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
java=$1
work="$root/target/clients"

if ! command -v npm >/dev/null 2>&1; then
	[ -z "${CI:-}" ] || { echo "test-clients: npm is missing" >&2; exit 1; }
	echo "test-clients: SKIPPED, npm is missing (for example apt-get install npm)" >&2
	exit 0
fi

rm -rf "$work/src" "$work/gateway"
mkdir -p "$work/src" "$work/gateway/target"
cp -R "$root/src/test/clients/." "$work/src"

echo "Installing the libraries with npm…" >&2
# No script of a package is needed; one reports its installation.
(cd "$work/src" && npm ci --silent --ignore-scripts)

classpath=$(printf %s "$2" | sed "s#^#$root/#; s#:#:$root/#g")
gateway=
prism=
cleanup() {
	[ -z "$prism" ] || kill "$prism" 2>/dev/null || true
	[ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 1' INT TERM
# Its own working directory, so that the demo key of a gateway that runs beside it stays as it is.
cd "$work/gateway"
(umask 077 && head -c 32 /dev/urandom | base64 >webhooks.key)
ENVIRONMENT=dev PORT=0 RATE_LIMIT_PER_MIN=0 WEBHOOKS_PATH=webhooks WEBHOOKS_KEY_PATH=webhooks.key GATEWAY_CONFIG="$root/config/gateway.yaml" OPENAPI_FILE="$root/config/openapi.yaml" \
	"$java" -cp "$classpath" luki.gateway.dev.DevServer >access.log 2>stderr.log &
gateway=$!
url=
tries=0
while [ -z "$url" ]; do
	kill -0 "$gateway" 2>/dev/null || { cat stderr.log >&2; exit 1; }
	tries=$((tries + 1))
	[ "$tries" -le 300 ] || { cat stderr.log >&2; echo "test-clients: the gateway did not start within 60 s" >&2; exit 1; }
	sleep 0.2
	url=$(sed -n 's#^LUKi gateway on \(http://localhost:[0-9]*\).*#\1#p' stderr.log)
done
GATEWAY_URL=$url
GATEWAY_KEY=$(cat target/demo-key)
export GATEWAY_URL GATEWAY_KEY

cd "$work/src"
echo "TypeScript: openapi-typescript, tsc --strict" >&2
node --input-type=module -e 'import { writeFileSync } from "node:fs";
	writeFileSync("openapi.json", await (await fetch(process.env.GATEWAY_URL + "/openapi.json")).text());'
npx --no-install openapi-typescript openapi.json -o contract.d.ts >/dev/null
npx --no-install tsc --strict --target es2022 --module nodenext --skipLibCheck false --types node --outDir compiled typed.ts
node --test --test-reporter=spec compiled/typed.js clients.test.js

echo "Prism: the examples of each operation, and requests that are wrong on purpose" >&2
port=$(node --input-type=commonjs -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => {
	console.log(s.address().port); s.close(); })')
node_modules/.bin/prism proxy openapi.json "$GATEWAY_URL" --host 127.0.0.1 --port "$port" >prism.log 2>&1 &
prism=$!
node prism.mjs "http://127.0.0.1:$port" || { echo "test-clients: see target/clients/src/prism.log" >&2; exit 1; }

exchanges="$root/target/exchanges.jsonl"
if [ ! -s "$exchanges" ]; then
	echo "Running the tests of the wire, whose exchanges Prism compares" >&2
	(cd "$root" && mvn -B -ntp -q surefire:test -Dtest='luki.gateway.surface.*Test')
fi
echo "Prism: what the tests of the wire sent and received" >&2
node replay.mjs "$exchanges" openapi.json

echo "Java: openapi-generator, javac" >&2
mvn -B -ntp -q -f java/pom.xml -Dcontract="$work/src/openapi.json" package
"$java" -cp "java/target/classes:java/target/lib/*" luki.clients.UseClient "$GATEWAY_URL" "$GATEWAY_KEY"
