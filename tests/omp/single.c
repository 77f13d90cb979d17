/* single, with and without a wait, copyprivate, master: once per team, and who waits for whom. */
#include <omp.h>
#include <unistd.h>
#include "check.h"

struct message {
    double values[8];
    int from;
};

static void waits(int rounds)
{
    int count = 0;
#pragma omp parallel
    for (int k = 1; k <= rounds; k++) {
#pragma omp single
        count += 1;
        CHECK_EQ(count, k);
#pragma omp barrier
    }
    CHECK_EQ(count, rounds);
}

static void does_not_wait(int rounds)
{
    int count = 0;
#pragma omp parallel
    for (int k = 0; k < rounds; k++)
#pragma omp single nowait
#pragma omp atomic
        count += 1;
    CHECK_EQ(count, rounds);
}

static void copies_to_all(int rounds)
{
    int heard = 0;
#pragma omp parallel reduction(+ : heard)
    for (int k = 0; k < rounds; k++) {
        struct message message = {{0}, -1};
        int number = -1;
#pragma omp single copyprivate(message, number)
        {
            for (int i = 0; i < 8; i++)
                message.values[i] = k + i;
            message.from = omp_get_thread_num();
            number = k;
        }
        CHECK_EQ(number, k);
        CHECK(message.values[7] == k + 7);
        CHECK(message.from >= 0 && message.from < omp_get_num_threads());
        heard += 1;
    }
    CHECK_EQ(heard, rounds * omp_get_max_threads());
}

static void master_does_not_wait(void)
{
    int runs = 0;
#pragma omp parallel
    {
#pragma omp master
        {
            usleep(1000);
            runs += 1;
            CHECK_EQ(omp_get_thread_num(), 0);
        }
#pragma omp barrier
        CHECK_EQ(runs, 1);
    }
}

/* Outside any region the constructs bind to the initial thread alone. */
static void orphaned(void)
{
    int runs = 0;
#pragma omp single
    runs += 1;
#pragma omp single nowait
    runs += 1;
#pragma omp master
    runs += 1;
    CHECK_EQ(runs, 3);
}

int main(void)
{
    waits(SCALED(500));
    does_not_wait(SCALED(20000));
    copies_to_all(SCALED(500));
    master_does_not_wait();
    orphaned();
    return check_result();
}
