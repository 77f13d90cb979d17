/* The plug-in of dlopen.c: an object that brings its need for an OpenMP runtime along. */
#include <omp.h>

int plugin_region(int wanted);

int plugin_region(int wanted)
{
    int members = 0, tasks = 0;
#pragma omp parallel num_threads(wanted) reduction(+ : members)
    members += 1;
#pragma omp parallel num_threads(wanted)
#pragma omp single
    for (int i = 0; i < 50; i++)
#pragma omp task shared(tasks)
#pragma omp atomic
        tasks += 1;
    return members == wanted && tasks == 50;
}
