/* { dg-timeout 1 } */
#include <unistd.h>

/* The child outlives its parent unless it is ended with it. */
int main(void)
{
    fork();
    while (1)
        pause();
}
