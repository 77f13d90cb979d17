/* Threads really are where the places say: what is looked at here are the masks that the kernel has. The program starts
   itself again with the settings. */
#include <omp.h>
#include <pthread.h>
#include <sys/wait.h>
#include "again.h"

static int cpu_a, cpu_b;

/* The CPUs that the calling thread may use: "a" or "b" for that one alone, "ab" for both and perhaps more. */
static const char *mask(void)
{
    cpu_set_t now;
    sched_getaffinity(0, sizeof now, &now);
    int a = CPU_ISSET(cpu_a, &now), b = CPU_ISSET(cpu_b, &now);
    if (a && b)
        return "ab";
    return CPU_COUNT(&now) != 1 ? "?" : a ? "a" : b ? "b" : "?";
}

static void widen(void)
{
    cpu_set_t both;
    CPU_ZERO(&both);
    CPU_SET(cpu_a, &both);
    CPU_SET(cpu_b, &both);
    sched_setaffinity(0, sizeof both, &both);
}

static void region(int threads, int widen_it)
{
    const char *masks[16];
#pragma omp parallel num_threads(threads)
    {
        masks[omp_get_thread_num()] = mask();
        if (widen_it && omp_get_thread_num())
            widen();
    }
    for (int i = 0; i < threads; i++)
        printf("%s%s", i ? " " : "", masks[i]);
    printf("\n");
}

static void run_regions(void)
{
    region(4, 0);
    region(2, 0);
    region(6, 0);
    printf("then %s\n", mask());
}

/* A region like the one before leaves the masks alone: it asks the kernel for nothing. */
static void run_repeated(void)
{
    region(4, 1);
    region(4, 0);
    region(4, 0);
}

static void run_nested(void)
{
    const char *masks[2][2];
    omp_set_max_active_levels(2);
    for (int round = 0; round < 3; round++)
#pragma omp parallel num_threads(2)
    {
        int who = omp_get_thread_num();
#pragma omp parallel num_threads(2)
        masks[who][omp_get_thread_num()] = mask();
    }
    for (int i = 0; i < 2; i++)
        printf("%s %s\n", masks[i][0], masks[i][1]);
}

static void *own_region(void *unused)
{
    (void)unused;
    region(2, 0);
    printf("then %s\n", mask());
    return NULL;
}

/* Other threads of the program begin at the first place, whatever they inherit. */
static void run_threads(void)
{
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        if (i)
            region(2, 0);
        pthread_create(&thread, NULL, own_region, NULL);
        pthread_join(thread, NULL);
    }
}

static void run_fork(void)
{
    region(2, 0);
    fflush(stdout);
    if (!fork()) {
        region(2, 0);
        printf("then %s\n", mask());
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void run_tasks(void)
{
    int wrong = 0;
#pragma omp parallel num_threads(2) reduction(+ : wrong)
    {
        const char *expected = omp_get_thread_num() ? "b" : "a";
        for (int i = 0; i < SCALED(200); i++) {
#pragma omp task
            sched_yield();
#pragma omp taskwait
            wrong += strcmp(mask(), expected) != 0;
        }
#pragma omp barrier
        wrong += strcmp(mask(), expected) != 0;
    }
    printf("%d\n", wrong);
}

static void expect(const char *policy, const char *what, const char *expected)
{
    char settings[200];
    snprintf(settings, sizeof settings, "OMP_PLACES='{%d},{%d}' OMP_PROC_BIND=%s", cpu_a, cpu_b, policy);
    again_expect(settings, what, expected);
}

static void where_threads_are(void)
{
    again_expect("-u OMP_PROC_BIND", "regions", "ab ab ab ab\nab ab\nab ab ab ab ab ab\nthen ab\n");
    expect("false", "regions", "ab ab ab ab\nab ab\nab ab ab ab ab ab\nthen ab\n");
    expect("close", "regions", "a a b b\na b\na a a b b b\nthen a\n");
    expect("spread", "regions", "a a b b\na b\na a a b b b\nthen a\n");
    expect("primary", "regions", "a a a a\na a\na a a a a a\nthen a\n");
    expect("close", "repeated", "a a b b\na ab ab ab\na ab ab ab\n");
    expect("spread,close", "nested", "a a\nb b\n");
    expect("close", "nested", "a b\nb a\n");
    expect("close", "threads", "a b\nthen a\na b\na b\nthen a\n");
#ifndef __SANITIZE_THREAD__    /* which ends a child that starts threads */
    if (!check_is_reference()) /* hangs there */
        expect("close", "fork", "a b\na b\nthen a\n");
#endif
    expect("close", "tasks", "0\n");
}

/* The process may use one CPU only: places on the other one are left out. */
static void fewer_cpus(void)
{
    char settings[300];
    const char *format = "OMP_PROC_BIND=true %s taskset -c %d";
    snprintf(settings, sizeof settings, format, "", cpu_b);
    again_expect(settings, "regions", "b b b b\nb b\nb b b b b b\nthen b\n");
    snprintf(settings, sizeof settings, format, "OMP_PLACES=sockets", cpu_b);
    again_expect(settings, "regions", "b b b b\nb b\nb b b b b b\nthen b\n");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } runs[] = {{"regions", run_regions}, {"repeated", run_repeated}, {"nested", run_nested},
                {"threads", run_threads}, {"fork", run_fork},         {"tasks", run_tasks}};
    again_cpus(&cpu_a, &cpu_b);
    if (cpu_a == cpu_b) {
        fprintf(stderr, "one CPU: nothing to see\n");
        return 0;
    }
    for (unsigned i = 0; argc > 1 && i < sizeof runs / sizeof runs[0]; i++)
        if (!strcmp(argv[1], runs[i].name))
            runs[i].run();
    if (argc > 1)
        return 0;
    where_threads_are();
    fewer_cpus();
    return check_result();
}
