#!/bin/sh
# Prints the home of a JDK 25 or newer: JAVA_HOME, java on the PATH, /usr/lib/jvm, macOS's java_home.
# `find-jdk.sh runtime` is content with a Java that has no compiler.
set -u
least=25
tool=javac
[ "${1:-}" = runtime ] && tool=java
older=

major() {
  "$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1
}

try() {
  [ -n "$1" ] && [ -x "$1/bin/java" ] && [ -x "$1/bin/$tool" ] || return 1
  found=$(major "$1")
  [ -n "$found" ] || return 1
  if [ "$found" -lt "$least" ]; then
    older="$older $1 is too old: $found."
    return 1
  fi
  printf '%s\n' "$1"
  exit 0
}

try "${JAVA_HOME:-}"
on_path=$(command -v java 2>/dev/null) &&
  try "$(java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.home = //p')"
for home in /usr/lib/jvm/*; do
  try "$home"
done
if [ -x /usr/libexec/java_home ]; then
  try "$(/usr/libexec/java_home -v "$least+" 2>/dev/null)"
fi
echo "No JDK $least or newer found: install one (for example Temurin 25), or set JAVA_HOME to it.$older" >&2
exit 1
