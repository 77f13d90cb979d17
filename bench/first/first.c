/* Microseconds that the first parallel region of a process takes; run by bench/start. */
#include <stdio.h>
#include <time.h>

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(void)
{
    int threads = 0;
    double start = now_us();
#pragma omp parallel reduction(+ : threads)
    threads++;
    printf("%.1f\n", now_us() - start);
    return threads < 1;
}
