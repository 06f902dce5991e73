#!/bin/sh
# Builds and starts the gateway again when a source or a configuration file changes. It runs from a copy of the build, so
# that the old one serves until the new build is ready.
set -u
stamp=target/.watch
log=target/.build-log
pid=
copy=b

stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    pid=
  fi
}
trap 'stop; exit 0' INT TERM

build() {
  # Not quiet: a quiet Maven hides the warnings that fail the build.
  "${MAKE:-make}" --no-print-directory compiled MVN="mvn -B -ntp -Dstyle.color=never" >"$log" 2>&1
}

# Each message once: Maven repeats them in its summary.
messages() {
  awk '/Failed to execute goal/ { exit }
    /^\[(ERROR|WARNING)\] .*\.java:\[/ { shown = !seen[$0]++ }
    /^\[/ && !/\.java:\[/ { shown = 0 }
    shown { print; any = 1 }
    END { exit !any }' "$log" || cat "$log"
}

mkdir -p target
echo "Building (the first time downloads what is needed, which takes a few minutes)…" >&2
while true; do
  touch "$stamp"
  if build; then
    if [ "$copy" = a ]; then copy=b; else copy=a; fi
    rm -rf "target/dev/$copy"
    mkdir -p "target/dev/$copy"
    cp -R target/test-classes target/luki-gateway.jar target/lib "target/dev/$copy"
    stop
    # Not through make: the process to stop is the gateway itself.
    DEV_CLASSPATH=$(printf %s "$DEV_CLASSPATH" | sed "s#target/#target/dev/$copy/#g") sh src/dev/serve.sh &
    pid=$!
  else
    messages >&2
    echo "The build failed; waiting for the next change.${pid:+ The gateway of the last good build serves on.}" >&2
  fi
  while [ -z "$(find src config/*.yaml pom.xml .env -newer "$stamp" -type f -print 2>/dev/null | head -n 1)" ]; do
    sleep 1
  done
  echo "Changed; building again." >&2
done
