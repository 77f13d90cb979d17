/* What clang makes calls of and GCC does not, or otherwise: static loops, reductions, masked, the end of single. */
#include <omp.h>
#include <stdio.h>

int main(void)
{
    int critical = 0, counted = 0;
    long sum = 0;
    omp_lock_t lock;
    omp_init_lock(&lock);
#pragma omp parallel num_threads(4)
    {
#pragma omp for reduction(+ : sum)
        for (int i = 0; i < 100; i++)
            sum += i;
#pragma omp for schedule(dynamic, 7)
        for (int i = 0; i < 100; i++)
#pragma omp critical
            critical++;
#pragma omp for ordered schedule(static, 1)
        for (int i = 0; i < 8; i++)
#pragma omp ordered
            counted++;
#pragma omp single
        counted++;
#pragma omp master
        counted++;
#pragma omp barrier
#pragma omp sections
        {
#pragma omp section
#pragma omp atomic
            counted++;
#pragma omp section
#pragma omp atomic
            counted++;
        }
        omp_set_lock(&lock);
        counted++;
        omp_unset_lock(&lock);
    }
    omp_destroy_lock(&lock);
#pragma omp parallel if (0)
    counted++;
#pragma omp teams num_teams(2)
#pragma omp distribute parallel for
    for (int i = 0; i < 10; i++)
#pragma omp atomic
        critical++;
    printf("%d %d %ld\n", critical, counted, sum);
    return critical != 110 || counted != 17 || sum != 4950;
}
