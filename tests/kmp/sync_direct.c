/* Entry points for sections, for a block of the master between barriers, for nests of loops and for numbers of threads,
   which few compilers emit. */
#include "check.h"
#include "kmp_direct.h"

#include <omp.h>

int32_t __kmpc_sections_init(ident *, int32_t);
int32_t __kmpc_next_section(ident *, int32_t, int32_t);
void __kmpc_end_sections(ident *, int32_t);
int32_t __kmpc_barrier_master(ident *, int32_t);
int32_t __kmpc_barrier_master_nowait(ident *, int32_t);
void __kmpc_end_barrier_master(ident *, int32_t);
void __kmpc_push_num_threads_list(ident *, int32_t, uint32_t, int32_t *);
void __kmpc_push_num_threads_list_strict(ident *, int32_t, uint32_t, int32_t *, int, const char *);
void __kmpc_push_num_threads_strict(ident *, int32_t, int32_t, int, const char *);
void __kmpc_pop_num_threads(ident *, int32_t);
void __kmpc_set_thread_limit(ident *, int32_t, int32_t);
void __kmpc_push_num_teams_51(ident *, int32_t, int32_t, int32_t, int32_t);
void __kmpc_flush(ident *);

struct bounds {
    int32_t type, value_type, comparison, outer;
    uint64_t lb0, lb1, ub0, ub1;
    int64_t step;
    uint64_t trips;
};
enum { UP_TO, DOWN_TO, NOT, BELOW, ABOVE };
enum { U8, S8, U16, S16, U32, S32, U64, S64 };

uint64_t __kmpc_process_loop_nest_rectang(ident *, int32_t, struct bounds *, int32_t);
void __kmpc_calc_original_ivs_rectang(ident *, uint64_t, const struct bounds *, uint64_t *, int32_t);
int32_t __kmpc_for_collapsed_init(ident *, int32_t, struct bounds *, struct bounds *, int32_t, int32_t *);

static void sections(void)
{
    static int ran[20];
    memset(ran, 0, sizeof ran);
#pragma omp parallel
    for (int round = 0; round < 3; round++) {
        if (__kmpc_sections_init(&here, GTID))
            for (int s; (s = __kmpc_next_section(&here, GTID, 20)) < 20;)
                __atomic_fetch_add(&ran[s], 1, __ATOMIC_RELAXED);
        __kmpc_end_sections(&here, GTID);
    }
    for (int s = 0; s < 20; s++)
        CHECK_EQ(ran[s], 3);
}

static void masters(void)
{
    int stage = 0;
#pragma omp parallel
    for (int i = 0; i < 50; i++) {
        if (__kmpc_barrier_master(&here, GTID)) {
            CHECK_EQ(omp_get_thread_num(), 0);
            __atomic_store_n(&stage, 2 * i + 1, __ATOMIC_RELAXED);
            __kmpc_end_barrier_master(&here, GTID);
        }
        __kmpc_flush(&here);
        CHECK_EQ(__atomic_load_n(&stage, __ATOMIC_RELAXED), 2 * i + 1);
        if (__kmpc_barrier_master_nowait(&here, GTID))
            CHECK_EQ(omp_get_thread_num(), 0);
    }
}

static void rectangle(void)
{
    /* for (int i = 5; i < 11; i += 2) for (unsigned char j = 9; j > 2; j -= 3) for (long k = -4; k != 2; k++) */
    struct bounds nest[3] = {
        {S32, S32, BELOW, 0, 5, 0, 11, 0, 2, 0},
        {U32, U8, ABOVE, 0, 9, 0, 2, 0, -3, 0},
        {S64, S64, NOT, 0, (uint64_t)-4, 0, 2, 0, 1, 0},
    };
    CHECK_EQ(__kmpc_process_loop_nest_rectang(&here, GTID, nest, 3), 3 * 3 * 6);
    uint64_t at = 0, v[3];
    for (int i = 5; i < 11; i += 2)
        for (unsigned char j = 9; j > 2; j -= 3)
            for (long k = -4; k != 2; k++) {
                __kmpc_calc_original_ivs_rectang(&here, at++, nest, v, 3);
                CHECK_EQ((int32_t)v[0], i);
                CHECK_EQ((uint8_t)v[1], j);
                CHECK_EQ((int64_t)v[2], k);
            }
    if (check_is_reference())
        return;
    struct bounds none[1] = {{U32, U32, BELOW, 0, 0, 0, 0, 0, 1, 0}};
    CHECK_EQ(__kmpc_process_loop_nest_rectang(&here, GTID, none, 1), 0);
}

