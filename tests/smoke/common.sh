# What the programs of this folder are written with. `program` adds one to the list; the function try_NAME uses it
# and prints what must be the same with and without the preload. It runs in an empty folder of its own, twice, with
# `set -euo pipefail`; that it ends with a status other than 0 is a failure in either run. What differs from run to run
# (times, process ids, addresses) it takes out itself, with a comment that says what that is.
set -euo pipefail

smoke=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
inputs=$smoke/inputs
names=()
declare -A speed packages about

# program NAME quick|slow "DEBIAN PACKAGES" "what it exercises"
program() {
    names+=("$1")
    speed[$1]=$2 packages[$1]=$3 about[$1]=$4
}

# run COMMAND ...: what is tried. The preload, if this is its run, is in the environment of nothing else.
run() {
    env ${SMOKE_PRELOAD:+LD_PRELOAD="$SMOKE_PRELOAD"} "$@"
}

# run_beside before|after LIBRARY COMMAND ...: the same with another preload in front of ours or behind it.
run_beside() {
    local where=$1 all=$2
    if [ -n "${SMOKE_PRELOAD:-}" ]; then
        [ "$where" = before ] && all=$2:$SMOKE_PRELOAD || all=$SMOKE_PRELOAD:$2
    fi
    LD_PRELOAD=$all "${@:3}"
}

# said COMMAND ...: its output with its status as last line, where the status is not 0 by right.
said() {
    local status=0
    "$@" 2>&1 || status=$?
    echo "status $status"
}

library() {
    ldconfig -p | awk -v name="$1" '$1 == name && !found { print $NF; found = 1 }'
}

build() {
    command gcc -O1 -g "$inputs/threads.c" -o threads -pthread "$@"
}

# Some megabytes that are the same each time and neither random nor empty.
bytes() {
    python3 -c 'import random, sys
random.seed(7)
words = [random.randbytes(random.randrange(2, 12)) for _ in range(4000)]
sys.stdout.buffer.write(b" ".join(random.choices(words, k=int(sys.argv[1]) * 130000)))' "$1"
}

# ---- Servers: on the loopback device, never longer than their program's turn.
servers=()

stop_servers() {
    local pid
    for pid in "${servers[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    servers=()
}
trap stop_servers EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

answers() {
    (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# serve PORT COMMAND ...: run it as a server, return when it answers. Its output is in server.log.
serve() {
    local port=$1 tries=0
    (exec env ${SMOKE_PRELOAD:+LD_PRELOAD="$SMOKE_PRELOAD"} "${@:2}") >server.log 2>&1 &
    servers+=($!)
    until answers "$port"; do
        if ! kill -0 $! 2>/dev/null || [ $((++tries)) -gt 200 ]; then
            echo "the server does not answer:" && cat server.log
            return 1
        fi
        sleep 0.1
    done
}

# The server that was started last ends when told to; prints its status.
stop() {
    local pid=${servers[-1]}
    unset 'servers[-1]'
    kill "$pid"
    said wait "$pid"
}
