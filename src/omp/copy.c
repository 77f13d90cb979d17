/* Copies of boxes between arrays, row by row. */
#include "omp/core.h"

#include <string.h>

/* (offset + volume) items of `stride` bytes each must not wrap round. */
static bool reach_is_sane(size_t stride, size_t offset, size_t volume)
{
    size_t end, bytes;
    return !__builtin_add_overflow(offset, volume, &end) && !__builtin_mul_overflow(end, stride, &bytes);
}

bool mo_box_is_sane(const struct mo_box *box)
{
    size_t dst = box->element_bytes, src = box->element_bytes;
    for (int d = box->dims - 1; d >= 0; d--) {
        if (!reach_is_sane(dst, box->dst_offset[d], box->volume[d]) ||
            !reach_is_sane(src, box->src_offset[d], box->volume[d]))
            return false;
        if (d > 0 && (__builtin_mul_overflow(dst, box->dst_size[d], &dst) ||
                      __builtin_mul_overflow(src, box->src_size[d], &src)))
            return false;
    }
    return true;
}

/* Bytes from one item of dimension d to the next. */
static size_t stride(const struct mo_box *box, const size_t *size, int d)
{
    size_t bytes = box->element_bytes;
    while (++d < box->dims)
        bytes *= size[d];
    return bytes;
}

static void copy_from(const struct mo_box *box, int d, char *dst, const char *src)
{
    for (;; d++) { /* dimensions of one item cost no recursion, so its depth is the logarithm of the box at most */
        size_t dst_stride = stride(box, box->dst_size, d), src_stride = stride(box, box->src_size, d);
        dst += box->dst_offset[d] * dst_stride;
        src += box->src_offset[d] * src_stride;
        if (d + 1 == box->dims) {
            memcpy(dst, src, box->volume[d] * box->element_bytes);
            return;
        }
        for (size_t i = 1; i < box->volume[d]; i++)
            copy_from(box, d + 1, dst + i * dst_stride, src + i * src_stride);
    }
}

void mo_box_copy(const struct mo_box *box)
{
    for (int d = 0; d < box->dims; d++)
        if (box->volume[d] == 0)
            return;
    if (box->element_bytes)
        copy_from(box, 0, box->dst, box->src);
}

/* ---- As a task, which keeps the arrays of numbers: the caller's may be gone by then. */
enum { ARRAYS = 5 };

static void run(void *data)
{
    mo_box_copy(data);
}

static const size_t *keep(size_t **room, const size_t *numbers, int count)
{
    size_t *kept = *room;
    if (numbers)
        memcpy(kept, numbers, (size_t)count * sizeof *kept);
    *room += count;
    return kept;
}

static void keep_box(void *to, void *from)
{
    const struct mo_box *box = from;
    struct mo_box *kept = to;
    size_t *room = (size_t *)(kept + 1);
    *kept = *box;
    kept->volume = keep(&room, box->volume, box->dims);
    kept->dst_offset = keep(&room, box->dst_offset, box->dims);
    kept->src_offset = keep(&room, box->src_offset, box->dims);
    kept->dst_size = keep(&room, box->dst_size, box->dims);
    kept->src_size = keep(&room, box->src_size, box->dims);
}

void mo_box_copy_async(struct mo_member *m, const struct mo_box *box, const struct mo_deps *deps)
{
    const struct mo_task_spec task = {.fn = run,
                                      .copy = keep_box,
                                      .data = (void *)box,
                                      .bytes = sizeof *box + ARRAYS * (size_t)box->dims * sizeof(size_t),
                                      .align = _Alignof(struct mo_box),
                                      .deferrable = true,
                                      .deps = *deps};
    mo_omp_task(m, &task);
}
