#!/bin/sh
# Everything that a release needs, on a machine with a JDK and Maven; npm, chromium and the proxies where they are installed.
# The output of each check is in target/release-check; the table at the end has a line for each.
set -u
cd "$(dirname "$0")/../.."
logs=$PWD/target/release-check
mkdir -p "$logs"
table=$logs/table
: >"$table"
failed=0

check() {
  name=$1
  shift
  begin=$(date +%s)
  echo "$name…" >&2
  if "$@" >"$logs/$name.log" 2>&1; then
    result=ok
    grep -q SKIPPED "$logs/$name.log" && result=skipped
  else
    result=FAILED
    failed=1
  fi
  printf '%s\t%s\t%s s\n' "$name" "$result" "$(($(date +%s) - begin))" >>"$table"
}

# As on a new machine: a clone of what is committed, in an empty home directory; what Maven has downloaded is kept.
clone() {
  rm -rf target/clone && mkdir -p target/clone/home
  git clone -q --no-local . target/clone/repository || return
  repository=${MAVEN_REPOSITORY:-$HOME/.m2/repository}
  (cd target/clone/repository && HOME=$PWD/../home MAVEN_OPTS="${MAVEN_OPTS:-} -Dmaven.repo.local=$repository -Duser.home=$PWD/../home" \
    "${MAKE:-make}" test)
}

# Two builds of the same sources in two places give the same bytes.
reproducible() {
  rm -rf target/twice && mkdir -p target/twice
  for place in a b; do
    mkdir -p "target/twice/$place" && cp -R pom.xml src "target/twice/$place" || return
    (cd "target/twice/$place" && mvn -B -ntp -q -Psbom package -Dmaven.test.skip=true) || return
  done
  sha256sum target/twice/*/target/luki-gateway.jar target/twice/*/target/bom.json
  cmp target/twice/a/target/luki-gateway.jar target/twice/b/target/luki-gateway.jar &&
    cmp target/twice/a/target/bom.json target/twice/b/target/bom.json
}

command -v npm >/dev/null || echo "npm is missing: the checks that need it are skipped" >&2
check clone-and-test clone
check reproducible reproducible
check doors "${MAKE:-make}" test-ext
check engines "${MAKE:-make}" test-engines
check image "${MAKE:-make}" image-check
check lint-contract "${MAKE:-make}" lint-contract
check lint-deploy "${MAKE:-make}" lint-deploy
check clients "${MAKE:-make}" test-clients
check browser "${MAKE:-make}" test-browser
check fuzz "${MAKE:-make}" fuzz MESSAGES=1000000 SECONDS=60

echo
printf 'check\tresult\ttime\n' | cat - "$table" | expand -t 20
[ $failed = 0 ] || echo "what failed is in $logs" >&2
exit $failed
