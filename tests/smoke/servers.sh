# Servers on the loopback device and data bases.

# Parallel transfers show their progress even if told not to; errors begin with the program's name.
program curl quick "curl python3" "parallel transfers and a threaded Python server, both tried"
try_curl() {
    local port i urls=()
    port=$(free_port)
    mkdir site
    for i in $(seq 40); do
        seq "$((i * 500))" >"site/$i"
        urls+=("http://127.0.0.1:$port/$i" -o "got.$i")
    done
    serve "$port" python3 -m http.server --bind 127.0.0.1 --directory site "$port"
    run curl -sS --noproxy '*' -Z --parallel-max 8 "${urls[@]}" 2>errors
    (grep '^curl' errors || true)
    md5sum got.* | sed 's/  got/ got/'
    said run curl -sS --noproxy '*' -o none -w '%{http_code}\n' "http://127.0.0.1:$port/none"
    stop
}

# redis-benchmark's figures of speed are left out.
program redis quick "redis-server redis-tools" "io-threads, a benchmark with threads, a snapshot by fork"
try_redis() {
    local port
    port=$(free_port)
    serve "$port" redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --io-threads 4 \
        --io-threads-do-reads yes --dir "$PWD"
    run redis-benchmark -h 127.0.0.1 -p "$port" --threads 2 -c 16 -n 4000 -r 10000 -q -P 8 -t set,get,incr,lpush,mset |
        tr '\r' '\n' | sed -En 's/^([A-Z]+[^:]*): [0-9.]+ requests per second.*/\1/p'
    run redis-cli -p "$port" llen mylist
    run redis-cli -p "$port" eval 'for i = 1, 1000 do redis.call("set", "a" .. i, i) end return redis.call("get", "a77")' 0
    run redis-cli -p "$port" bgsave
    for _ in $(seq 100); do
        run redis-cli -p "$port" info persistence | grep -q 'rdb_bgsave_in_progress:1' || break
        sleep 0.1
    done
    run redis-cli -p "$port" info persistence | grep -E 'rdb_last_bgsave_status'
    run redis-cli -p "$port" flushall async
    stop
}

# memcslap's and memcaslap's figures of speed are left out.
program memcached quick "memcached libmemcached-tools python3" "worker threads under the load of many connections"
try_memcached() {
    local port user=()
    port=$(free_port)
    [ "$(id -u)" -ne 0 ] || user=(-u nobody)
    serve "$port" memcached -l 127.0.0.1 -p "$port" -U 0 -t 4 -m 64 "${user[@]}"
    run memcslap --servers="127.0.0.1:$port" --concurrency=8 --execute-number=300 --test=set |
        sed -E 's/[0-9]+\.[0-9]+ seconds/S seconds/'
    run python3 "$inputs/memcached.py" "$port"
    stop
}

# Figures of speed are left out; how many keys are found is the same each time.
program db_bench slow rocksdb-tools "flushes and compactions in the background, readers with threads"
try_db_bench() {
    run db_bench --db="$PWD/db" --num=100000 --reads=20000 --threads=4 --seed=5 --write_buffer_size=1000000 \
        --max_background_jobs=4 --benchmarks=fillseq,readrandom,readseq,compact,readwhilewriting 2>&1 |
        sed -En 's/^([a-z]+) +:.*ops\/sec[^(]*(\(.*found.*)?/\1 \2/p'
}

program sqlite quick "sqlite3 python3" "the shell, and threads that write to one data base from Python"
try_sqlite() {
    run sqlite3 a.db 'create table t(k integer primary key, v text);
        with recursive n(i) as (select 1 union all select i + 1 from n where i < 50000) insert into t select i, i * 7 % 1000 from n;
        pragma threads = 4; create index x on t(v); select count(*), sum(v), max(v) from t; pragma integrity_check;'
    run python3 "$inputs/sqlite.py"
}
