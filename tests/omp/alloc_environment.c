/* OMP_ALLOCATOR: the program starts itself again with a setting and finds out what memory it gets unasked. */
#include <unistd.h>
#include "alloc.h"

static const char *self;

/* The handle of a predefined allocator or 0; the largest power of two that aligns ten blocks; how many bytes there are,
   up to 5000; whether a region and a task in it have the same. */
static void report(void)
{
    omp_allocator_handle_t a = omp_get_default_allocator();
    uintptr_t bits = 0;
    size_t most = 5000;
    int same = 1;
    for (int i = 0; i < 10; i++)
        bits |= (uintptr_t)omp_alloc(1, omp_null_allocator);
    void *p;
    while (most > 0 && (p = omp_alloc(most, omp_null_allocator)) == NULL)
        most--;
#pragma omp parallel reduction(&& : same)
    {
        same = omp_get_default_allocator() == a;
#pragma omp task shared(same)
        same = same && omp_get_default_allocator() == a;
#pragma omp taskwait
    }
    printf("handle %d align %d most %d same %d\n", a <= omp_thread_mem_alloc ? (int)a : 0, (int)(bits & -bits),
           (int)most, same);
}

static int ask(const char *value, const char *field)
{
    char command[1000], line[300] = "";
    int found = -12345;
    snprintf(command, sizeof command, "OMP_ALLOCATOR='%s' '%s' report 2>/dev/null", value, self);
    FILE *pipe = popen(command, "r");
    if (!fgets(line, sizeof line, pipe))
        line[0] = 0;
    CHECK_EQ(pclose(pipe), 0);
    const char *at = strstr(line, field);
    if (at)
        sscanf(at + strlen(field), "%d", &found);
    return found;
}

static void predefined(void)
{
    CHECK_EQ(ask("omp_default_mem_alloc", "handle"), omp_default_mem_alloc);
    CHECK_EQ(ask("omp_large_cap_mem_alloc", "handle"), omp_large_cap_mem_alloc);
    CHECK_EQ(ask("OMP_HIGH_BW_MEM_ALLOC", "handle"), omp_high_bw_mem_alloc);
    CHECK_EQ(ask(" omp_thread_mem_alloc ", "handle"), omp_thread_mem_alloc);
    CHECK_EQ(ask("omp_cgroup_mem_alloc", "same"), 1);
    CHECK_EQ(ask("omp_null_allocator", "handle"), omp_default_mem_alloc);
    CHECK_EQ(ask("nothing", "handle"), omp_default_mem_alloc);
    CHECK_EQ(ask("", "handle"), omp_default_mem_alloc);
}

/* GCC 12 knows the predefined ones alone. */
static void described(void)
{
    CHECK(ask("omp_default_mem_space:alignment=65536", "align") >= 65536);
    CHECK_EQ(ask("omp_large_cap_mem_space", "handle"), 0);
    CHECK_EQ(ask("omp_default_mem_space:pool_size=2010,fallback=null_fb", "most"), 2000);
    CHECK_EQ(ask("omp_default_mem_space : pool_size = 2010", "most"), 5000);
    CHECK_EQ(ask("omp_const_mem_space:fallback=allocator_fb,fb_data=omp_large_cap_mem_alloc,pool_size=1", "most"),
             5000);
    CHECK_EQ(ask("omp_low_lat_mem_space:pinned=true,partition=nearest,alignment=64", "same"), 1);
    CHECK_EQ(ask("omp_low_lat_mem_space:pinned=true,partition=nearest,alignment=64", "most"), 5000);
    CHECK_EQ(ask("omp_default_mem_space:alignment=65536,pinned=maybe", "handle"), omp_default_mem_alloc);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1) {
        report();
        return 0;
    }
    predefined();
    if (!check_is_reference())
        described();
    return check_result();
}