/* for (int i = 2; i <= 20; i += 3) for (int j = i; j < 2 * i + 4; j++) for (int k = 0; k > -j; k -= 2). The thread runs
   from its first values to its last in the order of a single one. */
static void triangle(int threads)
{
    static int ran[32][64][64];
    int lasts = 0, chunks = 0;
    memset(ran, 0, sizeof ran);
#pragma omp parallel reduction(+ : lasts, chunks) num_threads(threads)
    {
        struct bounds nest[3] = {
            {S32, S32, UP_TO, 0, 2, 0, 20, 0, 3, 0},
            {S32, S32, BELOW, 0, 0, 1, 4, 2, 1, 0},
            {S32, S32, ABOVE, 1, 0, 0, 0, (uint64_t)-1, -2, 0},
        };
        struct bounds part[3];
        int32_t last = 0;
        if (__kmpc_for_collapsed_init(&here, GTID, nest, part, 3, &last)) {
            int from[3], to[3], on = 0, over = 0;
            for (int d = 0; d < 3; d++) {
                from[d] = (int32_t)part[d].lb0;
                to[d] = (int32_t)part[d].ub0;
            }
            for (int i = 2; i <= 20; i += 3)
                for (int j = i; j < 2 * i + 4; j++)
                    for (int k = 0; k > -j; k -= 2) {
                        on |= i == from[0] && j == from[1] && k == from[2];
                        if (on && !over)
                            __atomic_fetch_add(&ran[i][j][-k], 1, __ATOMIC_RELAXED);
                        over |= i == to[0] && j == to[1] && k == to[2];
                    }
            CHECK(on && over);
            chunks++;
        }
        lasts += last;
    }
    CHECK_EQ(lasts, 1);
    CHECK(chunks >= 1);
    for (int i = 2; i <= 20; i += 3)
        for (int j = i; j < 2 * i + 4; j++)
            for (int k = 0; k > -j; k -= 2)
                CHECK_EQ(ran[i][j][-k], 1);
}

static void numbers_of_threads(void)
{
    int32_t list[3] = {2, 3, 1};
    int seen = 0;
    omp_set_max_active_levels(4);
    for (int round = 0; round < 2; round++) {
        __kmpc_push_num_threads_list(&here, GTID, 3, list);
#pragma omp parallel
#pragma omp parallel
#pragma omp parallel
        {
            CHECK_EQ(omp_get_team_size(1), 2);
            CHECK_EQ(omp_get_team_size(2), 3);
            CHECK_EQ(omp_get_team_size(3), 1);
            __atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
        }
        CHECK_EQ(seen, 6 * (round + 1));
    }
    int before = omp_get_max_threads();
#pragma omp parallel
    CHECK_EQ(omp_get_num_threads(), before);
    __kmpc_push_num_threads_strict(&here, GTID, 3, 2, "never seen");
#pragma omp parallel
    CHECK_EQ(omp_get_num_threads(), 3);
    __kmpc_push_num_threads_list_strict(&here, GTID, 2, list, 1, NULL);
#pragma omp parallel
    {
        CHECK_EQ(omp_get_num_threads(), 2);
        CHECK_EQ(omp_get_max_threads(), 3);
    }
    __kmpc_pop_num_threads(&here, GTID);
    omp_set_max_active_levels(1);
}

static void teams(void)
{
    int count = 0;
    __kmpc_push_num_teams_51(&here, GTID, 2, 4, 3);
#pragma omp teams
    {
        CHECK(omp_get_num_teams() >= 2 && omp_get_num_teams() <= 4);
        CHECK_EQ(omp_get_thread_limit(), 3);
        __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
#pragma omp parallel num_threads(8)
        CHECK(omp_get_num_threads() <= 3);
    }
    CHECK(count >= 2 && count <= 4);
#pragma omp teams
    CHECK_EQ(omp_get_num_teams(), 1);
}

int main(void)
{
    CHECK_EQ(GTID, 0);
    if (omp_get_max_threads() > 1 || !check_is_reference())
        sections();
    masters();
    rectangle();
    if (!check_is_reference())
        for (int threads = 1; threads < 10; threads++)
            triangle(threads);
    numbers_of_threads();
    teams();
    return check_result();
}
