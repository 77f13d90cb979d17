/* Fibers whose turns are known: each has one at its beginning, and one after each of its sleeps. */
#include <moirai/moirai.h>

#define FIBERS   3
#define SLEEPS   4
#define SLEEP_NS 50000000 /* so long that none is over before it begins */

static void rest(void *arg)
{
    for (int i = 0; i < SLEEPS; i++)
        moirai_fiber_sleep_until(moirai_now_ns() + SLEEP_NS);
}

int main(void)
{
    moirai_fiber_attr_t named;
    moirai_task_t task[FIBERS];
    moirai_fiber_attr_init(&named);
    if (moirai_fiber_attr_set_name(&named, "the sleeper"))
        return 1;
    for (int i = 0; i < FIBERS; i++)
        if (moirai_fiber_spawn(NULL, &task[i], i ? &named : NULL, rest, NULL))
            return 1;
    for (int i = 0; i < FIBERS; i++)
        if (moirai_join(&task[i], NULL))
            return 1;
    return 0;
}
