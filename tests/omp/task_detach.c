/* detach: a task is over when its body and its event are, in either order, whoever fulfils the event. */
#include "check.h"

#include "../faults/process.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

static int bodies;

static void *fulfill_later(void *handle)
{
    usleep(3000);
    omp_fulfill_event((omp_event_handle_t)handle);
    return NULL;
}

static void start(pthread_t *thread, omp_event_handle_t handle)
{
    CHECK_EQ(pthread_create(thread, NULL, fulfill_later, (void *)handle), 0);
}

/* A thread of the program's own ends the task: taskwait, the taskgroup and the barrier wait for it. */
static void by_stranger(void)
{
    pthread_t thread;
    for (int way = 0; way < 3; way++) {
        int after = 0;
#pragma omp parallel
#pragma omp single
        {
            omp_event_handle_t event;
#pragma omp taskgroup
            {
#pragma omp task detach(event) shared(bodies)
#pragma omp atomic
                bodies++;
                start(&thread, event);
                if (way == 0) {
#pragma omp taskwait
                    after = bodies;
                }
                if (way == 2) {
                    int x = 0;
                    (void)x; /* its address is what counts */
#pragma omp task depend(out : x) detach(event)
                    ;
                    omp_event_handle_t second = event;
                    pthread_t other;
                    start(&other, second);
#pragma omp task depend(in : x) shared(after)
                    after = 1;
#pragma omp taskwait
                    pthread_join(other, NULL);
                }
            }
            if (way == 1)
                after = bodies;
        }
        pthread_join(thread, NULL);
        CHECK(after > 0);
    }
}

/* Successors start when the event is fulfilled, not when the body ends. */
static void holds_successors(void)
{
    int fulfilled = 0, seen = -1, x = 0;
    (void)x; /* its address is what counts */
#pragma omp parallel
#pragma omp single
    {
        omp_event_handle_t event;
#pragma omp task detach(event) depend(out : x)
        ;
#pragma omp task depend(in : x) shared(seen, fulfilled)
        seen = __atomic_load_n(&fulfilled, __ATOMIC_ACQUIRE);
        usleep(1000);
        __atomic_store_n(&fulfilled, 1, __ATOMIC_RELEASE);
        omp_fulfill_event(event);
    }
    CHECK_EQ(seen, 1);
}

static void by_itself_and_sibling(void)
{
    for (int i = 0; i < SCALED(200) + 1; i++) {
        int ended = 0;
#pragma omp parallel
#pragma omp single
        {
            omp_event_handle_t own, given;
#pragma omp task detach(own) shared(ended)
            {
                omp_fulfill_event(own);
#pragma omp atomic
                ended++;
            }
#pragma omp task detach(given) shared(ended)
#pragma omp task shared(ended)
#pragma omp atomic
            ended++;
#pragma omp task firstprivate(given)
            omp_fulfill_event(given);
#pragma omp taskwait
        }
        CHECK_EQ(ended, 2);
    }
}

/* A team of one has its graph of tasks for itself, until a stranger fulfils events of tasks in it: here while the
   creator links readers to the very node that ends. */
#define EVENTS  2000
#define READERS 8
static omp_event_handle_t handed[EVENTS];
static int fulfilled[EVENTS];

static void *fulfill_each(void *unused)
{
    for (int i = 0; i < EVENTS; i++) {
        omp_event_handle_t event;
        while (!(event = __atomic_load_n(&handed[i], __ATOMIC_ACQUIRE)))
            sched_yield();
        fulfilled[i] = 1;
        omp_fulfill_event(event);
    }
    return unused;
}

