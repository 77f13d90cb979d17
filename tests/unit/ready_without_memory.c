/* What must go on when memory is exhausted: a task that becomes ready on a thread of another team is queued all the
   same, and one that cannot get its event is not made at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "sched/internal.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

#define TASKS 5

/* Blocks of the smallest class, linked by their third word as slabs do. */
static struct mo_slab_block *hoard;

static void exhaust(struct mo_slab *slab)
{
    struct rlimit old, none = {1 << 20, 0};
    struct mo_slab_block *b;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    none.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    while ((b = mo_slab_alloc_owner(slab, 0))) {
        b->next = hoard;
        hoard = b;
    }
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
}

static void restore(struct mo_slab *slab)
{
    while (hoard) {
        struct mo_slab_block *b = hoard;
        hoard = b->next;
        mo_slab_free_owner(slab, b, 0);
    }
}

static void nothing(void *data)
{
}

static struct mo_task *make(struct mo_member *m, bool detached)
{
    const struct mo_task_form form = {.bytes = 8, .depends = true, .detached = detached};
    void *payload;
    struct mo_task *task = mo_task_new(m, &form, &payload);
    if (task)
        task->fn = nothing;
    return task;
}

/* The blocks are exhausted one after the other, while the process could have more memory: a slab asks for a chunk. */
static void ready_tasks_are_queued(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    struct mo_member *m = mo_self();
    struct mo_task *task[TASKS], *got;
    const struct rlimit none = {0, RLIM_INFINITY};
    struct rlimit old;
    for (int i = 0; i < TASKS; i++)
        assert_non_null(task[i] = make(m, false));
    exhaust(&m->worker->slab);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &(struct rlimit){none.rlim_cur, old.rlim_max}), 0);
    for (int i = 0; i < TASKS; i++)
        mo_task_enqueue(m, task[i], m->team);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(mo_load_relaxed(&m->team->queued), TASKS);
    unsigned seen = 0;
    while ((got = mo_priority_take(m, NULL)))
        for (int i = 0; i < TASKS; i++)
            if (got == task[i]) {
                assert_int_equal(got->counts, 0);
                seen |= 1u << i;
                mo_node_unref(m, got);
            }
    assert_int_equal(seen, (1u << TASKS) - 1);
    assert_int_equal(mo_load_relaxed(&m->team->queued), 0);
    restore(&m->worker->slab);
}

static void no_task_without_its_event(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    struct mo_member *m = mo_self();
    struct mo_task *task = make(m, false);
    struct rlimit old;
    assert_non_null(task);
    unsigned cls = task->cls;
    assert_int_not_equal(cls, 0);
    exhaust(&m->worker->slab);
    mo_node_unref(m, task); /* a block for the task itself, but for nothing else */
    struct mo_slab_block *block = m->worker->slab.free[cls];
    assert_ptr_equal(block, task);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(setrlimit(RLIMIT_AS, &(struct rlimit){0, old.rlim_max}), 0);
    struct mo_task *detached = make(m, true);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_null(detached);
    assert_ptr_equal(m->worker->slab.free[cls], block);
    restore(&m->worker->slab);
    assert_non_null(detached = make(m, true));
    assert_non_null(mo_task_event(detached));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_tasks_are_queued),
        cmocka_unit_test(no_task_without_its_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
