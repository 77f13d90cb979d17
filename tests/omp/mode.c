/* Linked into every program: refuses to start when the OpenMP calls are not answered by the runtime that the test
   is about, so that a wrong search path never passes for a good result. TEST_RUNTIME is a part of the path of the
   object that must define TEST_ENTRY, which compiled code calls, TEST_NOT_RUNTIME one that must not occur in it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef TEST_ENTRY
#define TEST_ENTRY "GOMP_parallel"
#endif

static const char *runtime_path(void)
{
    Dl_info where;
    void *entry = dlsym(RTLD_DEFAULT, TEST_ENTRY);
    return entry && dladdr(entry, &where) ? where.dli_fname : "(no runtime)";
}

__attribute__((constructor)) static void verify_mode(void)
{
    const char *wanted = getenv("TEST_RUNTIME"), *unwanted = getenv("TEST_NOT_RUNTIME");
    const char *path = runtime_path();
    if ((wanted && !strstr(path, wanted)) || (unwanted && strstr(path, unwanted))) {
        fprintf(stderr, "wrong runtime: %s, expected %s\n", path, wanted ? wanted : "another one");
        _Exit(2);
    }
}
