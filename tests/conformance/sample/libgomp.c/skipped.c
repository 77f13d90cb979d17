/* { dg-skip-if "part of sources.c" { *-*-* } } */
int other_value(void)
{
    return VALUE;
}
