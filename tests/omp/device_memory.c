/* omp_target_*: memory of the host, the only device, and copies of boxes between arrays of up to five dimensions. */
#include <errno.h>
#include <limits.h>
#include <omp.h>
#include <stdint.h>
#include "check.h"

#define MISSING 3 /* a device that does not exist */

static void memory(void)
{
    int host = omp_get_initial_device(), other = 0;
    char *p = omp_target_alloc(1000, host);
    CHECK(p != NULL);
    memset(p, 1, 1000);
    CHECK_EQ(omp_target_is_present(p, host), 1);
    CHECK_EQ(omp_target_is_present(NULL, host), 1);
    CHECK_EQ(omp_target_is_present(p, MISSING), 0);
    CHECK_EQ(omp_target_associate_ptr(p, &other, sizeof other, 0, host), EINVAL);
    CHECK_EQ(omp_target_associate_ptr(p, &other, sizeof other, 0, MISSING), EINVAL);
    CHECK_EQ(omp_target_disassociate_ptr(p, host), EINVAL);
    CHECK_EQ(omp_target_disassociate_ptr(p, MISSING), EINVAL);
    omp_target_free(p, host);
    omp_target_free(NULL, host);
    CHECK(omp_target_alloc(10, MISSING) == NULL);
    CHECK(omp_target_alloc(10, -7) == NULL);
    CHECK(TEST_SLOWDOWN > 1 || omp_target_alloc(SIZE_MAX / 2, host) == NULL); /* sanitizers end the program */
    omp_target_free(NULL, MISSING);
}

/* omp_initial_device of OpenMP 5.2. */
static void minus_one_is_the_host(void)
{
    int a = 1, b = 2;
    char *p = omp_target_alloc(10, -1);
    CHECK(p != NULL);
    CHECK_EQ(omp_target_is_present(p, -1), 1);
    CHECK_EQ(omp_target_memcpy(&b, &a, sizeof a, 0, 0, -1, 0), 0);
    CHECK_EQ(b, 1);
    omp_target_free(p, -1);
}

static void rows(void)
{
    int from[10], to[10] = {0};
    for (int i = 0; i < 10; i++)
        from[i] = i + 1;
    CHECK_EQ(omp_target_memcpy(to, from, 3 * sizeof *to, 2 * sizeof *to, 5 * sizeof *to, 0, 0), 0);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(to[i], i >= 2 && i < 5 ? i + 4 : 0);
    CHECK_EQ(omp_target_memcpy(NULL, NULL, 0, 0, 0, 0, 0), 0);
    CHECK_EQ(omp_target_memcpy(to, from, 4, 0, 0, MISSING, 0), EINVAL);
    CHECK_EQ(omp_target_memcpy(to, from, 4, 0, 0, 0, MISSING), EINVAL);
    CHECK_EQ(omp_target_memcpy(to, from, 4, 0, 0, -5, 0), EINVAL);
}

#define DIMS_MAX  5
#define ITEMS_MAX 20000

struct box {
    size_t volume[DIMS_MAX], to_offset[DIMS_MAX], from_offset[DIMS_MAX], to_size[DIMS_MAX], from_size[DIMS_MAX];
};

static size_t random_below(unsigned *state, size_t n)
{
    *state = *state * 1103515245u + 12345;
    return *state >> 16 & 0x7fff ? (*state >> 16) % n : 0;
}

static void make_box(struct box *box, int dims, unsigned *state)
{
    for (int d = 0; d < dims; d++) {
        box->volume[d] = 1 + random_below(state, 4);
        box->to_offset[d] = random_below(state, 3);
        box->from_offset[d] = random_below(state, 3);
        box->to_size[d] = box->to_offset[d] + box->volume[d] + random_below(state, 2);
        box->from_size[d] = box->from_offset[d] + box->volume[d] + random_below(state, 2);
    }
}

static size_t place(const size_t *index, const size_t *offset, const size_t *size, int dims)
{
    size_t at = 0;
    for (int d = 0; d < dims; d++)
        at = at * size[d] + offset[d] + index[d];
    return at;
}

