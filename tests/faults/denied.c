/* Where a sandbox denies system calls, and where there is no /proc and no /sys: regions, tasks and nested regions do
   what they always do. Each case is a process of its own, which denies the calls before it meets the runtime, or after
   its first region. */
#include <omp.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include "../omp/check.h"
#include "process.h"

enum { CALLS_MAX = 8 };
struct filter {
    int calls[CALLS_MAX]; /* 0 ends them: no call that is denied here has that number */
    bool later;
};
static const struct filter *present;

/* False: no filter can be set here. */
static bool deny(const struct filter *f)
{
    struct sock_filter code[2 * CALLS_MAX + 2];
    unsigned short n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < CALLS_MAX && f->calls[i]; i++) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)f->calls[i], 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = n, .filter = code};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static void regions(void)
{
    int members = 0, inner = 0;
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(4) reduction(+ : members, inner)
    {
        members += 1;
#pragma omp barrier
#pragma omp parallel num_threads(2) reduction(+ : inner)
        inner += 1;
    }
    CHECK_EQ(members, 4);
    CHECK_EQ(inner, 8);
}

/* Members sleep between the bursts, so that publishing a task has to wake one. */
static void tasks(void)
{
    int done = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int i = 0; i < 200; i++) {
        if (i % 50 == 0)
            usleep(5000);
#pragma omp task shared(done)
#pragma omp atomic
        done += 1;
    }
    CHECK_EQ(done, 200);
}

static int body(void)
{
    if (present->later) {
        regions();
        tasks();
    }
    if (!deny(present))
        return 77;
    CHECK(omp_get_num_procs() >= 1);
    CHECK(omp_get_max_threads() >= 1);
    for (int k = 0; k < 5; k++) {
        regions();
        tasks();
    }
    return check_result();
}

static const struct filter filters[] = {
    {{SYS_membarrier}, false},
    {{SYS_membarrier}, true},
    {{SYS_sched_setaffinity, SYS_sched_getaffinity}, false},
    {{SYS_sched_setaffinity, SYS_sched_getaffinity}, true},
    {{SYS_mbind, SYS_set_mempolicy, SYS_get_mempolicy}, false},
    {{SYS_openat}, false}, /* no files at all */
    {{SYS_openat, SYS_membarrier, SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_mbind, SYS_sched_yield, SYS_getcpu},
     false},
    {{SYS_openat, SYS_membarrier, SYS_sched_setaffinity, SYS_sched_getaffinity, SYS_mbind, SYS_sched_yield, SYS_getcpu},
     true},
};

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

int main(void)
{
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        char text[4096];
        present = &filters[i];
        int status = in_child_saying(body, 100, text, sizeof text);
        if (status == 77) /* no filters here; what has failed before that has failed */
            return check_result() ? check_result() : 77;
        if (status != 0 || lines_of(text) > 1)
            fprintf(stderr, "case %zu:\n%s", i, text);
        CHECK_EQ(status, 0);
        CHECK(lines_of(text) <= 1); /* one warning for one cause: only membarrier is missed, and only if it was there */
    }
    return check_result();
}
