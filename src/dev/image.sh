#!/bin/sh
# Executes the RUN steps of the Dockerfile without a container engine: each stage in a directory of target/image, with
# files from where its COPY lines take them. Then it looks at the files that the image would contain, and starts them as
# the image does: with only these files for root, as the image's user. What it cannot check: pulling the base images,
# the layers themselves, and HEALTHCHECK by an engine.
set -eu
cd "$(dirname "$0")/../.."
image=$PWD/target/image
limit_mb=120
rm -rf "$image"
mkdir -p "$image"
PATH="$JAVA_HOME/bin:$PATH"
export PATH

# One instruction a line.
sed -e '/^#/d' -e ':join' -e '/\\$/ { N; s/\\\n */ /; b join' -e '}' Dockerfile >"$image/steps"

stage=
copy() {
  from=$PWD
  case $1 in --from=*) from=$image/${1#--from=}; shift ;; esac
  for to; do :; done
  case $to in /*) to=$image/$stage$to ;; *) to=$image/$stage/app/$to ;; esac
  while [ $# -gt 1 ]; do
    source=$from/${1#/}
    # As in a Dockerfile: of a directory its contents.
    if [ -d "$source" ]; then mkdir -p "$to" && cp -Rp "$source/." "$to"; else mkdir -p "${to%/*}" && cp -p "$source" "$to"; fi
    shift
  done
}

while read -r instruction rest; do
  case $instruction in
    FROM)
      stage=${rest##* AS }
      [ "$stage" != "$rest" ] || stage=final
      mkdir -p "$image/$stage/app"
      echo "stage $stage" ;;
    COPY)
      # shellcheck disable=SC2086 # a list of words
      copy $rest ;;
    RUN)
      step=$(printf '%s\n' "$rest" | sed 's/^\(--mount=[^ ]* *\)*//')
      printf '  %s\n' "$step" | cut -c1-110
      (cd "$image/$stage/app" && sh -euc "$step") ;;
  esac
done <"$image/steps"

root=$image/final
fail() {
  echo "image.sh: $*" >&2
  exit 1
}
size=$(du -sm --apparent-size "$root" | cut -f1)
echo "size: $size MB, of which: $(cd "$root" && du -sm --apparent-size opt/java app/target/lib app/target/*.aot usr lib* 2>/dev/null | awk '{ printf "%s %s MB  ", $2, $1 }')"
[ "$size" -le $limit_mb ] || fail "more than $limit_mb MB"
[ -z "$(find "$root" ! -type l -perm /o+w)" ] || fail "writable by everybody: $(find "$root" ! -type l -perm /o+w)"
[ -z "$(find "$root" -perm /6000)" ] || fail "files with set-user-id"
[ -z "$(find "$root" \( -name sh -o -name bash -o -name busybox -o -name dash \) -type f)" ] || fail "a shell"
[ -z "$(find "$root" \( -name '*.pem' -o -name '.env*' -o -name 'api-keys.json' -o -name '*.jks' \))" ] || fail "secrets"

# Starts it as the image does: CMD and HEALTHCHECK of the Dockerfile, in prod, on a free port.
words() {
  printf '%s\n' "$1" | tr -d '[]",'
}
command=$(words "$(sed -n 's/^CMD //p' "$image/steps" | tail -n 1)")
health=$(words "$(sed -n 's/^HEALTHCHECK .* CMD //p' "$image/steps")")
port=${PORT:-18081}
mkdir -p "$image/secrets" "$root/proc" "$root/dev" "$root/run/secrets"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$image/secrets/service-token.pem"
chmod -R a+rX "$image/secrets"
cat >"$image/enter" <<'ENTER'
root=$1 secrets=$2
shift 2
mount --rbind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$secrets" "$root/run/secrets"
mount -o remount,bind,ro "$root"
exec unshare --root="$root" --wd=/app --setgid=10001 --setuid=10001 "$@"
ENTER
if [ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null; then
  how="with these files alone for root, read-only, as 10001"
  secrets=/run/secrets
  inside() {
    exec unshare --mount sh -eu "$image/enter" "$root" "$image/secrets" "$@"
  }
else
  how="in target/image/final/app; in a root directory of its own only for root, where unshare works"
  secrets=$image/secrets
  inside() {
    java=$1
    shift
    cd "$root/app" && exec "$root$java" "$@"
  }
fi
# Replaces the shell that it is called in.
in_image() {
  unset JAVA_HOME
  # shellcheck disable=SC2086 # a list of words
  PATH=$root/opt/java/bin:$PATH PORT=$port API_KEY_PEPPER="a pepper for this one check, long enough" \
    SERVICE_TOKEN_KEY_PATH=$secrets/service-token.pem inside $1
}
echo "starting it $how"
! (in_image "/opt/java/bin/$health") 2>/dev/null || fail "something answers on port $port already: set PORT"
(in_image "/opt/java/bin/java @config/jvm.options -XX:AOTMode=on -jar target/luki-gateway.jar version") ||
  fail "the ahead-of-time cache is not of this Java and jar"
in_image "/opt/java/bin/$command" >"$image/out" 2>"$image/err" &
gateway=$!
trap 'kill -9 $gateway 2>/dev/null || true' EXIT
tries=0
until (in_image "/opt/java/bin/$health --ready") 2>/dev/null; do
  tries=$((tries + 1))
  [ $tries -lt 60 ] && kill -0 $gateway 2>/dev/null || fail "not ready: $(cat "$image/err")"
  sleep 0.5
done
(in_image "/opt/java/bin/$health") || fail "health says that it does not live"
kill -TERM $gateway
code=0
wait $gateway || code=$?
trap - EXIT
[ $code = 0 ] || fail "ended with $code after SIGTERM"
! (in_image "/opt/java/bin/$health") 2>/dev/null || fail "health does not notice the end"
grep -q '"route":"/readyz"' "$image/out" || fail "no access log"
echo "ready, healthy, drained by SIGTERM: ok"
