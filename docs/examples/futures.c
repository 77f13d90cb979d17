/* Futures of one's own: a box that somebody fills later. Who waits for it needs no thread; here a race of two boxes, and a
   thousand waits for the same one.
   cc futures.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

#define MANY 1000

/* Filled once, by whoever; any number of futures look into it. */
struct box {
    moirai_mutex_t lock;
    int full, value;
    struct look *first; /* those that wait */
};

struct look {
    moirai_future_t future;
    struct box *box;
    int value;
    struct look *next;
    moirai_waker_t waker;
    int waits;
};

static int poll_look(moirai_future_t *self, const moirai_waker_t *waker)
{
    struct look *look = (struct look *)self;
    struct box *box = look->box;
    moirai_mutex_lock(&box->lock);
    int full = box->full;
    look->value = box->value;
    if (!full && !look->waits) { /* who polls it has always the same waker */
        look->waker = moirai_waker_clone(waker);
        look->next = box->first;
        box->first = look;
        look->waits = 1;
    }
    moirai_mutex_unlock(&box->lock);
    return full ? MOIRAI_READY : MOIRAI_PENDING;
}

/* The box must not find it any more. */
static void drop_look(moirai_future_t *self)
{
    struct look *look = (struct look *)self, **at = &look->box->first;
    moirai_mutex_lock(&look->box->lock);
    while (*at && *at != look)
        at = &(*at)->next;
    if (*at) {
        *at = look->next;
        moirai_waker_drop(&look->waker);
    }
    moirai_mutex_unlock(&look->box->lock);
}

static const moirai_future_ops_t look_ops = {.poll = poll_look, .drop = drop_look};

static void fill(struct box *box, int value)
{
    moirai_mutex_lock(&box->lock);
    box->full = 1;
    box->value = value;
    for (struct look *look = box->first; look;
         look = look->next) { /* they cannot be polled, nor go, while we hold the lock */
        moirai_waker_wake(&look->waker);
        moirai_waker_drop(&look->waker);
    }
    box->first = NULL;
    moirai_mutex_unlock(&box->lock);
}

static void fill_later(void *data)
{
    fill(*(struct box **)data, 42);
}

/* Two boxes, of which one is never filled; the look into that is dropped. */
static int race(void)
{
    static struct box never, soon;
    struct box *filled = &soon;
    struct look looks[] = {{{&look_ops}, .box = &never}, {{&look_ops}, .box = &soon}};
    moirai_future_t *both[] = {&looks[0].future, &looks[1].future};
    moirai_any_t any;
    moirai_task_t filler;
    moirai_any_init(&any, both, 2, 0);
    if (moirai_spawn(NULL, &filler, fill_later, &filled, sizeof filled) != MOIRAI_OK)
        return -1;
    int status = moirai_block_on(&any.future, MOIRAI_FOREVER);
    if (moirai_join(&filler, NULL) != MOIRAI_OK || status != MOIRAI_OK || any.first != 1 || never.first)
        return -1;
    return looks[1].value;
}

static int look_often(void)
{
    static struct box box;
    static moirai_task_t tasks[MANY];
    struct look look = {{&look_ops}, .box = &box};
    int sum = 0;
    for (int i = 0; i < MANY; i++)
        if (moirai_async(NULL, &tasks[i], &look.future, sizeof look) != MOIRAI_OK)
            return -1;
    fill(&box, 2);
    for (int i = 0; i < MANY; i++)
        if (moirai_join(&tasks[i], &look) == MOIRAI_OK)
            sum += look.value;
    return sum;
}

int main(void)
{
    int first = race(), sum = look_often();
    printf("%d came first; %d looks at a 2 make %d\n", first, MANY, sum);
    return first == 42 && sum == 2 * MANY ? 0 : 1;
}
