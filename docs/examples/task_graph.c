/* A graph of tasks: two loads, a join of both, a report after that; nobody waits but for the last.
   cc task_graph.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>

struct table {
    int rows;
};

static void load(void *data)
{
    ((struct table *)data)->rows *= 10;
}

static void join_tables(void *data, const moirai_before_t *before)
{
    struct table *joined = data;
    moirai_outcome_t o;
    for (size_t i = 0; moirai_before_outcome(before, i, &o) == MOIRAI_OK; i++)
        if (o.status == MOIRAI_OK)
            joined->rows += ((const struct table *)o.result)->rows;
}

static void report(void *data, const moirai_before_t *before)
{
    moirai_outcome_t o;
    if (moirai_before_outcome(before, 0, &o) == MOIRAI_OK && o.status == MOIRAI_OK)
        *(int *)data = ((const struct table *)o.result)->rows;
}

int main(void)
{
    struct table left = {3}, right = {4}, none = {0};
    moirai_task_t loads[2], joined, reported;
    int rows = 0;
    if (moirai_spawn(NULL, &loads[0], load, &left, sizeof left) != MOIRAI_OK ||
        moirai_spawn(NULL, &loads[1], load, &right, sizeof right) != MOIRAI_OK ||
        moirai_then_all(loads, 2, &joined, join_tables, &none, sizeof none) != MOIRAI_OK ||
        moirai_then(&joined, &reported, report, &rows, sizeof rows) != MOIRAI_OK ||
        moirai_join(&reported, &rows) != MOIRAI_OK)
        return 1;
    printf("%d rows\n", rows);
    return rows != 70;
}
