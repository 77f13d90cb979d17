/* The demo's program: count the nodes of an unbalanced tree, one OpenMP task a node, no cut-off. Prints the count on
   stdout, which must not depend on the runtime, and the seconds on stderr. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

/* A node's number decides how many children it has, so that the shape is fixed and yet not even. */
static unsigned mix(unsigned x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

static long count(unsigned node, int depth)
{
    long below[4] = {0};
    int children = depth == 0 ? 0 : 1 + (int)(mix(node) % 4);
    for (int i = 0; i < children; i++) {
#pragma omp task shared(below)
        below[i] = count(mix(node + (unsigned)i + 1), depth - 1);
    }
#pragma omp taskwait
    return 1 + below[0] + below[1] + below[2] + below[3];
}

int main(int argc, char **argv)
{
    int depth = argc > 1 ? atoi(argv[1]) : 14;
    long nodes = 0;
    double start = omp_get_wtime();
#pragma omp parallel
#pragma omp single
    nodes = count(1, depth);
    fprintf(stderr, "%.3f\n", omp_get_wtime() - start);
    printf("%ld nodes\n", nodes);
    return 0;
}
