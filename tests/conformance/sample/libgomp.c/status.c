/* { dg-do run } */
#include <stdio.h>

int main(void)
{
    puts("first");
    fputs("libgomp: what the runtime says is what is shown\n", stderr);
    return 3;
}
