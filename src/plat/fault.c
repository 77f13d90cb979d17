/* Telling people what a fault means before it ends the process. */
#include "plat/plat.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static bool (*_Atomic explain_fault)(const void *address);

/* The default action is back, and the instruction faults once more: whoever waits for the process sees the true cause,
   and a core file shows the place. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    (void)context;
    int saved = errno;
    mo_load_relaxed (&explain_fault)(info->si_addr); /* written before the handler was set up */
    sigaction(signal, &plain, NULL);
    errno = saved;
}

bool mo_plat_explain_faults(bool (*explain)(const void *address))
{
    struct sigaction now, ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaction(SIGSEGV, NULL, &now) != 0)
        return false;
    if (now.sa_flags & SA_SIGINFO)
        return now.sa_sigaction == on_fault;
    if (now.sa_handler != SIG_DFL)
        return false;
    sigemptyset(&ours.sa_mask);
    mo_store_relaxed(&explain_fault, explain);
    return sigaction(SIGSEGV, &ours, NULL) == 0;
}

bool mo_plat_has_alternate_stack(void)
{
    stack_t now;
    return sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE);
}

int mo_plat_set_alternate_stack(void *stack, size_t bytes)
{
    stack_t s = {.ss_sp = stack, .ss_size = bytes, .ss_flags = stack ? 0 : SS_DISABLE};
    return sigaltstack(&s, NULL) == 0 ? 0 : errno;
}
