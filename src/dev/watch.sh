#!/bin/sh
# Rebuilds and restarts the gateway when a source or a configuration file changes.
set -u
stamp=target/.watch
pid=

stop() {
  if [ -n "$pid" ]; then
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    pid=
  fi
}
trap 'stop; exit 0' INT TERM

mkdir -p target
while true; do
  touch "$stamp"
  if "${MAKE:-make}" --no-print-directory compiled; then
    # Not through make: the process to stop is the gateway itself.
    colour=
    [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && colour=-Dluki.colour=true
    "$JAVA_HOME/bin/java" $DEV_JAVA_OPTS $colour -cp "$DEV_CLASSPATH" luki.gateway.dev.DevServer &
    pid=$!
  else
    echo "The build failed; waiting for the next change." >&2
  fi
  while [ -z "$(find src config pom.xml .env -newer "$stamp" -type f -print 2>/dev/null | head -n 1)" ]; do
    sleep 1
  done
  echo "Changed; building again." >&2
  stop
done
