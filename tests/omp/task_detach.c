/* detach: a task is over when its body and its event are, in either order, whoever fulfils the event. */
#include "check.h"

#include "../faults/process.h"

#include <omp.h>
#include <pthread.h>

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
    return check_result();
}