/* Item by item. */
static void copy_plainly(const struct box *box, int dims, short *to, const short *from)
{
    size_t index[DIMS_MAX] = {0};
    for (int d = 0; d >= 0;) {
        to[place(index, box->to_offset, box->to_size, dims)] =
            from[place(index, box->from_offset, box->from_size, dims)];
        for (d = dims - 1; d >= 0 && ++index[d] == box->volume[d]; d--)
            index[d] = 0;
    }
}

static int copy_box(const struct box *box, int dims, void *to, const void *from)
{
    return omp_target_memcpy_rect(to, from, sizeof(short), dims, box->volume, box->to_offset, box->from_offset,
                                  box->to_size, box->from_size, 0, 0);
}

static void boxes(int rounds)
{
    static short from[ITEMS_MAX], to[ITEMS_MAX], expected[ITEMS_MAX];
    unsigned state = 42;
    for (int i = 0; i < ITEMS_MAX; i++)
        from[i] = (short)(i + 1);
    for (int round = 0; round < rounds; round++) {
        struct box box;
        int dims = 1 + round % DIMS_MAX;
        make_box(&box, dims, &state);
        memset(to, 0, sizeof to);
        memset(expected, 0, sizeof expected);
        copy_plainly(&box, dims, expected, from);
        CHECK_EQ(copy_box(&box, dims, to, from), 0);
        CHECK(!memcmp(to, expected, sizeof to));
    }
}

/* Of one item in each dimension there may be any number. GCC's runtime takes minutes. */
static void many_dimensions(void)
{
    enum { DIMS = 5000 };
    static size_t ones[DIMS], zeroes[DIMS];
    int from = 5, to = 0;
    for (int i = 0; i < DIMS; i++)
        ones[i] = 1;
    CHECK_EQ(omp_target_memcpy_rect(&to, &from, sizeof to, DIMS, ones, zeroes, zeroes, ones, ones, 0, 0), 0);
    CHECK_EQ(to, 5);
}

static void bad_boxes(void)
{
    short from[100] = {1, 2, 3}, to[100] = {0};
    struct box box = {.volume = {2, 2}, .to_size = {4, 4}, .from_size = {4, 4}};
    CHECK(omp_target_memcpy_rect(NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0) >= 3);
    CHECK_EQ(omp_target_memcpy_rect(to, from, 2, 2, box.volume, box.to_offset, box.from_offset, box.to_size,
                                    box.from_size, MISSING, 0),
             EINVAL);
    CHECK_EQ(omp_target_memcpy_rect(to, from, 2, 2, box.volume, box.to_offset, box.from_offset, box.to_size,
                                    box.from_size, 0, -9),
             EINVAL);
    box.volume[1] = 0;
    CHECK_EQ(copy_box(&box, 2, to, from), 0);
    CHECK_EQ(to[0], 0);
}

/* libgomp takes these for boxes without items, crashes, or copies for years. */
static void worse_boxes(void)
{
    short from[100] = {1, 2, 3}, to[100] = {0};
    struct box box = {.volume = {2, 2}, .to_size = {4, 4}, .from_size = {4, 4}};
    CHECK_EQ(copy_box(&box, 0, to, from), EINVAL);
    CHECK_EQ(copy_box(&box, -1, to, from), EINVAL);
    CHECK_EQ(copy_box(&box, 2, NULL, from), EINVAL);
    CHECK_EQ(copy_box(&box, 2, to, NULL), EINVAL);
    box.volume[0] = SIZE_MAX;
    CHECK_EQ(copy_box(&box, 2, to, from), EINVAL);
    box.volume[0] = 1;
    box.from_offset[0] = SIZE_MAX / 2;
    CHECK_EQ(copy_box(&box, 2, to, from), EINVAL);
    box.from_offset[0] = 0;
    box.to_size[1] = SIZE_MAX;
    CHECK_EQ(copy_box(&box, 2, to, from), EINVAL);
    CHECK_EQ(to[0], 0);
}

int main(void)
{
    memory();
    rows();
    boxes(1000);
    bad_boxes();
    if (!check_is_reference()) {
        minus_one_is_the_host();
        many_dimensions();
        worse_boxes();
    }
    return check_result();
}
