/* A child that was forked while other threads make allocators, take memory and remember it can do all that itself. */
#include <dlfcn.h>
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "../omp/alloc.h"
#include "process.h"

static void (*add_alloc)(void *);
static bool (*is_alloc)(void *);
static volatile int stop;

static void use(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        omp_allocator_handle_t a = MAKE(TRAIT(pool_size, 1000), TRAIT(fallback, omp_atv_null_fb), TRAIT(alignment, 64));
        char *p = omp_alloc(1000, a);
        CHECK(is_aligned(p, 64) && omp_alloc(1, a) == NULL);
        add_alloc(p);
        CHECK(is_alloc(p) && !is_alloc(p));
        omp_set_default_allocator(a);
        omp_free(p, a);
        omp_set_default_allocator(omp_default_mem_alloc);
        omp_destroy_allocator(a);
    }
}

static void *busy(void *unused)
{
    while (!stop)
        use(10);
    return unused;
}

static int child(void)
{
    use(50);
#pragma omp parallel num_threads(3)
    use(50);
    return check_result();
}

int main(void)
{
    pthread_t thread[2];
    add_alloc = (void (*)(void *))dlsym(RTLD_DEFAULT, "GOMP_add_alloc");
    is_alloc = (bool (*)(void *))dlsym(RTLD_DEFAULT, "GOMP_is_alloc");
    CHECK(add_alloc && is_alloc);
    if (check_result())
        return 1;
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&thread[i], NULL, busy, NULL), 0);
    for (int i = 0; i < SCALED(40) + 5; i++)
        CHECK_EQ(in_child(child, 20), 0);
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    return check_result();
}
