/* usage: call RUNTIME.so NAME: call an entry point of the runtime with nothing but zeros. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *runtime = argc > 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
    void *entry = runtime ? dlsym(runtime, argv[2]) : NULL;
    if (!entry)
        return 77;
    ((void (*)(long, long, long, long, long, long))entry)(0, 0, 0, 0, 0, 0);
    return 0;
}
