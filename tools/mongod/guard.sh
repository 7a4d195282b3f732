#!/bin/sh
# guard.sh COMMAND... - runs one server and makes sure that it never outlives whoever started it.
# Standard input is a pipe that only the starter holds. It closes when the starter asks for a stop and also when the starter is
# killed in any way, so both end the same: the first signal of GUARD_SIGNALS, and harder ones when it does not help. Exits when the
# server has gone, with the server's exit code, and removes the socket folder GUARD_SOCKETS if there is one.
exec 3<&0
"$@" </dev/null 3<&- &
server=$!

gone_within() {
  waits=$1
  while kill -0 "$server" 2>/dev/null; do
    [ "$waits" -gt 0 ] || return 1
    waits=$((waits - 1))
    sleep 0.05
  done
}

(
  trap exit TERM # At once while reading, and after the sleep while waiting, so that no sleep is left behind.
  while read -r _; do :; done <&3
  for signal in ${GUARD_SIGNALS:-TERM}; do
    kill "-$signal" "$server" 2>/dev/null
    gone_within 80 && exit
  done
  kill -KILL "$server" 2>/dev/null
) &
watcher=$!
exec 3<&-

wait "$server"
code=$?
kill "$watcher" 2>/dev/null
wait "$watcher"
if [ -n "$GUARD_SOCKETS" ]; then
  rm -f "$GUARD_SOCKETS"/.s.PGSQL.*
  rmdir "$GUARD_SOCKETS" 2>/dev/null
fi
exit "$code"
