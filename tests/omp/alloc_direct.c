/* Entry points that compiled code calls for variables with allocators; two of them came after GCC 12. */
#include <dlfcn.h>
#include "alloc.h"
#include "gomp_abi.h"

static void (*add_alloc)(void *);
static bool (*is_alloc)(void *);

static void variables(void)
{
    omp_allocator_handle_t a = MAKE(TRAIT(alignment, 16));
#pragma omp parallel
    for (size_t align = 1; align <= 1024; align *= 2) {
        char *p = GOMP_alloc(align, 100, (uintptr_t)a), *q = GOMP_alloc(align, 100, 0);
        CHECK(is_aligned(p, align) && is_aligned(p, 16) && is_aligned(q, align));
        fill(p, 100, 1);
        fill(q, 100, 2);
        GOMP_free(p, (uintptr_t)a);
        GOMP_free(q, 0);
    }
    CHECK(GOMP_alloc(16, 0, 0) == NULL);
    GOMP_free(NULL, 0);
    omp_destroy_allocator(a);
}

/* What a Fortran program does for `deallocate` and for an assignment that changes a size. */
static void give_back(void *p)
{
    if (is_alloc(p))
        GOMP_free(p, 0);
    else
        free(p);
}

static void *change_size(void *p, size_t bytes)
{
    if (!is_alloc(p))
        return realloc(p, bytes);
    p = omp_realloc(p, bytes, omp_null_allocator, omp_null_allocator);
    add_alloc(p);
    return p;
}

static void mixed(int count)
{
    void **block = malloc((size_t)count * sizeof *block);
    for (int i = 0; i < count; i++) {
        block[i] = i % 3 ? GOMP_alloc(8, 24, 0) : malloc(24);
        if (i % 3)
            add_alloc(block[i]);
    }
    for (int i = 0; i < count; i += 2)
        block[i] = change_size(block[i], 200);
    for (int i = 0; i < count; i++)
        give_back(block[(int)((long)i * 7 % count)]);
    free(block);
}

static void remembered(void)
{
    int here;
    add_alloc(NULL);
    CHECK(!is_alloc(NULL) && !is_alloc(&here));
    void *p = GOMP_alloc(1, 1, 0);
    CHECK(!is_alloc(p));
    add_alloc(p);
    add_alloc(p);
    CHECK(is_alloc(p) && !is_alloc(p));
    GOMP_free(p, 0);
#pragma omp parallel
    for (int i = 0; i < 5; i++)
        mixed(SCALED(4000) + 1);
    CHECK(!is_alloc(&here));
}

int main(void)
{
    variables();
    add_alloc = (void (*)(void *))dlsym(RTLD_DEFAULT, "GOMP_add_alloc");
    is_alloc = (bool (*)(void *))dlsym(RTLD_DEFAULT, "GOMP_is_alloc");
    CHECK(check_is_reference() || (add_alloc && is_alloc));
    if (add_alloc && is_alloc)
        remembered();
    return check_result();
}
