/* The smallest program with a region, for the scripts beside it. */
#include <omp.h>
#include <stdio.h>

int main(void)
{
    int members = 0;
#pragma omp parallel reduction(+ : members)
    members += 1;
    printf("%d threads\n", members);
    return members < 1;
}
