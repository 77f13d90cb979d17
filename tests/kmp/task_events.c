/* Tasks that end when somebody says so: detached ones and those that libraries complete ("proxy"), by the creator, by
   their own bodies, by other tasks, by threads that have nothing to do with OpenMP, early and late, deferred or not. */
#include "check.h"
#include "task_calls.h"

#include <omp.h>
#include <pthread.h>
#include <unistd.h>

static int bodies;

static int32_t body(int32_t id, struct task *t)
{
    __atomic_fetch_add(&bodies, 1, __ATOMIC_RELAXED);
    return 0;
}

static int32_t complete_itself(int32_t id, struct task *t)
{
    __kmpc_proxy_task_completed(id, t);
    return body(id, t);
}

static int late;

static void *complete_later(void *t)
{
    usleep(2000);
    __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
    __kmpc_proxy_task_completed_ooo(t);
    return NULL;
}

static int32_t complete_by_thread(int32_t id, struct task *t)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, complete_later, t), 0);
    pthread_detach(thread);
    return body(id, t);
}

static void proxies(void)
{
    int x = 0, seen = -1;
    struct dep out = {&x, sizeof x, INOUT}, in = {&x, sizeof x, IN};
    bodies = late = 0;
    for (int i = 0; i < 20; i++)
        submit(alloc(TIED | PROXY, sizeof(struct task), 0, complete_itself));
    for (int i = 0; i < 4; i++)
        submit(alloc(TIED | PROXY, sizeof(struct task), 0, complete_by_thread));
    __kmpc_omp_taskwait(NULL, gtid());
    CHECK_EQ(bodies, 24);
    CHECK_EQ(late, 4);
    __kmpc_omp_task_with_deps(NULL, gtid(), alloc(TIED | PROXY, sizeof(struct task), 0, complete_by_thread), 1, &out, 0,
                              NULL);
#pragma omp task depend(in : x) shared(seen)
    seen = __atomic_load_n(&late, __ATOMIC_RELAXED);
    __kmpc_omp_wait_deps(NULL, gtid(), 1, &in, 0, NULL);
    CHECK_EQ(__atomic_load_n(&late, __ATOMIC_RELAXED), 5);
#pragma omp taskwait
    CHECK_EQ(seen, 5);
}

static void *fulfill(void *event)
{
    usleep(1000);
    __atomic_fetch_add(&late, 1, __ATOMIC_RELAXED);
    omp_fulfill_event((omp_event_handle_t)(uintptr_t)event);
    return NULL;
}

static void fulfill_by_thread(void *event)
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, fulfill, event), 0);
    pthread_detach(thread);
}

/* Between making the block and handing it back the event may be fulfilled already. */
static void detached(void)
{
    int before = bodies, x = 0;
    struct dep out = {&x, sizeof x, INOUT}, in = {&x, sizeof x, IN};
    struct task *t = alloc(TIED | DETACHABLE, sizeof(struct task), 0, body);
    omp_fulfill_event((uintptr_t)__kmpc_task_allow_completion_event(NULL, gtid(), t));
    submit(t);
    __kmpc_omp_taskwait(NULL, gtid());
    CHECK_EQ(bodies, before + 1);
    late = 0;
    for (int i = 0; i < 3; i++) {
        t = alloc(TIED | DETACHABLE | (i == 1 ? FINAL : 0) | PRIORITY, sizeof(struct task), 0, body);
        t->data2.priority = i;
        void *event = __kmpc_task_allow_completion_event(NULL, gtid(), t);
        fulfill_by_thread(event);
        __kmpc_omp_task_with_deps(NULL, gtid(), t, 0, NULL, 1, &out);
    }
    __kmpc_omp_wait_deps(NULL, gtid(), 1, &in, 0, NULL);
    CHECK_EQ(late, 3);
    __kmpc_omp_taskwait(NULL, gtid());
    CHECK_EQ(bodies, before + 4);
}

/* An undeferred one is over, event and all, when its creation is. */
static void undeferred(void)
{
    struct task *t = alloc(TIED | DETACHABLE, sizeof(struct task), 0, body);
    late = 0;
    fulfill_by_thread(__kmpc_task_allow_completion_event(NULL, gtid(), t));
    __kmpc_omp_task_begin_if0(NULL, gtid(), t);
    __kmpc_omp_task_complete_if0(NULL, gtid(), t);
    CHECK_EQ(late, 1);
}

static void in_group(void)
{
    late = 0;
    __kmpc_taskgroup(NULL, gtid());
    for (int i = 0; i < 3; i++) {
        struct task *t = alloc(TIED | DETACHABLE, sizeof(struct task), 0, body);
        fulfill_by_thread(__kmpc_task_allow_completion_event(NULL, gtid(), t));
        submit(t);
    }
    __kmpc_end_taskgroup(NULL, gtid());
    CHECK_EQ(late, 3);
}

int main(void)
{
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < 10; i++) {
        proxies();
        detached();
        in_group();
        if (!getenv("TEST_REFERENCE")) /* LLVM's goes on at once */
            undeferred();
    }
    return check_result();
}
