/* Teams whose members are fibers on two threads (MOIRAI_TEAM=ult): what a program can see of that, and what it must
   not. */
#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include "../omp/check.h"
#include "process.h"

enum { CARRIERS = 2 };

#ifdef __SANITIZE_THREAD__
enum { THREADS_ARE_WATCHED = 1 };
#else
enum { THREADS_ARE_WATCHED = 0 };
#endif
#ifdef __SANITIZE_ADDRESS__
enum { MEMORY_IS_WATCHED = 1 };
#else
enum { MEMORY_IS_WATCHED = 0 };
#endif

static int others;

/* ThreadSanitizer has threads of its own. */
static int carriers_only(void)
{
    return THREADS_ARE_WATCHED || threads_alive() - others <= CARRIERS;
}

/* ---- Regions. */
static void sizes_change(int rounds)
{
    const int sizes[] = {8, 16, 3, 8, 64, 2, 1, 5, 5, 64};
    for (int k = 0; k < rounds; k++) {
        int size = sizes[k % 10], sum = 0, met = 0;
#pragma omp parallel num_threads(size) reduction(+ : sum)
        {
            CHECK_EQ(omp_get_num_threads(), size);
            sum += omp_get_thread_num();
#pragma omp atomic
            met += 1;
#pragma omp barrier
            CHECK_EQ(met, size); /* all are there at once */
        }
        CHECK_EQ(sum, size * (size - 1) / 2);
    }
    CHECK(carriers_only());
}

static int leaves;

static void descend(int level)
{
    int parent = level == 1 ? 0 : omp_get_thread_num();
#pragma omp parallel num_threads(4)
    {
        CHECK_EQ(omp_get_level(), level);
        CHECK_EQ(omp_get_ancestor_thread_num(level - 1), parent);
        CHECK_EQ(omp_get_team_size(level), 4);
        if (level < 3)
            descend(level + 1);
#pragma omp barrier
        if (level == 3)
#pragma omp atomic
            leaves += 1;
    }
}

static void nested(int rounds)
{
    omp_set_max_active_levels(3);
    leaves = 0;
    for (int k = 0; k < rounds; k++)
        descend(1);
    CHECK_EQ(leaves, 64 * rounds);
    CHECK(carriers_only());
    omp_set_max_active_levels(1);
}

static void settings_of_each(void)
{
#pragma omp parallel num_threads(16)
    {
        int mine = omp_get_thread_num() + 1;
        omp_set_num_threads(mine);
        omp_set_schedule(omp_sched_dynamic, mine);
#pragma omp barrier
        omp_sched_t kind;
        int chunk;
        omp_get_schedule(&kind, &chunk);
        CHECK_EQ(omp_get_max_threads(), mine);
        CHECK_EQ(chunk, mine);
    }
}

/* ---- Locks that are held while their owners give way to others, who want them. */
static void locks_are_kept(int rounds)
{
    omp_lock_t lock;
    omp_nest_lock_t nest;
    int in_lock = 0, in_nest = 0, in_critical = 0, total = 0;
    omp_init_lock(&lock);
    omp_init_nest_lock(&nest);
#pragma omp parallel num_threads(12)
    for (int k = 0; k < rounds; k++) {
        omp_set_lock(&lock);
        CHECK_EQ(in_lock++, 0);
#pragma omp task shared(total)
#pragma omp atomic
        total += 1;
#pragma omp taskwait
        in_lock--;
        omp_unset_lock(&lock);
        omp_set_nest_lock(&nest);
        omp_set_nest_lock(&nest);
        CHECK_EQ(in_nest++, 0);
#pragma omp taskyield
        in_nest--;
        omp_unset_nest_lock(&nest);
        omp_unset_nest_lock(&nest);
#pragma omp critical
        {
            CHECK_EQ(in_critical++, 0);
#pragma omp taskyield
            in_critical--;
        }
        while (!omp_test_lock(&lock)) {
        }
#pragma omp taskyield
        omp_unset_lock(&lock);
    }
    CHECK_EQ(total, 12 * rounds);
}

/* Of the C library. Only the preload sees who waits, and lets the owner go on. */
static void mutex_of_the_system(int rounds, int held_while_waiting)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    int inside = 0, total = 0;
#pragma omp parallel num_threads(12)
    for (int k = 0; k < rounds; k++) {
        pthread_mutex_lock(&mutex);
        CHECK_EQ(inside++, 0);
        if (held_while_waiting) {
#pragma omp taskyield
        }
        inside--;
        total++;
        pthread_mutex_unlock(&mutex);
#pragma omp taskyield
    }
    CHECK_EQ(total, 12 * rounds);
}

