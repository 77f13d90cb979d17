/* A race that ThreadSanitizer must report, and with -DFIXED none. What makes the difference is known to the runtime
   alone: a dependence, a critical section, a taskwait, a barrier. */
#include <omp.h>
#include <stdio.h>

static int a, b, c, d;

int main(void)
{
#pragma omp parallel num_threads(4)
    {
#ifdef FIXED
#pragma omp critical
#endif
        a++;
#pragma omp single
        {
            for (int i = 0; i < 200; i++) {
#ifdef FIXED
#pragma omp task depend(inout : b)
#else
#pragma omp task
#endif
                b++;
            }
#pragma omp task
            c = 1;
#ifdef FIXED
#pragma omp taskwait
#endif
            c++;
        }
        if (omp_get_thread_num() == 0)
            d = 1;
#ifdef FIXED
#pragma omp barrier
#endif
        if (omp_get_thread_num() == 1)
            d++;
    }
    printf("%d %d %d %d\n", a, b, c, d);
    return 0;
}
