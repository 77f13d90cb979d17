/* { dg-shouldfail "exits with 1" } */
/* { dg-output "one(\n|\r\n)two \\\[\[0-9\]+\\\]" } */
/* { dg-output "\n" } */
#include <stdio.h>

int main(void)
{
    puts("zero\none\ntwo [12]");
    return 1;
}
