/* The switch of bench/async as the C library has it. */
#include <ucontext.h>

#include "ends.h"

static ucontext_t home, other;
static char stack[STACK_BYTES] __attribute__((aligned(16)));

static void come_back(void)
{
    for (;;)
        swapcontext(&other, &home);
}

static void begin(int workers)
{
    (void)workers;
    getcontext(&other);
    other.uc_stack.ss_sp = stack;
    other.uc_stack.ss_size = sizeof stack;
    makecontext(&other, come_back, 0);
}

static double switches(void)
{
    double before = bench_now_ns();
    for (int i = 0; i < SWITCHES; i += 2)
        swapcontext(&home, &other);
    return (bench_now_ns() - before) / SWITCHES;
}

int main(int argc, char **argv)
{
    static const struct task_row rows[] = {{"switch", switches}, {NULL, NULL}};
    return measure_rows("ucontext", rows, argc, argv, begin);
}
