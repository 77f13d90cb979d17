/* { dg-do run } */
#include <stdio.h>

int main(void)
{
    puts("first");
    fputs("moirai: what the runtime says is what is shown\n", stderr);
    return 3;
}
