/* Merge sort: each half is a task until it is short; the one that splits waits for one half and sorts the other itself.
   cc parallel_sort.c $(pkg-config --cflags --libs moirai) */
#include <moirai/moirai.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT 2048

struct piece {
    int *at, *space;
    size_t count;
};

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static void merge(const struct piece *p, size_t half)
{
    size_t a = 0, b = half;
    for (size_t i = 0; i < p->count; i++)
        p->space[i] = b == p->count || (a < half && p->at[a] <= p->at[b]) ? p->at[a++] : p->at[b++];
    memcpy(p->at, p->space, p->count * sizeof *p->at);
}

static void sort(void *data)
{
    const struct piece *p = data;
    size_t half = p->count / 2;
    if (p->count <= SHORT) {
        qsort(p->at, p->count, sizeof *p->at, compare);
        return;
    }
    struct piece low = {p->at, p->space, half}, high = {p->at + half, p->space + half, p->count - half};
    moirai_task_t task;
    int status = moirai_spawn(NULL, &task, sort, &low, sizeof low);
    sort(&high);
    if (status == MOIRAI_OK)
        status = moirai_join(&task, NULL);
    if (status != MOIRAI_OK)
        sort(&low); /* no memory for a task, or the executor is going down */
    merge(p, half);
}

int main(void)
{
    size_t count = 1000000;
    int *numbers = malloc(count * sizeof *numbers), *space = malloc(count * sizeof *space);
    unsigned seed = 1;
    if (!numbers || !space)
        return 1;
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int)((seed = seed * 1664525u + 1013904223u) >> 8);
    struct piece all = {numbers, space, count};
    if (moirai_run(NULL, sort, &all, sizeof all) != MOIRAI_OK)
        return 1;
    size_t wrong = 0;
    for (size_t i = 1; i < count; i++)
        wrong += numbers[i - 1] > numbers[i];
    printf("%zu numbers, %zu out of order\n", count, wrong);
    free(numbers);
    free(space);
    return wrong != 0;
}
