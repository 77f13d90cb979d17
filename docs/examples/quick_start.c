/* Tasks in five minutes: create, wait, take results, learn of failures.
   cc quick_start.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

struct range {
    long from, to, sum;
};

static void add_up(void *data)
{
    struct range *r = data;
    if (r->from > r->to) {
        moirai_task_fail(1, "the range ends before it begins");
        return;
    }
    for (long i = r->from; i < r->to; i++)
        r->sum += i;
}

int main(void)
{
    struct range part[4], bad = {2, 1, 0};
    moirai_task_t task[4], failing;
    moirai_error_t error;
    long sum = 0;

    for (int i = 0; i < 4; i++) {
        part[i] = (struct range){i * 250000L, (i + 1) * 250000L, 0};
        if (moirai_spawn(NULL, &task[i], add_up, &part[i], sizeof part[i]) != MOIRAI_OK)
            return 1;
    }
    for (int i = 0; i < 4; i++) {
        if (moirai_join(&task[i], &part[i]) != MOIRAI_OK)
            return 1;
        sum += part[i].sum;
    }
    printf("sum: %ld\n", sum);

    if (moirai_spawn(NULL, &failing, add_up, &bad, sizeof bad) != MOIRAI_OK)
        return 1;
    int status = moirai_join_error(&failing, NULL, &error);
    printf("%s, as %s\n", moirai_status_text(status), status == MOIRAI_EFAILED ? error.text : "expected otherwise");
    return sum == 499999500000L && status == MOIRAI_EFAILED ? 0 : 1;
}
