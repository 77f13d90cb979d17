/* Device routines that came after GCC 12; a runtime that does not have them passes. */
#include <dlfcn.h>
#include <errno.h>
#include <omp.h>
#include <stdint.h>
#include <unistd.h>
#include "check.h"

static void *entry(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (!found && check_first_lines())
        fprintf(stderr, "there is no %s\n", name);
    return found;
}

#define ENTRY(result, name, ...) result (*name)(__VA_ARGS__) = (result(*)(__VA_ARGS__))entry(#name)

static void pointers(void)
{
    ENTRY(void *, omp_get_mapped_ptr, const void *, int);
    ENTRY(int, omp_target_is_accessible, const void *, size_t, int);
    ENTRY(void *, GOMP_target_map_indirect_ptr, void *);
    int x;
    CHECK(omp_get_mapped_ptr(&x, 0) == &x);
    CHECK(omp_get_mapped_ptr(&x, -1) == &x);
    CHECK(omp_get_mapped_ptr(&x, 2) == NULL);
    CHECK_EQ(omp_target_is_accessible(&x, sizeof x, 0), 1);
    CHECK_EQ(omp_target_is_accessible(&x, sizeof x, 2), 0);
    CHECK(GOMP_target_map_indirect_ptr(&x) == &x);
}

static void rows_in_order(int rounds)
{
    ENTRY(int, omp_target_memcpy_async, void *, const void *, size_t, size_t, size_t, int, int, int, omp_depend_t *);
    int a = 0, b = 0, wrong = 0, refused = 0;
    omp_depend_t on[2];
#pragma omp depobj(on[0]) depend(in : a)
#pragma omp depobj(on[1]) depend(out : b)
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
#pragma omp task depend(out : a) shared(a) firstprivate(k)
        {
            if (k % 16 == 0)
                usleep(200);
            a = k;
        }
        refused += omp_target_memcpy_async(&b, &a, sizeof a, 0, 0, 0, 0, 2, on) != 0;
#pragma omp task depend(in : b) depend(inout : a) shared(a, b, wrong) firstprivate(k)
        wrong += a != k || b != k;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(refused, 0);
    CHECK_EQ(omp_target_memcpy_async(&b, &a, sizeof a, 0, 0, 1, 0, 0, NULL), EINVAL);
    CHECK_EQ(omp_target_memcpy_async(&b, &a, sizeof a, 0, 0, 0, 0, 2, NULL), EINVAL);
#pragma omp depobj(on[0]) destroy
#pragma omp depobj(on[1]) destroy
}

/* The arrays of numbers are the caller's again when the routine returns. */
static void boxes_keep_their_numbers(int rounds)
{
    ENTRY(int, omp_target_memcpy_rect_async, void *, const void *, size_t, int, const size_t *, const size_t *,
          const size_t *, const size_t *, const size_t *, int, int, int, omp_depend_t *);
    int from[4][4], to[4][4], wrong = 0;
    for (int i = 0; i < 16; i++)
        from[i / 4][i % 4] = i;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 0; k < rounds; k++) {
        size_t volume[2] = {2, 2}, at[2] = {1, 1}, zero[2] = {0, 0}, size[2] = {4, 4};
        memset(to, 0, sizeof to);
        wrong +=
            omp_target_memcpy_rect_async(to, from, sizeof(int), 2, volume, zero, at, size, size, 0, 0, 0, NULL) != 0;
        memset(volume, 255, sizeof volume);
        memset(at, 255, sizeof at);
        memset(size, 255, sizeof size);
#pragma omp taskwait
        wrong += to[0][0] != 5 || to[0][1] != 6 || to[1][0] != 9 || to[1][1] != 10 || to[2][2] != 0;
    }
    size_t volume[1] = {SIZE_MAX}, zero[1] = {0}, size[1] = {4};
    CHECK_EQ(omp_target_memcpy_rect_async(to, from, 4, 1, volume, zero, zero, size, size, 0, 0, 0, NULL), EINVAL);
    CHECK(omp_target_memcpy_rect_async(NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL) >= 3);
    CHECK_EQ(wrong, 0);
}

/* ---- Interop objects: all are omp_interop_none. */
static void objects_are_none(void)
{
    ENTRY(void, GOMP_interop, int, int, void ***, const void *, const void *, int, void **, int, void ***, unsigned,
          void **);
    int x, y, *object = &x, *used = &x, *gone = &y;
    void **inits[1] = {(void **)&object}, *uses[1] = {&used}, **destroys[1] = {(void **)&gone};
    GOMP_interop(-1, 1, inits, NULL, NULL, 0, NULL, 0, NULL, 0, NULL);
    CHECK(object == NULL);
    GOMP_interop(-1, 0, NULL, NULL, NULL, 1, uses, 1, destroys, 1, NULL);
    CHECK(gone == NULL);
    CHECK(used == &x);
}

static void properties(void)
{
    ENTRY(int, omp_get_num_interop_properties, void *);
    ENTRY(intptr_t, omp_get_interop_int, void *, int, int *);
    ENTRY(void *, omp_get_interop_ptr, void *, int, int *);
    ENTRY(const char *, omp_get_interop_str, void *, int, int *);
    ENTRY(const char *, omp_get_interop_type_desc, void *, int);
    ENTRY(const char *, omp_get_interop_rc_desc, void *, int);
    int rc = 5;
    CHECK_EQ(omp_get_num_interop_properties(NULL), 0);
    CHECK_EQ(omp_get_interop_int(NULL, -1, &rc), 0);
    CHECK_EQ(rc, -1);
    rc = 5;
    CHECK(omp_get_interop_ptr(NULL, -7, &rc) == NULL);
    CHECK_EQ(rc, -1);
    rc = 5;
    CHECK(omp_get_interop_str(NULL, -2, &rc) == NULL);
    CHECK_EQ(rc, -1);
    CHECK_EQ(omp_get_interop_int(NULL, -5, NULL), 0);
    CHECK(omp_get_interop_type_desc(NULL, -1) == NULL);
    for (int code = -6; code <= 1; code++)
        CHECK(omp_get_interop_rc_desc(NULL, code) && *omp_get_interop_rc_desc(NULL, code));
    CHECK(omp_get_interop_rc_desc(NULL, 2) == NULL);
    CHECK(omp_get_interop_rc_desc(NULL, -7) == NULL);
}

static void names(void)
{
    ENTRY(const char *, omp_get_interop_name, void *, int);
    ENTRY(void, omp_get_interop_name_, const char **, size_t *, void *, int);
    ENTRY(void, omp_get_interop_str_, const char **, size_t *, void *, int, int *);
    const char *text = "";
    size_t bytes = 77;
    CHECK(!strcmp(omp_get_interop_name(NULL, -1), "fr_id"));
    CHECK(!strcmp(omp_get_interop_name(NULL, -9), "targetsync"));
    CHECK(omp_get_interop_name(NULL, -10) == NULL);
    CHECK(omp_get_interop_name(NULL, 0) == NULL);
    omp_get_interop_name_(&text, &bytes, NULL, -3);
    CHECK(bytes == 6 && !memcmp(text, "vendor", 6));
    omp_get_interop_str_(&text, &bytes, NULL, -3, NULL);
    CHECK(bytes == 0 && text == NULL);
}

int main(void)
{
    if (check_is_reference() && !dlsym(RTLD_DEFAULT, "GOMP_interop"))
        return 0;
    pointers();
    rows_in_order(SCALED(300));
    boxes_keep_their_numbers(SCALED(300));
    objects_are_none();
    properties();
    names();
    return check_result();
}
