#!/bin/sh
# probe.sh [FOLDER]: runs the scripts of FOLDER (LAB.sh, probes.txt; by default where this file lies)
# on the Docker Engine of this machine and prints what each probe gives, one a line. Needs root and
# an engine without containers. `cargo xtask real` makes such a folder and compares.
#
# STAND_IN=FILE.tar: where the engine cannot pull, a root file system (with sh, curl, ping, ip, getent
# and `serve tcp:PORT`, which answers HTTP) from which images with the right names and ports are made.
set -eu
cd "${1:-$(dirname "$0")}"

[ "$(id -u)" = 0 ] || { echo "probe.sh: needs root: it changes the network of this machine" >&2; exit 2; }
docker version >/dev/null 2>&1 || { echo "probe.sh: needs a running Docker Engine" >&2; exit 2; }
[ -z "$(docker ps -aq)" ] || { echo "probe.sh: needs an engine without containers: addresses are given in turn" >&2; exit 2; }

if [ -n "${STAND_IN:-}" ]; then
  made() {
    docker image inspect "$1" >/dev/null 2>&1 || docker import -c "CMD $2" ${3:+-c "EXPOSE $3"} "$STAND_IN" "$1" >/dev/null
  }
  made nginx '["serve","tcp:80"]' 80
  made tomcat '["serve","tcp:8080"]' 8080
  made redis '["serve","tcp:6379"]' 6379
  made nicolaka/netshoot '["sh"]'
fi

# What came of it: the tool's own answer, as far as it is the same on every machine.
words() { # TOOL EXIT FILE
  case $1 in
    curl)
      case $2 in
        0) echo ok ;; 6) echo name-not-found ;; 28) echo timeout ;; 52|56) echo closed ;;
        7) if grep -q refused "$3"; then echo refused; else echo unreachable; fi ;;
        *) echo "curl $2" ;;
      esac ;;
    ping)
      case $2 in
        0) echo ok ;;
        1) if grep -q Unreachable "$3"; then echo unreachable; else echo timeout; fi ;;
        *) if grep -q 'Network is unreachable' "$3"; then echo no-route; else echo error; fi ;;
      esac ;;
    *) # Ids are other ones each time.
      echo "exit $2: $(sed -e 's/[0-9a-f]\{64\}/ID/g' -e 's/(.*//' -e "s/Run 'docker.*//" "$3" | tr -s ' \t' ' ' | sed 's/ *$//' | grep . | sort | tr '\n' ';')" ;;
  esac
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
clean() {
  all=$(docker ps -aq)
  [ -z "$all" ] || docker rm -f $all >/dev/null
  docker network prune -f >/dev/null
}

before=
grep -v '^#' probes.txt | while IFS='|' read -r lab place line; do
  if [ "$lab" != "$before" ]; then
    clean
    sh "./$lab.sh" >"$tmp/script" 2>&1 </dev/null || { echo "$lab: its script failed: $(tail -1 "$tmp/script")"; exit 1; }
    sleep 2
    before=$lab
  fi
  case $place in
    *:*) set -- docker exec "${place#*:}" sh -c "$line" ;;
    *) set -- sh -c "$line" ;;
  esac
  status=0
  "$@" >"$tmp/out" 2>&1 </dev/null || status=$?
  echo "$lab|$place|$line => $(words "${line%% *}" "$status" "$tmp/out")"
done
clean
