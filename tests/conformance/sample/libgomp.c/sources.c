/* { dg-options "-DVALUE=1" { target c++ } } */
/* { dg-options "-DVALUE=2" { target { c || c++ } } } */
/* { dg-additional-options "-DOTHER=3" } */
/* { dg-additional-options "-DNEVER=4" { target { offload_target_nvptx || offload_target_amdgcn } } } */
/* { dg-additional-sources "skipped.c" } */
/* { dg-set-target-env-var CONFORMANCE_SAMPLE "a b" } */
#include <stdlib.h>
#include <string.h>

int other_value(void);

int main(void)
{
#if VALUE != 2 || OTHER != 3 || defined NEVER || defined __OPTIMIZE__
    return 1;
#endif
    return other_value() != 2 || strcmp(getenv("CONFORMANCE_SAMPLE"), "a b") != 0 || getenv("OMP_NUM_THREADS");
}
