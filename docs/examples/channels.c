/* Channels: tasks that work off a queue, results by another one, a select with a time limit, and an end without loss.
   cc channels.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

struct pipe {
    moirai_channel_t *numbers, *squares;
};

static void square(void *data)
{
    struct pipe *p = data;
    long n;
    while (moirai_channel_recv(p->numbers, &n) == MOIRAI_OK) {
        n *= n;
        if (moirai_channel_send(p->squares, &n) != MOIRAI_OK)
            moirai_task_fail(1, "nobody wants the result");
    }
}

/* Keep one queue filled and empty the other, whichever can go on. */
static long sum_of_squares(struct pipe *p, long count, moirai_channel_t *limit)
{
    long next = 1, received = 0, sum = 0, got;
    moirai_tick_t tick;
    while (received < count) {
        moirai_case_t cases[] = {
            {p->squares, &got, MOIRAI_RECV, 0}, {limit, &tick, MOIRAI_RECV, 0}, {p->numbers, &next, MOIRAI_SEND, 0}};
        switch (moirai_select(cases, next <= count ? 3 : 2, 0, MOIRAI_FOREVER)) {
        case 0:
            sum += got;
            received++;
            break;
        case 2:
            next++;
            break;
        default:
            return -1;
        }
    }
    return sum;
}

int main(void)
{
    struct pipe p;
    moirai_task_t task[2];
    moirai_channel_t *limit;
    if (moirai_channel_new(&p.numbers, sizeof(long), 16, 0) != MOIRAI_OK ||
        moirai_channel_new(&p.squares, sizeof(long), 16, 0) != MOIRAI_OK ||
        moirai_after(&limit, 600000000000) != MOIRAI_OK)
        return 1;
    for (int i = 0; i < 2; i++)
        if (moirai_spawn(NULL, &task[i], square, &p, sizeof p) != MOIRAI_OK)
            return 1;
    long sum = sum_of_squares(&p, 1000, limit);
    moirai_channel_close(p.numbers); /* the tasks take what is left, and end */
    for (int i = 0; i < 2; i++)
        if (moirai_join(&task[i], NULL) != MOIRAI_OK)
            return 1;
    printf("sum of squares: %ld\n", sum);
    int freed = moirai_channel_free(p.numbers) + moirai_channel_free(p.squares) + moirai_channel_free(limit);
    return sum == 333833500 && freed == MOIRAI_OK ? 0 : 1;
}
