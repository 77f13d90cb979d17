/* A search in a group: who finds the number cancels the others, those that run look now and then whether they should stop.
   cc cancellation.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

struct search {
    moirai_group_t *group;
    long from, to, wanted;
};

static long found = -1;

static void look(void *data)
{
    struct search *s = data;
    for (long i = s->from; i < s->to; i++) {
        if (i % 1024 == 0 && moirai_task_is_cancelled())
            return;
        if (i * i == s->wanted) {
            __atomic_store_n(&found, i, __ATOMIC_RELEASE);
            moirai_group_cancel(s->group);
            return;
        }
    }
}

int main(void)
{
    moirai_group_t *group;
    if (moirai_group_open(&group, NULL, 0) != MOIRAI_OK)
        return 1;
    for (long i = 0; i < 1000; i++) {
        struct search s = {group, i * 100000, (i + 1) * 100000, 1234567L * 1234567L};
        if (moirai_group_spawn(group, NULL, look, &s, sizeof s) != MOIRAI_OK)
            break;
    }
    int status = moirai_group_close(group);
    long root = __atomic_load_n(&found, __ATOMIC_ACQUIRE);
    printf("%s: %ld\n", moirai_status_text(status), root);
    return root == 1234567 && status == MOIRAI_ECANCELED ? 0 : 1;
}
