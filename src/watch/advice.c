/* What is worth a look. Nothing of it is measured while the program is at work but for what is counted and profiled
   anyway, and for how long threads sleep in waits of Moirai's. So times of tasks and regions are upper bounds: all the
   CPU time of the process, shared out among them. */
#include "watch/advice.h"

#include "plat/plat.h"
#include "watch/locks.h"
#include "watch/table.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHORT_TASK_US   1.0
#define SHORT_REGION_US 5.0 /* of a thread: opening one takes as long where threads must be woken */
#define BLOCKED_MS      100
#define HOT             1000 /* times that a lock is taken, and times a second */
#define LINE            ((uintptr_t)64)

static void say(struct mo_advices *a, enum mo_advice what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void say(struct mo_advices *a, enum mo_advice what, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(a->text[what], sizeof a->text[what], fmt, args);
    va_end(args);
}

static double cpu_us(void)
{
    struct timespec t = {0, 0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- Too little in each. */
static void look_at_tasks(struct mo_advices *a, const struct mo_stats *s)
{
    uint64_t tasks = mo_stats_tasks_run(s->total) + s->total[MO_COUNT_JOBS_RUN];
    double us = tasks ? cpu_us() / (double)tasks : 0;
    if (tasks >= MO_ADVICE_MANY && us < SHORT_TASK_US)
        say(a, MO_ADVICE_SHORT_TASKS,
            "%llu tasks took less than %.2f us of CPU time each, hardly more than it costs to make them: give each "
            "more "
            "work, or create them in a taskloop with a grainsize.",
            (unsigned long long)tasks, us);
}

static uint32_t largest_team(const struct mo_stats *s)
{
    uint32_t size = 1;
    for (unsigned i = 0; i < s->team_rows; i++)
        if (s->team[i].size > size)
            size = s->team[i].size;
    return size;
}

static void look_at_teams(struct mo_advices *a, const struct mo_stats *s)
{
    uint64_t regions = s->total[MO_COUNT_REGIONS];
    uint32_t size = largest_team(s);
    unsigned cpus = mo_plat_usable_cpus();
    double us = regions ? cpu_us() / (double)regions / size : 0;
    if (size > 1 && regions >= MO_ADVICE_MANY && mo_stats_tasks_run(s->total) < regions && us < SHORT_REGION_US)
        say(a, MO_ADVICE_LITTLE_WORK,
            "%llu regions took less than %.2f us of CPU time of each thread, hardly more than it costs to open them: "
            "let "
            "one region do the work of several, or give it an if clause.",
            (unsigned long long)regions, us);
    if (cpus && size > cpus)
        say(a, MO_ADVICE_OVERSUBSCRIBED,
            "A team has %u threads, and there are %u CPUs for the process: set OMP_NUM_THREADS, or let "
            "MOIRAI_BUDGET=cpus "
            "share them out.",
            size, cpus);
}

/* ---- Threads of the pool that slept although nothing of Moirai's let them. */
static bool read_text(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, room - 1) : -1;
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Since the thread began, in ns; 0: not known. */
static uint64_t age_of(uint32_t tid)
{
    char path[64], text[512];
    unsigned long long start;
    struct timespec now;
    snprintf(path, sizeof path, "/proc/self/task/%u/stat", tid);
    const char *rest = read_text(path, text, sizeof text) ? strrchr(text, ')') : NULL;
    long hz = sysconf(_SC_CLK_TCK);
    if (!rest || hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &now) != 0 ||
        sscanf(rest, ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &start) != 1)
        return 0;
    uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    uint64_t start_ns = start * (1000000000u / (uint64_t)hz);
    return now_ns > start_ns ? now_ns - start_ns : 0;
}

/* On a CPU or waiting for one. False: the system does not tell. */
static bool busy_ns(uint32_t tid, uint64_t *ns)
{
    char path[64], text[128];
    unsigned long long ran, waited;
    snprintf(path, sizeof path, "/proc/self/task/%u/schedstat", tid);
    if (!read_text(path, text, sizeof text) || sscanf(text, "%llu %llu", &ran, &waited) != 2)
        return false;
    *ns = ran + waited;
    return true;
}

static uint64_t asleep_ns(uint32_t tid)
{
    uint64_t ticks = 0;
    for (struct mo_sheet *s = mo_load_acquire(&MO_SHARED(watch).sheets); s; s = mo_load_acquire(&s->next)) {
        uint64_t since = mo_load_relaxed(&s->asleep_since);
        if (mo_load_relaxed(&s->tid) == tid)
            ticks += mo_load_relaxed(&s->asleep_ticks) + (since ? mo_plat_ticks() - since : 0);
    }
    return ticks * 1000 / mo_plat_ticks_per_us();
}

static void look_at_pool(struct mo_advices *a, const struct mo_stats *s)
{
    unsigned used = s->rows < s->room ? s->rows : s->room, threads = 0;
    uint64_t most = 0;
    for (unsigned i = 0; i < used; i++) {
        const struct mo_row *row = &s->row[i];
        uint64_t age = row->pooled && row->tid ? age_of(row->tid) : 0, known;
        if (!age || !busy_ns(row->tid, &known))
            continue;
        known += asleep_ns(row->tid);
        uint64_t blocked = age > known ? age - known : 0;
        threads += blocked >= BLOCKED_MS * 1000000ull;
        most = blocked > most ? blocked : most;
    }
    if (threads)
        say(a, MO_ADVICE_BLOCKED,
            "%u threads of the pool were blocked in system calls of the program, one of them for %.0f ms, and ran "
            "nothing "
            "meanwhile: do such calls in threads of their own, or as blocking work of an executor, or use more threads "
            "than "
            "CPUs.",
            threads, (double)most / 1e6);
}

/* ---- Locks. */
static void place_text(const void *site, char *text, size_t room)
{
    struct mo_code_place p = mo_code_place(site, true);
    const char *slash = p.object ? strrchr(p.object, '/') : NULL;
    int used = p.name ? snprintf(text, room, "%.80s ", p.name) : 0;
    snprintf(text + used, room - (size_t)used, "%.80s+0x%llx",
             !p.object ? "?"
             : slash   ? slash + 1
                       : p.object,
             (unsigned long long)p.address);
}

static void look_at_orders(struct mo_advices *a, const struct mo_locks *l)
{
    const struct mo_lock_order *one = mo_load_acquire(&l->order_seen), *two = mo_load_acquire(&l->order_before);
    char at_one[176], at_two[176];
    if (!one || !two)
        return;
    place_text(one->inner.site, at_one, sizeof at_one);
    place_text(two->inner.site, at_two, sizeof at_two);
    say(a, MO_ADVICE_LOCK_ORDER,
        "Lock %p was taken inside of %p (%s), and the other way round (%s): two threads that do so at once wait for "
        "each "
        "other for ever; take them in one order.",
        one->inner.lock, one->outer.lock, at_one, at_two);
}

static bool is_hot(const struct mo_locks *l, const struct mo_lock *e)
{
    uint64_t us = (mo_plat_ticks() - l->began) / mo_plat_ticks_per_us();
    return mo_load_relaxed(&e->lock) && e->taken >= HOT && e->taken * 1000000 / HOT >= us;
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)mo_load_relaxed(&(*(const struct mo_lock *const *)a)->lock);
    uintptr_t y = (uintptr_t)mo_load_relaxed(&(*(const struct mo_lock *const *)b)->lock);
    return x < y ? -1 : x > y;
}

static const struct mo_lock *hot[MO_SITES_MAX];

/* By their sites, so a lock comes as often as it has some. */
static unsigned sort_hot(struct mo_locks *l)
{
    unsigned count = 0;
    for (unsigned i = 0; i < mo_locks_sites(l); i++) {
        const struct mo_lock *e = mo_locks_find(l, l->site[i].lock);
        if (e && is_hot(l, e))
            hot[count++] = e;
    }
    qsort(hot, count, sizeof *hot, by_address);
    return count;
}

static void look_at_lines(struct mo_advices *a, struct mo_locks *l)
{
    unsigned count = sort_hot(l);
    for (unsigned i = 0; i < count; i++) {
        const struct mo_lock *e = hot[i];
        const char *one = mo_load_relaxed(&e->lock), *two;
        for (unsigned k = i + 1; k < count; k++) {
            const struct mo_lock *f = hot[k];
            two = mo_load_relaxed(&f->lock);
            if ((uintptr_t)one / LINE != (uintptr_t)two / LINE)
                break;
            if (e == f || !(e->several || f->several || e->tid != f->tid))
                continue;
            say(a, MO_ADVICE_FALSE_SHARING,
                "Locks %p and %p lie in one cache line and were taken %llu and %llu times by several threads, which "
                "take it "
                "from each other: align each to 64 bytes.",
                (const void *)one, (const void *)two, (unsigned long long)e->taken, (unsigned long long)f->taken);
            return;
        }
    }
}

void mo_advise(struct mo_advices *a, const struct mo_stats *s)
{
    struct mo_locks *l = mo_load_acquire(&MO_SHARED(locks));
    memset(a, 0, sizeof *a);
    look_at_tasks(a, s);
    look_at_teams(a, s);
    look_at_pool(a, s);
    if (l) {
        look_at_lines(a, l);
        look_at_orders(a, l);
    }
}
