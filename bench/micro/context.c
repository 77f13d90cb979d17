#include "micro.h"
#include "plat/context.h"

#define STACK_BYTES (16 * 1024)

static struct mo_context home, other;
static char stack[STACK_BYTES] __attribute__((aligned(16)));

static void come_back(void *arg)
{
    for (;;)
        mo_context_switch(&other, &home);
}

static void there_and_back(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i += 2)
        mo_context_switch(&home, &other);
}

static void make(void)
{
    for (int i = 0; i < MICRO_ROUNDS; i++)
        mo_context_init(&other, stack, STACK_BYTES, come_back, NULL);
}

int main(void)
{
    micro_header();
    mo_context_adopt(&home);
    micro_run("make", NULL, make);
    micro_run("switch", NULL, there_and_back);
    return 0;
}
