#include <glib.h>

#include "memory.h"
#include "pairs.h"

static GThreadPool *threads;
static GMutex mutex;
static GCond all_done;
static long left;

static void work(gpointer data, gpointer user)
{
    (void)data, (void)user;
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_ACQ_REL) == 0) {
        g_mutex_lock(&mutex);
        g_cond_signal(&all_done);
        g_mutex_unlock(&mutex);
    }
}

static void begin(int workers)
{
    threads = g_thread_pool_new(work, NULL, workers, TRUE, NULL);
}

static void push_and_wait(long n)
{
    __atomic_store_n(&left, n, __ATOMIC_RELEASE);
    for (long i = 0; i < n; i++)
        g_thread_pool_push(threads, &left, NULL);
    g_mutex_lock(&mutex);
    while (__atomic_load_n(&left, __ATOMIC_ACQUIRE))
        g_cond_wait(&all_done, &mutex);
    g_mutex_unlock(&mutex);
}

static double spawn_wait(void)
{
    double before = bench_now_ns();
    push_and_wait(SPAWNS);
    return (bench_now_ns() - before) / SPAWNS;
}

/* There is no other way than from outside, and none to wait for one. */
static double spawn_join(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS / 20; i++)
        push_and_wait(1);
    return (bench_now_ns() - before) / (SPAWNS / 20);
}

static void *get_object(void)
{
    return g_slice_alloc(OBJECT_BYTES);
}

static void put_object(void *o)
{
    g_slice_free1(OBJECT_BYTES, o);
}

static GMutex held;

static void work_held(gpointer data, gpointer user)
{
    (void)data, (void)user;
    g_mutex_lock(&held);
    g_mutex_unlock(&held);
}

static void spawn_outstanding(void)
{
    GThreadPool *one = g_thread_pool_new(work_held, NULL, 1, TRUE, NULL);
    g_mutex_lock(&held);
    for (long i = 0; i < OUTSTANDING; i++)
        g_thread_pool_push(one, GINT_TO_POINTER(i + 1), NULL);
}

static void end_outstanding(void)
{
    g_mutex_unlock(&held);
}

static double memory(void)
{
    return bytes_of_outstanding(spawn_outstanding, end_outstanding);
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"spawn_join", spawn_join},
                                           {"spawn_wait", spawn_wait},
                                           {"outside", spawn_wait},
                                           {"pool", pool},
                                           {"pool_many", pool_many},
                                           {"memory", memory},
                                           {NULL, NULL}};
    return measure_rows("glib", rows, argc, argv, begin);
}
