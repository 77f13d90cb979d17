/* { dg-output "moirai_preload|compat/libgomp" } */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>

/* Tells which object serves OpenMP, so that each mode can be seen to be what it says. */
int main(void)
{
    Dl_info info;
    int threads = 0;
#pragma omp parallel reduction(+ : threads)
    threads++;
    dladdr(dlsym(RTLD_DEFAULT, "GOMP_parallel"), &info);
    puts(info.dli_fname);
    return threads == 0;
}
