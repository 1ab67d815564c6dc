#!/bin/sh
# Stops the programs that a test process started, and removes its folders, after that process has ended for any reason.
# Standard input is a pipe from the test process, so it closes when the process ends. The lines in it are
# "run PID SIGNAL", "ended PID", "folder PATH" and "removed PATH".
trap '' HUP INT TERM
state=$(mktemp -d) || exit 1
while read -r word what; do
  case $word in
    run) echo "${what#* }" >"$state/run-${what% *}" ;;
    ended) rm -f "$state/run-$what" ;;
    folder) echo "$what" >"$state/folder-$(echo "$what" | tr / +)" ;;
    removed) rm -f "$state/folder-$(echo "$what" | tr / +)" ;;
  esac
done

# A process that has ended and that its parent has not reaped yet does not count as running.
is_running() {
  case $(ps -o stat= -p "$1") in '' | Z*) return 1 ;; esac
}

# Waits until all processes have ended, and kills those that take longer than 20 seconds.
wait_for() {
  for pid in "$@"; do
    tries=200
    while is_running "$pid"; do
      if [ "$tries" -eq 0 ]; then kill -KILL "$pid"; fi
      tries=$((tries - 1))
      sleep 0.1
    done
  done
}

# Servers come first, because a server stops the database that it started.
set --
for file in "$state"/run-*; do
  [ -e "$file" ] || continue
  pid=${file##*/run-}
  # A frozen process must continue before it can end.
  kill -"$(cat "$file")" "$pid" && kill -CONT "$pid"
  set -- "$@" "$pid"
done
wait_for "$@"

for file in "$state"/folder-*; do
  [ -e "$file" ] || continue
  folder=$(cat "$file")
  for pid_file in "$folder"/postgres/postmaster.pid "$folder"/*/postgres/postmaster.pid; do
    [ -e "$pid_file" ] || continue
    pid=$(head -n 1 "$pid_file")
    case $(ps -o args= -p "$pid") in *"-D ${pid_file%/postmaster.pid} "*) kill -QUIT "$pid" && kill -CONT "$pid" && wait_for "$pid" ;; esac
  done
  rm -rf "$folder"
done
rm -rf "$state"
