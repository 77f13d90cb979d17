/* Tasks of which a tool must hear that they are untied, as many as are printed here (`untied` is the checker's word for
   them). They are more than are stored, so the creator runs some, or waits for some, in the middle of creating others;
   those have tied children. */
#include <stdio.h>

#define TASKS 2000

int main(void)
{
    int links = 0, children = 0;
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < TASKS; i++) {
#pragma omp task depend(inout : links) untied shared(children)
        {
            links++;
#pragma omp task shared(children)
#pragma omp atomic
            children++;
        }
    }
    printf("untied %d\n", TASKS);
    return links != TASKS || children != TASKS;
}
