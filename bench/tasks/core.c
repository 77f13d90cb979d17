/* Rows of bench/task about parts of Moirai that programs do not see: the deque, and the block of a task. */
#include "queue/deque.h"
#include "sched/executor.h"

#include "rows.h"

static struct mo_deque deque;
static struct mo_epoch_reader reader;
static struct mo_worker *worker;
static struct mo_executor executor = {.slot = MO_SLOT_UNKNOWN};
static char item;

static void begin(int workers)
{
    worker = mo_self()->worker;
    mo_epoch_register(&reader);
    bench_expect("a deque", mo_deque_init(&deque, 256), true);
}

static void push(void)
{
    if (mo_deque_room_owner(&deque))
        mo_deque_push_owner(&deque, &item);
}

/* As where thieves may be: with one item left, and with two. */
static double deque_pair(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        push();
        bench_expect("an item", mo_deque_pop_owner(&deque, INT64_MIN, true) == &item, true);
    }
    return (bench_now_ns() - before) / SPAWNS;
}

static double deque_pair_two(void)
{
    push();
    double ns = deque_pair();
    mo_deque_pop_owner(&deque, INT64_MIN, true);
    return ns;
}

/* A theft as thieves do it, in an epoch of its own. */
static double steal(void)
{
    void *taken = NULL;
    for (int i = 0; i < SPAWNS; i++)
        push();
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++) {
        mo_epoch_enter(&reader);
        mo_deque_steal(&deque, NULL, NULL, NULL, &taken);
        mo_epoch_leave(&reader);
    }
    double ns = (bench_now_ns() - before) / SPAWNS;
    bench_expect("all are taken", mo_deque_peek_size(&deque), 0);
    return ns;
}

static double steal_nothing(void)
{
    void *taken = NULL;
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++)
        mo_deque_steal(&deque, NULL, NULL, NULL, &taken);
    bench_expect("nothing", taken == NULL, true);
    return (bench_now_ns() - before) / SPAWNS;
}

static void nothing(void *data)
{
}

/* The block of a task with 32 bytes of data and its header; giving it back is not in the figure. */
static double alloc(void)
{
    static struct mo_job *job[SPAWNS];
    const struct mo_job_spec spec = {.fn = nothing, .bytes = 32};
    double before = bench_now_ns();
    for (int i = 0; i < SPAWNS; i++)
        job[i] = mo_job_new(worker, &executor, &spec);
    double ns = (bench_now_ns() - before) / SPAWNS;
    for (int i = 0; i < SPAWNS; i++) {
        bench_expect("a block in one cache line", (uintptr_t)job[i] % 64 + (uintptr_t)!job[i], 0);
        mo_worker_free(worker, job[i]->home, job[i], job[i]->cls);
    }
    return ns;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"deque", deque_pair}, {"deque_two", deque_pair_two},
                                           {"steal", steal},      {"steal_nothing", steal_nothing},
                                           {"alloc", alloc},      {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
