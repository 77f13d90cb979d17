# Tools of developers, compressors, allocators, setuid programs.

# Packs depend on the threads' timing, so objects are compared, not packs.
program git quick git "pack, clone, gc, repack, grep and index-pack with threads on a repository made here"
try_git() {
    export GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000' GIT_CONFIG_NOSYSTEM=1
    printf '[user]\nname = a\nemail = a@b\n[pack]\nthreads = 4\n[grep]\nthreads = 4\n[index]\nthreads = 4\n' >.gitconfig
    run git init -q one
    cd one
    local commit
    for commit in 1 2 3; do
        python3 -c 'import random, sys
random.seed(1)
for i in range(300):
    lines = [f"line {random.random()}" for _ in range(60)]
    lines[i % 60] += sys.argv[1]
    open(f"file{i}", "w").write("\n".join(lines))' "$commit"
        run git add .
        run git commit -q -m "number $commit"
    done
    run git repack -q -adf --depth=20 --window=20
    run git gc -q --aggressive
    run git clone -q "file://$PWD" ../two
    cd ../two
    run git fsck --full
    run git rev-parse HEAD
    run git rev-list --objects --all | md5sum
    run git grep -c 'line 0.5' | md5sum
    run git status --short
}

program gcc quick "gcc make" "compiling, a parallel make, link-time optimisation with several jobs; objects are compared"
try_gcc() {
    local i
    cp "$inputs/threads.c" .
    for i in 1 2 3 4; do
        sed "s/last_step/last_step_$i/; s/int main/int main_$i/; s/\*maker(/*maker_$i(/; s/maker : /maker_$i : /" threads.c |
            sed "s/last_step(sum/last_step_$i(sum/" >part$i.c
    done
    printf '%%.o: %%.c\n\tgcc -O2 -flto -ffat-lto-objects -frandom-seed=1 -c $< -o $@\n%s\n\tgcc -O2 -flto=2 -pthread -o $@ $^\n' \
        'all: threads.o part1.o part2.o part3.o part4.o' >Makefile
    run make -s -j2 all
    md5sum part?.o threads.o
    run ./all
}

# Addresses, ids of threads and processes, and numbers of threads differ from run to run.
program gdb quick "gdb gcc" "a run of a threaded program to breakpoints in a thread and in main"
try_gdb() {
    build
    run gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break maker' -ex run -ex 'bt 1' -ex 'delete' -ex 'break last_step' \
        -ex continue -ex 'bt 2' -ex 'info args' -ex continue ./threads 2>&1 |
        grep -E '^(#|sum|turns|[0-9]+ [0-9]+$|\[Inferior 1 .* exited)' |
        sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/number=ADDRESS|number=<[^>]*>/number=N/; s/process [0-9]+/process N/'
}

# Only what memcheck finds fault with, and the program's own line.
program valgrind quick "valgrind gcc" "memcheck of a threaded program"
try_valgrind() {
    build
    run valgrind --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite ./threads 2>&1 |
        grep -E '^[0-9]+ [0-9]+$|ERROR SUMMARY' | sed -E 's/^==[0-9]+== //; s/ \(suppressed:.*//'
}

# pigz and xz write the same for any number of threads; zstd for the same number.
program compressors quick "zstd pigz xz-utils" "threads of zstd, pigz and xz"
try_compressors() {
    bytes 8 >blob
    run zstd -q -T4 -c blob | tee blob.zst | md5sum
    run pigz -p 4 -c -n blob | tee blob.gz | md5sum
    run xz -T4 --block-size=1MiB -1 -c blob | tee blob.xz | md5sum
    run zstd -q -d -c blob.zst | md5sum
    run pigz -d -c blob.gz | md5sum
    run xz -T4 -d -c blob.xz | md5sum
}

program x264 slow x264 "frame threads"
try_x264() {
    bytes 40 | head -c 11520000 >video.yuv
    run x264 --quiet --threads 4 --input-res 320x240 --fps 25 --input-csp i420 -o out.264 video.yuv 2>/dev/null
    md5sum <out.264
}

program ffmpeg slow ffmpeg "decoder, filter and encoder threads"
try_ffmpeg() {
    run ffmpeg -v error -f lavfi -i testsrc=size=640x360:rate=25:duration=4 -vf 'gblur=sigma=2,scale=480:270' -threads 4 \
        -c:v libx264 -preset fast -flags +bitexact -fflags +bitexact -f md5 - </dev/null
    run ffmpeg -v error -f lavfi -i testsrc=size=640x360:rate=25:duration=4 -c:v mpeg4 -threads 4 -flags +bitexact \
        -fflags +bitexact video.avi </dev/null
    run ffmpeg -v error -threads 4 -i video.avi -f md5 - </dev/null
}

program allocators quick "libjemalloc2 libtcmalloc-minimal4 gcc python3" "jemalloc and tcmalloc preloaded before and after"
try_allocators() {
    local name where
    build -fopenmp
    for name in libjemalloc.so.2 libtcmalloc_minimal.so.4; do
        for where in before after; do
            run_beside $where "$(library $name)" ./threads
            run_beside $where "$(library $name)" python3 "$inputs/threads.py"
        done
    done
}

# The loader drops preloads of setuid programs without a word. As a user without rights, lest it be no test.
program setuid quick "util-linux passwd login" "su and passwd"
try_setuid() {
    local as=()
    [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
    said "${as[@]}" env ${SMOKE_PRELOAD:+LD_PRELOAD="$SMOKE_PRELOAD"} su --version
    said "${as[@]}" env ${SMOKE_PRELOAD:+LD_PRELOAD="$SMOKE_PRELOAD"} passwd -S
}

# Bounded in time: with a bound on operations it fails by itself when they are done before all its threads are there.
# Process ids and times are left out.
program stress-ng slow stress-ng "mutexes with priorities, pthreads and futexes"
try_stress-ng() {
    run stress-ng --mutex 4 --pthread 2 --futex 2 --verify -t 4 2>&1 | sed -E 's/\[[0-9]+\]//; s/ in [0-9.]+ ?s.*//'
}

# Figures of speed are left out.
program sysbench slow sysbench "mutex and threads tests"
try_sysbench() {
    run sysbench mutex --threads=8 --mutex-num=16 --mutex-locks=5000 --mutex-loops=100 run >out
    grep -E '^Number of threads|total number of events|^FATAL' out
    run sysbench threads --threads=8 --events=2000 --time=0 --thread-locks=4 --thread-yields=20 run >out
    grep -E '^Number of threads|total number of events|^FATAL' out
}

# One thread searches the same nodes each time; with several only the status counts.
program stockfish slow stockfish "bench with one thread and with four"
try_stockfish() {
    run /usr/games/stockfish bench 16 1 9 2>&1 | grep 'Nodes searched'
    run /usr/games/stockfish bench 16 4 9 >/dev/null 2>&1
}

# That script compares by itself, so without the preload this only says what is expected.
program programs slow "python3" "tests/programs/run: programs with OpenMP and others, byte for byte"
try_programs() {
    if [ -z "${SMOKE_PRELOAD:-}" ]; then
        grep -v '^#' "$smoke/../programs/cases.tsv" | awk -F '\t' 'NF { print $1, "yes" }'
    else
        "$smoke/../programs/run" "$SMOKE_PRELOAD" --n 1 | awk '$1 != "program" { print $1, $3 }'
    fi
}
