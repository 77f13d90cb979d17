#include "micro.h"
#include "queue/deque.h"

static struct mo_deque deque;
static struct mo_epoch_reader reader;
static char item;

static void push(void)
{
    if (mo_deque_room_owner(&deque))
        mo_deque_push_owner(&deque, &item);
}

static void push_pop_shared(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++) {
        push();
        micro_use(mo_deque_pop_owner(&deque, INT64_MIN, true));
    }
}

static void push_pop_alone(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++) {
        push();
        micro_use(mo_deque_pop_owner(&deque, INT64_MIN, false));
    }
}

static void fill(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++)
        push();
}

static void empty(void)
{
    mo_deque_clear(&deque);
}

static void pop_all(void)
{
    void *taken;
    while ((taken = mo_deque_pop_owner(&deque, INT64_MIN, true)))
        micro_use(taken);
}

static void steal_all(void)
{
    void *taken;
    while (mo_deque_steal(&deque, NULL, NULL, NULL, &taken) == MO_STEAL_OK)
        micro_use(taken);
}

/* As thieves do it: an epoch around each theft. */
static void steal_all_in_epochs(void)
{
    void *taken;
    enum mo_steal_result r;
    do {
        mo_epoch_enter(&reader);
        r = mo_deque_steal(&deque, NULL, NULL, NULL, &taken);
        mo_epoch_leave(&reader);
        micro_use(taken);
    } while (r == MO_STEAL_OK);
}

int main(void)
{
    if (!mo_deque_init(&deque, 256))
        return 1;
    mo_epoch_register(&reader);
    micro_header();
    micro_run("push + pop, last item", NULL, push_pop_shared);
    micro_run("push + pop, no thieves", NULL, push_pop_alone);
    micro_run("push", empty, fill);
    micro_run("pop", fill, pop_all);
    micro_run("steal", fill, steal_all);
    micro_run("epoch + steal", fill, steal_all_in_epochs);
    return 0;
}