/* ---- Waiting for long takes no CPU. */
static void sleep_together(void)
{
    double before = cpu_seconds();
#pragma omp parallel num_threads(16)
#pragma omp single
    sleep(1);
    CHECK(cpu_seconds() - before < 0.5);
}

/* ---- Processes. */
static int child_of_a_region(void)
{
    int sum = 0;
#pragma omp parallel num_threads(8) reduction(+ : sum)
    sum += omp_get_thread_num();
    return sum == 28 ? check_result() : 1;
}

static void forks(void)
{
    CHECK_EQ(in_child(child_of_a_region, 20), 0);
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(8)
    {
        int status = 0;
#pragma omp critical
        status = in_child(child_of_a_region, 20);
        CHECK_EQ(status, 0);
    }
}

static int exits_inside(void)
{
#pragma omp parallel num_threads(8)
    {
        if (omp_get_thread_num() == 7)
            exit(7);
#pragma omp barrier
    }
    return 0;
}

static __attribute__((noinline)) int recurse(int n)
{
    volatile char frame[512];
    frame[n % 512] = (char)n;
    return n == 0 ? 0 : recurse(n + 1) + frame[(n + 1) % 512];
}

static int overflows(void)
{
    setenv("OMP_STACKSIZE", "256K", 1);
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#pragma omp parallel num_threads(8)
    if (omp_get_thread_num() == 7)
        recurse(1);
    return 0;
}

/* The program's own handler is left alone. */
static void handle(int signal)
{
    _exit(signal == SIGSEGV ? 5 : 6);
}

static int overflows_with_handler(void)
{
    static char place[65536];
    const stack_t stack = {.ss_sp = place, .ss_size = sizeof place};
    struct sigaction mine = {.sa_handler = handle, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &mine, NULL);
#pragma omp parallel num_threads(8)
    if (sigaltstack(&stack, NULL) == 0 && omp_get_thread_num() == 7)
        recurse(1);
    return 0;
}

static __attribute__((noinline)) void touch(size_t bytes)
{
    volatile char *frame = __builtin_alloca(bytes);
    for (size_t i = bytes; i > 0; i -= 512) /* from the upper end, as the kernel wants it of a stack */
        frame[i - 1] = 1;
}

static int uses_much_stack(void)
{
    setenv("OMP_STACKSIZE", "40M", 1);
#pragma omp parallel num_threads(8)
    if (omp_get_thread_num() > 0) {
        touch((size_t)32 << 20);
#pragma omp barrier
    } else {
#pragma omp barrier
    }
    return check_result();
}

static int has_no_room(void)
{
    const struct rlimit little = {(rlim_t)512 << 20, (rlim_t)512 << 20};
    setenv("OMP_STACKSIZE", "100M", 1);
    CHECK_EQ(setrlimit(RLIMIT_AS, &little), 0);
    for (int k = 0; k < 3; k++) {
        int members = 0;
#pragma omp parallel num_threads(16) reduction(+ : members)
        members += 1;
        CHECK(members >= 1);
    }
    return check_result();
}

static int occurrences(const char *text, const char *part)
{
    int n = 0;
    while ((text = strstr(text, part))) {
        n++;
        text++;
    }
    return n;
}

static void stacks(void)
{
    char text[4096];
    int status = in_child_saying(overflows, 20, text, sizeof text);
    CHECK_EQ(status, 1000 + SIGSEGV);
    CHECK(strstr(text, "stack overflow") && strstr(text, "its 25")); /* and what the last page has to spare */
    CHECK_EQ(in_child(overflows_with_handler, 20), 5);
    CHECK_EQ(in_child(uses_much_stack, 20), 0);
    status = in_child_saying(has_no_room, 20, text, sizeof text);
    CHECK_EQ(status, 0);
    CHECK_EQ(occurrences(text, "stacks of fibers; going on with threads"), 1);
}

int main(void)
{
    setenv("MOIRAI_TEAM", "ult", 1);
    setenv("MOIRAI_CPUS", "2", 1);
    others = threads_alive() - 1;
    if (!MEMORY_IS_WATCHED && !THREADS_ARE_WATCHED) {
        stacks();
        CHECK_EQ(in_child(exits_inside, 20), 7);
    }
    sizes_change(SCALED(200) + 10);
    nested(SCALED(20) + 2);
    settings_of_each();
    locks_are_kept(SCALED(100) + 2);
    mutex_of_the_system(SCALED(100) + 2, 0);
    if (getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "moirai_preload"))
        mutex_of_the_system(SCALED(100) + 2, 1);
    sleep_together();
    if (!THREADS_ARE_WATCHED)
        forks();
    return check_result();
}
