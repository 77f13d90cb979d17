/* A program without OpenMP loads a plug-in that uses it, runs regions in it and unloads it, again and again. */
#include <dlfcn.h>
#include "../omp/check.h"
#include "process.h"

static void *plugin;

static void load_run_unload(const char *path, int wanted)
{
    plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(plugin);
    if (!plugin)
        return;
    int (*region)(int) = (int (*)(int))dlsym(plugin, "plugin_region");
    CHECK(region(wanted));
    CHECK_EQ(dlclose(plugin), 0);
}

int main(int argc, char **argv)
{
    int before = threads_alive();
    CHECK(argc > 1);
    for (int k = 0; k < 10 && argc > 1; k++) {
        load_run_unload(argv[1], 1 + k % 4);
        usleep(2000);
    }
    CHECK(threads_alive() <= before + 4);
    return check_result();
}
