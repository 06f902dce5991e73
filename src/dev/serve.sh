#!/bin/sh
# Starts the gateway with stand-ins: short request lines where stdout is a terminal, colour unless NO_COLOR is set
# (https://no-color.org).
set -u
lines= colour=
[ -t 1 ] && lines=-Dluki.lines=short
[ -t 2 ] && [ -z "${NO_COLOR:-}" ] && colour=-Dluki.colour=true
exec "$JAVA_HOME/bin/java" ${DEV_JAVA_OPTS:-} $lines $colour -cp "$DEV_CLASSPATH" luki.gateway.dev.DevServer
