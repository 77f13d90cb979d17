/* A region is cancelled while threads stand in `single copyprivate`, whose barrier is then never complete: nobody
   hangs, and nobody takes a value out of the frame of a thread that has left. The reference hangs. */
#include "random.h"

#include <omp.h>

static bool cancels;

/* A frame of its own, that is overwritten as soon as it has been left. */
static __attribute__((noinline)) int give_around(int round)
{
    int value[64];
#pragma omp single copyprivate(value)
    for (int i = 0; i < 64; i++)
        value[i] = round + i;
    int wrong = 0;
    for (int i = 0; i < 64; i++)
        wrong += value[i] != round + i;
    return wrong;
}

static void a_region(struct dice *d)
{
    int rounds = dice_between(d, 1, 6), cancel_at = dice_below(d, 2 * rounds), threads = omp_get_max_threads();
    int canceller = dice_below(d, threads), wrong = 0, over = 0;
    uint64_t seed = dice_roll(d);
#pragma omp parallel
    {
        struct dice mine = {seed + 977u * (unsigned)omp_get_thread_num()};
        for (int i = 0; i < rounds; i++) {
            bool now = i == cancel_at && omp_get_thread_num() == canceller;
            dice_work(&mine);
#pragma omp cancel parallel if (now)
            int found = give_around(i);
            __atomic_fetch_add(&wrong, found, __ATOMIC_RELAXED);
#pragma omp barrier
        }
        __atomic_fetch_add(&over, 1, __ATOMIC_RELAXED);
    }
    CHECK_EQ(wrong, 0);
    if (!cancels || cancel_at >= rounds)
        CHECK_EQ(over, threads);
}

int main(int argc, char **argv)
{
    random_environment(argv, "OMP_CANCELLATION", "true");
    cancels = omp_get_cancellation();
    if (check_is_reference())
        return 0;
    return random_rounds(argc, argv, a_region);
}
