/* Timers: a beat that does not drift, a limit of time for a future, a thousand sleeps at once without a thread each.
   cc timers.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

#define MS    1000000ull
#define MANY  1000
#define TICKS 5

static int beat(void)
{
    moirai_interval_t interval;
    uint64_t first = moirai_now_ns() + MS;
    if (moirai_interval_init(&interval, first, MS, MOIRAI_MISSED_BURST) != MOIRAI_OK)
        return -1;
    for (int i = 0; i < TICKS; i++)
        if (moirai_interval_wait(&interval) != MOIRAI_OK || interval.due_ns != first + (uint64_t)i * MS)
            return -1;
    return TICKS;
}

/* An hour is more than anybody waits for an answer. */
static int ask(void)
{
    moirai_sleep_t answer;
    moirai_timeout_t limit;
    moirai_sleep_init(&answer, moirai_now_ns() + 3600 * 1000 * MS);
    moirai_timeout_init(&limit, &answer.future, moirai_now_ns() + 2 * MS);
    int status = moirai_block_on(&limit.future, MOIRAI_FOREVER);
    return status == MOIRAI_OK ? limit.status : status;
}

static int sleep_many(void)
{
    moirai_group_t *group;
    uint64_t now = moirai_now_ns();
    if (moirai_group_open(&group, NULL, 0) != MOIRAI_OK)
        return -1;
    int failed = 0;
    for (unsigned i = 0; i < MANY; i++) {
        moirai_sleep_t sleep;
        moirai_sleep_init(&sleep, now + (i + 1) * 5000);
        failed += moirai_group_async(group, NULL, &sleep.future, sizeof sleep) != MOIRAI_OK;
    }
    return moirai_group_close(group) == MOIRAI_OK && !failed && moirai_now_ns() >= now + MANY * 5000ull ? MANY : -1;
}

int main(void)
{
    int ticks = beat(), status = ask(), slept = sleep_many();
    printf("%d ticks, then an answer: %s; %d sleeps at once\n", ticks, moirai_status_text(status), slept);
    return ticks == TICKS && status == MOIRAI_ETIMEDOUT && slept == MANY ? 0 : 1;
}
