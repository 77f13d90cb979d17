/* { dg-do run { target { *-*-linux* && { ! ia32 } } } } */
#include <stdlib.h>

int main(void)
{
    abort();
}
