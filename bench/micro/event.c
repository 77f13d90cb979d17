#include "micro.h"
#include "park/park.h"

static struct mo_event event;

static void notify_nobody(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++)
        mo_event_notify(&event);
}

/* Somebody prepared to sleep and does not: the system call finds nobody. */
static void notify_the_sleepless(void)
{
    mo_event_prepare(&event);
    for (int i = 0; i < MICRO_ROUNDS; i++)
        mo_event_notify(&event);
    mo_event_finish(&event);
}

static void prepare_finish(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++) {
        mo_event_prepare(&event);
        mo_event_finish(&event);
    }
}

int main(void)
{
    micro_header();
    micro_run("notify, nobody waits", NULL, notify_nobody);
    micro_run("notify, nobody sleeps", NULL, notify_the_sleepless);
    micro_run("prepare + finish", NULL, prepare_finish);
    return 0;
}
