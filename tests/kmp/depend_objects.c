/* Depend objects of clang, in clauses and given to routines that copy: with one item and with several, of every kind,
   alone and with others, changed and made again. */
#include "check.h"

#include <errno.h>
#include <omp.h>
#include <unistd.h>

static int a, b, c, wrong;

static void set_all(int k)
{
#pragma omp task depend(out : a, b, c) firstprivate(k)
    {
        if (k % 16 == 0)
            usleep(200);
        a = b = c = k;
    }
}

static void in_clauses(omp_depend_t objects[2], int rounds)
{
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
        set_all(k);
#pragma omp task depend(depobj : objects[0]) depend(depobj : objects[1]) firstprivate(k)
        wrong += a != k || b != k || c++ != k;
#pragma omp task depend(in : a, b, c) firstprivate(k)
        wrong += c != k + 1;
    }
}

/* The first copies a to b, the second b and c to elsewhere. */
static void in_routines(omp_depend_t objects[2], int rounds)
{
    enum { ROW = 2 };
    int from[ROW], to[ROW], refused = 0;
    const size_t volume[1] = {ROW}, at[1] = {0};
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int k = 1; k <= rounds; k++) {
        set_all(k);
#pragma omp task depend(inout : a) shared(from) firstprivate(k)
        {
            from[0] = from[1] = ++a;
        }
        refused += omp_target_memcpy_async(&c, &a, sizeof a, 0, 0, 0, 0, 2, objects) != 0;
        refused += omp_target_memcpy_rect_async(to, from, sizeof(int), 1, volume, at, at, volume, volume, 0, 0, 1,
                                                objects) != 0;
#pragma omp task depend(inout : a, b, c) shared(from, to) firstprivate(k)
        wrong += a != k + 1 || b != k || c != k + 1 || to[1] != k + 1;
    }
    CHECK_EQ(refused, 0);
    CHECK_EQ(omp_target_memcpy_async(&b, &a, sizeof a, 0, 0, 1, 0, 0, NULL), EINVAL);
    CHECK_EQ(omp_target_memcpy_async(&b, &a, sizeof a, 0, 0, 0, 0, 2, NULL), EINVAL);
}

int main(void)
{
    omp_depend_t objects[2], exclusive;
#pragma omp depobj(objects[0]) depend(inout : a, b)
#pragma omp depobj(objects[1]) depend(inout : c)
    in_clauses(objects, 300);
    in_routines(objects, 300);
#pragma omp depobj(objects[0]) update(in)
#pragma omp depobj(objects[1]) update(out)
    in_clauses(objects, 100);
#pragma omp depobj(objects[1]) destroy
#pragma omp depobj(exclusive) depend(mutexinoutset : b, c)
    b = c = 0;
#pragma omp parallel num_threads(4)
#pragma omp single
    for (int i = 0; i < 100; i++) {
#pragma omp task depend(depobj : exclusive)
        b++;
        CHECK_EQ(omp_target_memcpy_async(&c, &b, sizeof b, 0, 0, 0, 0, 1, &exclusive), 0);
    }
    CHECK_EQ(b, 100);
    CHECK(c > 0 && c <= 100);
    CHECK_EQ(wrong, 0);
#pragma omp depobj(objects[0]) destroy
#pragma omp depobj(exclusive) destroy
    return check_result();
}
