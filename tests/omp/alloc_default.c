/* The default allocator is one of the control variables of a task: inherited, and changed for oneself alone. (The
   reference has one for each thread.) */
#include "alloc.h"

static omp_allocator_handle_t aligned(size_t align)
{
    return MAKE(TRAIT(alignment, align));
}

static void regions_and_tasks(void)
{
    omp_allocator_handle_t outer = aligned(1024);
    int right = 0, threads = 0;
    omp_set_default_allocator(outer);
#pragma omp parallel reduction(+ : right, threads)
    {
        omp_allocator_handle_t mine = aligned(4096);
        threads += 1;
        right += omp_get_default_allocator() == outer;
        omp_set_default_allocator(mine);
#pragma omp task shared(right) firstprivate(mine)
        {
            void *p = omp_alloc(10, omp_null_allocator);
            int good = check_is_reference() || (omp_get_default_allocator() == mine && is_aligned(p, 4096));
            omp_free(p, omp_null_allocator);
            if (!check_is_reference())
                omp_set_default_allocator(omp_low_lat_mem_alloc);
#pragma omp atomic
            right += good;
        }
#pragma omp taskwait
        right += omp_get_default_allocator() == mine;
#pragma omp parallel num_threads(2) reduction(+ : right)
#pragma omp master
        right += omp_get_default_allocator() == mine;
        omp_set_default_allocator(outer);
        omp_destroy_allocator(mine);
    }
    CHECK_EQ(right, 4 * threads);
    CHECK(omp_get_default_allocator() == outer);
    void *p = omp_alloc(10, omp_null_allocator);
    CHECK(is_aligned(p, 1024));
    omp_free(p, omp_null_allocator);
    omp_set_default_allocator(omp_null_allocator);
    CHECK(omp_get_default_allocator() == omp_default_mem_alloc);
    omp_destroy_allocator(outer);
}

/* A program may go on for ever making allocators and having them as default. */
static void again_and_again(void)
{
#pragma omp parallel
    for (int i = 0; i < SCALED(20000); i++) {
        omp_allocator_handle_t a = aligned(64);
        omp_set_default_allocator(a);
        void *p = omp_alloc(1, omp_null_allocator);
        CHECK(is_aligned(p, 64));
        omp_free(p, omp_null_allocator);
        omp_set_default_allocator(omp_default_mem_alloc);
        omp_destroy_allocator(a);
    }
}

int main(void)
{
    CHECK(omp_get_default_allocator() == omp_default_mem_alloc);
    regions_and_tasks();
    again_and_again();
    return check_result();
}
