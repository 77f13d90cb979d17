/* A task may take a lock that its creator holds while it creates it: the creator must not be made to run it before
   it has let go. Once with a lock, once with a critical region. */
#include <omp.h>
#include "check.h"

static omp_lock_t lock;
static int in_lock, in_critical;

static void lock_holder(int children)
{
    omp_set_lock(&lock);
    for (int i = 0; i < children; i++) {
#pragma omp task
        {
            omp_set_lock(&lock);
            in_lock++;
            omp_unset_lock(&lock);
        }
    }
    omp_unset_lock(&lock);
#pragma omp taskwait
    CHECK_EQ(in_lock, children);
}

static void enter(void)
{
#pragma omp critical
    in_critical++;
}

static void critical_holder(int children)
{
#pragma omp critical
    for (int i = 0; i < children; i++)
#pragma omp task
        enter();
#pragma omp taskwait
    CHECK_EQ(in_critical, children);
}

int main(void)
{
    /* The reference runs tasks at once beyond 64 that wait, and then hangs. */
    int children = check_is_reference() ? 50 : 1000;
    omp_init_lock(&lock);
#pragma omp parallel
#pragma omp single
    {
        lock_holder(children);
        critical_holder(children);
    }
    omp_destroy_lock(&lock);
    return check_result();
}