static void stranger_in_team_of_one(void)
{
    for (int round = 0; round < SCALED(20) + 1; round++) {
        pthread_t thread;
        int readers = 0, early = 0, x[EVENTS];
        (void)x; /* their addresses are what counts */
        memset(handed, 0, sizeof handed);
        memset(fulfilled, 0, sizeof fulfilled);
        CHECK_EQ(pthread_create(&thread, NULL, fulfill_each, NULL), 0);
#pragma omp parallel num_threads(1)
        for (int i = 0; i < EVENTS; i++) {
            omp_event_handle_t event;
#pragma omp task depend(out : x[i]) detach(event)
            __atomic_store_n(&handed[i], event, __ATOMIC_RELEASE);
#pragma omp taskyield
            for (int reader = 0; reader < READERS; reader++) {
#pragma omp task depend(in : x[i]) shared(readers, early)
                early += !fulfilled[i], readers++;
            }
        }
        pthread_join(thread, NULL);
        CHECK_EQ(readers, EVENTS * READERS);
        CHECK_EQ(early, 0);
    }
}

static int twice(void)
{
#pragma omp parallel num_threads(1)
    {
        omp_event_handle_t event = (omp_event_handle_t)0;
#pragma omp task detach(event)
        bodies++;
        omp_fulfill_event(event);
        omp_fulfill_event(event);
    }
    return 7;
}

static int nothing(void)
{
    omp_fulfill_event((omp_event_handle_t)0);
    return 7;
}

/* ---- A thread that has ended left a detached task behind, which it created outside all regions. Another thread, which
   may take its place in the runtime, has to do with its own tasks only. */
static omp_event_handle_t left_behind;
static int own_fulfilled;

static void *leave_task_behind(void *unused)
{
    omp_event_handle_t event = (omp_event_handle_t)0;
    (void)unused;
#pragma omp task detach(event)
    bodies++;
    left_behind = event;
    return NULL;
}

static void *fulfill_own(void *handle)
{
    usleep(3000);
    __atomic_store_n(&own_fulfilled, 1, __ATOMIC_RELEASE);
    omp_fulfill_event((omp_event_handle_t)handle);
    return NULL;
}

static void *wait_for_own(void *unused)
{
    omp_event_handle_t own = (omp_event_handle_t)0;
    pthread_t thread;
#pragma omp task detach(own)
    bodies++;
    omp_fulfill_event(left_behind);
    CHECK_EQ(pthread_create(&thread, NULL, fulfill_own, (void *)own), 0);
#pragma omp taskwait
    CHECK_EQ(__atomic_load_n(&own_fulfilled, __ATOMIC_ACQUIRE), 1);
    pthread_join(thread, NULL);
    return unused;
}

static void run_thread(void *(*body)(void *))
{
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, body, NULL), 0);
    pthread_join(thread, NULL);
}

static void after_its_thread(void)
{
    for (int i = 0; i < 3; i++) {
        own_fulfilled = 0;
        run_thread(leave_task_behind);
        run_thread(wait_for_own);
    }
}

/* An undeferred task with an event waits where it is created. What else there is to do may want the lock that its
   creator holds. */
static void waits_alone(void)
{
    pthread_t thread;
#pragma omp parallel
    {
        for (int i = 0; i < 10; i++) {
#pragma omp task
#pragma omp critical(waits_alone)
            bodies++;
        }
#pragma omp master
#pragma omp task
        {
#pragma omp critical(waits_alone)
            {
                omp_event_handle_t event;
#pragma omp task if (0) detach(event)
                start(&thread, event);
            }
        }
    }
    pthread_join(thread, NULL);
}

int main(void)
{
    char text[200];
    if (!check_is_reference()) {
        CHECK_EQ(in_child_saying(twice, 20, text, sizeof text), 1);
        CHECK(strstr(text, "moirai: fatal: an event of a detached task is fulfilled twice\n") != NULL);
        CHECK_EQ(in_child_saying(nothing, 20, text, sizeof text), 1);
        CHECK(strstr(text, "moirai: fatal: 0 is no event of a detached task\n") != NULL);
    }
    by_stranger();
    holds_successors();
    by_itself_and_sibling();
    if (!check_is_reference()) { /* which waits for the event in the creation */
        after_its_thread();
        stranger_in_team_of_one();
    }
    waits_alone();
    return check_result();
}
