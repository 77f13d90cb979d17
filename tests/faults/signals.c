/* A timer interrupts the process a thousand times a second, on whatever thread, while regions and tasks run. */
#include <errno.h>
#include <omp.h>
#include <signal.h>
#include <sys/time.h>
#include "../omp/check.h"
#include "process.h"

static int ticks;

static void tick(int number)
{
    int kept = errno;
    (void)number;
    __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED);
    errno = kept;
}

static void start_timer(void)
{
    /* Without SA_RESTART every interrupted wait comes back with EINTR. */
    struct sigaction action = {.sa_handler = tick};
    struct itimerval every = {{0, 1000}, {0, 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

static long tree(int depth)
{
    long left = 0, right = 0;
    if (depth == 0)
        return 1;
#pragma omp task shared(left)
    left = tree(depth - 1);
#pragma omp task shared(right)
    right = tree(depth - 1);
#pragma omp taskwait
    return left + right;
}

static void round_of_work(omp_lock_t *lock)
{
    long leaves = 0;
    int members = 0, locked = 0;
#pragma omp parallel num_threads(4) shared(locked) reduction(+ : members)
    {
        members += 1;
#pragma omp single
        leaves = tree(7);
        omp_set_lock(lock);
        locked += 1;
        omp_unset_lock(lock);
#pragma omp barrier
    }
    CHECK_EQ(leaves, 128);
    CHECK_EQ(members, 4);
    CHECK_EQ(locked, 4);
}

int main(void)
{
    omp_lock_t lock;
    omp_init_lock(&lock);
    start_timer();
    double until = omp_get_wtime() + 0.8;
    while (omp_get_wtime() < until)
        round_of_work(&lock);
    CHECK(ticks > 50);
    return check_result();
}
