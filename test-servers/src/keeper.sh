# Starts, signals and stops one server, controlled by lines on standard input. At the end of the
# input, the server is killed and its folder is removed. The input also ends if the writing process
# is killed.
# Arguments: FOLDER LAST_SIGNAL PROGRAM ARGUMENT...
folder=$1
last_signal=$2
shift 2
server=

# HUP and PIPE would terminate this shell before it stops the server.
# HUP: Linux sends SIGHUP to this process group if the owner process exits while a process of the
# group is stopped. `freeze` stops the server, and the pipe closes before the exit is complete.
# PIPE: the owner process may exit before it reads a reply.
# The signals are ignored, not caught, because `cat`, `rm` and the server inherit only ignored
# signals.
# XFSZ: with a limit on the length of files, a write of the server must fail and not end it.
trap '' HUP PIPE XFSZ

is_running() {
    [ -n "$1" ] || return 1
    case $(cat "/proc/$1/stat" 2>/dev/null) in
    '' | *') Z '* | *') X '*) return 1 ;;
    esac
}

# Linux lists child processes by thread. chromedriver starts its browsers from several threads.
family() {
    [ -z "$server" ] || echo "$server" $(cat "/proc/$server/task/"*/children 2>/dev/null)
}

# A stopped parent starts no more child processes, so the second signal reaches all.
freeze() {
    kill -STOP $server 2>/dev/null
    kill -STOP $(family) 2>/dev/null
}

wait_for() {
    for process in "$@"; do
        tries=0
        while is_running "$process"; do
            tries=$((tries + 1))
            [ $tries -lt 1000 ] || kill -KILL "$process" 2>/dev/null
            sleep 0.01
        done
    done
}

# A killed PostgreSQL leaves a piece of shared memory that no process frees. The seventh line of
# this file contains its number.
free_shared_memory() {
    [ -f data/postmaster.pid ] || return 0
    ipcrm -m "$(sed -n '7s/.* //p' data/postmaster.pid)" 2>/dev/null
}

end() {
    if is_running "$server"; then
        stop_server "$1"
    fi
    free_shared_memory
}

stop_server() {
    if [ "$1" = KILL ]; then
        freeze
        members=$(family)
        kill -KILL $members 2>/dev/null
    else
        members=$(family)
        kill -CONT $members 2>/dev/null
        kill -"$1" "$server" 2>/dev/null
    fi
    wait_for $members
    wait "$server" 2>/dev/null
}

mkdir -m 755 "$folder" || exit 1
cd "$folder" || exit 1
echo ready
while read -r order signal; do
    case $order in
    start)
        "$@" </dev/null >>"$folder/log" 2>&1 &
        server=$!
        ;;
    end) end "$signal" ;;
    pause) freeze ;;
    resume) kill -CONT $(family) 2>/dev/null ;;
    limit)
        for process in $(family); do
            prlimit --pid "$process" --fsize="$signal":unlimited 2>/dev/null
        done
        ;;
    esac
    if is_running "$server"; then echo up; else echo down; fi
done
end "$last_signal"
cd /
rm -rf "$folder"
