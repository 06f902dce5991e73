#!/bin/sh
# The files of delivery against the schemas and grammars of those who read them, in target/deploy.
set -eu
cd "$(dirname "$0")/../../.."
root=$PWD
work=target/deploy

if ! command -v npm >/dev/null 2>&1; then
	[ -z "${CI:-}" ] || { echo "lint-deploy: npm is missing" >&2; exit 1; }
	echo "lint-deploy: SKIPPED, npm is missing (for example apt-get install npm)" >&2
	exit 0
fi

mkdir -p "$work"
cp src/test/deploy/package.json src/test/deploy/package-lock.json src/test/deploy/.npmrc src/test/deploy/lint.js "$work"
cd "$work"
echo "Installing the schemas with npm…" >&2
npm ci --silent
node lint.js "$root"
