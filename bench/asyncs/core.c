/* The row of bench/async about a part of Moirai that programs do not see: the switch between two contexts. */
#include "plat/context.h"

#include "ends.h"

static struct mo_context home, other;
static char stack[STACK_BYTES] __attribute__((aligned(16)));

static void come_back(void *arg)
{
    for (;;)
        mo_context_switch(&other, &home);
}

static void begin(int workers)
{
    mo_context_adopt(&home);
    mo_context_init(&other, stack, sizeof stack, come_back, NULL);
}

static double switches(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SWITCHES; i += 2)
        mo_context_switch(&home, &other);
    return (bench_now_ns() - before) / SWITCHES;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"switch", switches}, {NULL, NULL}};
    return measure_rows("moirai", rows, argc, argv, begin);
}
