# Interpreters and virtual machines.

program python_threads quick python3 "threading, queue, concurrent.futures, timed waits"
try_python_threads() {
    run python3 "$inputs/threads.py"
}

program python_fork quick python3 "multiprocessing by fork, also while threads run"
try_python_fork() {
    run python3 "$inputs/fork.py"
}

program javac quick openjdk-17-jdk-headless "compiling; the classes are compared"
try_javac() {
    run javac -d classes "$inputs/Threads.java"
    (cd classes && md5sum -- *.class)
}

program java quick openjdk-17-jdk-headless "monitors, park, executors, parallel streams, collectors with threads"
try_java() {
    javac -d classes "$inputs/Threads.java"
    run java -XX:+UseG1GC -Xmx200m -cp classes Threads
    run java -XX:+UseParallelGC -Xmx200m -cp classes Threads
}

program node quick nodejs "worker_threads, Atomics.wait, libuv's pool"
try_node() {
    run node "$inputs/workers.js"
}

program perl quick perl "threads, shared variables, cond_wait, Thread::Queue"
try_perl() {
    run perl "$inputs/threads.pl"
}

program R slow r-base-core "a matrix product, mclapply (fork)"
try_R() {
    run Rscript --vanilla "$inputs/product.R"
}

# The numbers are small integers: sums are exact in any order.
program octave slow "octave libopenblas0-openmp" "matrix products by OpenBLAS with OpenMP threads"
try_octave() {
    run octave-cli --no-gui --norc --eval '
        n = 600; a = mod(reshape(1:n*n, n, n), 17); b = mod(a * 5 + 3, 13);
        for i = 1:8 c = a * b; end
        printf("%d %d\n", sum(c(:)), max(c(:))); x = (b + 40 * n * eye(n)) \ c; printf("%d\n", norm((b + 40 * n * eye(n)) * x - c) < 1e-6)' 2>&1
}
