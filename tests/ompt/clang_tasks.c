/* Tasks as clang calls for them, of each kind. */
#include <stdio.h>
#include <omp.h>
int main()
{
    int a = 0, b = 0;
    long s = 0;
    omp_event_handle_t ev;
#pragma omp parallel num_threads(4)
#pragma omp single
    {
        for (int i = 0; i < 300; i++) {
#pragma omp task firstprivate(i)
#pragma omp atomic
            s += i;
        }
#pragma omp taskwait
#pragma omp taskgroup
        {
            for (int i = 0; i < 50; i++) {
#pragma omp task depend(inout : a)
                a++;
            }
        }
#pragma omp task if (0) depend(in : a)
        b = a;
#pragma omp task final(1) untied
        {
#pragma omp taskyield
#pragma omp atomic
            b++;
        }
#pragma omp taskwait
#pragma omp taskloop num_tasks(7)
        for (int i = 0; i < 100; i++)
#pragma omp atomic
            s++;
#pragma omp task detach(ev)
        {
#pragma omp atomic
            b++;
        }
        omp_fulfill_event(ev);
#pragma omp taskwait depend(in : a)
    }
    /* Blocks of tasks with dependences are used again by other threads' tasks. */
#pragma omp parallel num_threads(4) reduction(+ : s)
    {
        int own = 0;
        for (int i = 0; i < 200; i++) {
            int copy = i;
#pragma omp task depend(inout : own) firstprivate(copy) shared(own)
            own += copy >= 0;
#pragma omp task firstprivate(copy)
            copy++;
        }
#pragma omp taskwait
        s += own - 200;
    }
    printf("%d %d %ld\n", a, b, s);
    return a != 50 || b != 52 || s != 300 * 299 / 2 + 100;
}
