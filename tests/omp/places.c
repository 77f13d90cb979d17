/* Places and partitions as the queries tell them. Eight places on one or two CPUs are as good as eight on eight: the
   program starts itself again with lists of places that name a CPU several times. */
#include <omp.h>
#include <stdint.h>
#include "again.h"

#define THREADS_MAX 32

/* CPUs of this process, and eight places on them. */
static int cpu_a, cpu_b;
static char eight[200];

/* Where a thread is: place[first place of its partition + number of places]. */
struct spot {
    int place, first, count;
};

static struct spot here(void)
{
    int nums[64] = {-1};
    omp_get_partition_place_nums(nums);
    return (struct spot){omp_get_place_num(), nums[0], omp_get_partition_num_places()};
}

static void print_spots(const struct spot *spots, int n)
{
    for (int i = 0; i < n; i++)
        printf("%s%d[%d+%d]", i ? " " : "", spots[i].place, spots[i].first, spots[i].count);
    printf("\n");
}

/* A region of `outer` threads; with `inner`, one of so many inside thread `who`. */
static void run(int outer, int who, int inner)
{
    struct spot spots[THREADS_MAX], inside[THREADS_MAX];
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(outer)
    {
        spots[omp_get_thread_num()] = here();
        if (omp_get_thread_num() == who)
#pragma omp parallel num_threads(inner)
            inside[omp_get_thread_num()] = here();
    }
    print_spots(spots, outer);
    if (inner)
        print_spots(inside, inner);
}

static void run_clauses(void)
{
    struct spot spots[3];
    printf("bind %d\n", omp_get_proc_bind());
#pragma omp parallel num_threads(3) proc_bind(spread)
    spots[omp_get_thread_num()] = here();
    print_spots(spots, 3);
#pragma omp parallel num_threads(3) proc_bind(close)
    spots[omp_get_thread_num()] = here();
    print_spots(spots, 3);
#pragma omp parallel num_threads(3) proc_bind(primary)
    spots[omp_get_thread_num()] = here();
    print_spots(spots, 3);
#pragma omp parallel num_threads(3)
    spots[omp_get_thread_num()] = here();
    print_spots(spots, 3);
}

/* The policy of the next region inside, at three levels, with and without a clause. */
static void run_levels(void)
{
    printf("%d", omp_get_proc_bind());
#pragma omp parallel num_threads(1)
    {
        printf(" %d", omp_get_proc_bind());
#pragma omp parallel num_threads(1)
        {
            printf(" %d", omp_get_proc_bind());
#pragma omp parallel num_threads(1) proc_bind(spread)
            printf(" %d", omp_get_proc_bind());
        }
#pragma omp parallel num_threads(1) proc_bind(primary)
        printf(" %d", omp_get_proc_bind());
    }
    printf("\n");
}

/* Fortran's forms of the same, with integers of 4 and 8 bytes. */
int32_t omp_get_place_num_procs_(const int32_t *);
int32_t omp_get_place_num_procs_8_(const int64_t *);
void omp_get_place_proc_ids_(const int32_t *, int32_t *);
void omp_get_place_proc_ids_8_(const int64_t *, int64_t *);
void omp_get_partition_place_nums_(int32_t *);
void omp_get_partition_place_nums_8_(int64_t *);

static void check_fortran(int place, const int *ids, int n)
{
    int32_t place4 = place, ids4[64], nums4[64];
    int64_t place8 = place, ids8[64], nums8[64];
    CHECK_EQ(omp_get_place_num_procs_(&place4), n);
    CHECK_EQ(omp_get_place_num_procs_8_(&place8), n);
    omp_get_place_proc_ids_(&place4, ids4);
    omp_get_place_proc_ids_8_(&place8, ids8);
    for (int i = 0; i < n; i++)
        CHECK(ids4[i] == ids[i] && ids8[i] == ids[i]);
    omp_get_partition_place_nums_(nums4);
    omp_get_partition_place_nums_8_(nums8);
    for (int i = 0; i < omp_get_partition_num_places(); i++)
        CHECK(nums4[i] == i && nums8[i] == i);
}

static void run_list(void)
{
    printf("%d:", omp_get_num_places());
    for (int place = -1; place <= omp_get_num_places(); place++) {
        int ids[64] = {-1}, n = omp_get_place_num_procs(place);
        omp_get_place_proc_ids(place, ids);
        check_fortran(place, ids, n);
        printf(" %d(", n);
        for (int i = 0; i < n; i++)
            printf("%s%d", i ? " " : "", ids[i] == cpu_a ? 0 : ids[i] == cpu_b ? 1 : -1);
        printf(")");
    }
    printf(" at %d procs %d\n", omp_get_place_num(), omp_get_num_procs() == (cpu_a == cpu_b ? 1 : 2));
}

static void find_cpus(void)
{
    again_cpus(&cpu_a, &cpu_b);
    for (int i = 0; i < 8; i++)
        snprintf(eight + strlen(eight), sizeof eight - strlen(eight), "%s{%d}", i ? "," : "", i % 2 ? cpu_b : cpu_a);
}

static void expect(const char *policy, const char *arguments, const char *expected)
{
    char settings[400];
    snprintf(settings, sizeof settings, "OMP_PLACES='%s' %s%s", eight, policy ? "OMP_PROC_BIND=" : "",
             policy ? policy : "");
    again_expect(settings, arguments, expected);
}

static void policies(void)
{
    expect("close", "run 3 -1 0", "0[0+8] 1[0+8] 2[0+8]\n");
    expect("true", "run 3 -1 0", "0[0+8] 1[0+8] 2[0+8]\n");
    expect(NULL, "run 3 -1 0", "0[0+8] 1[0+8] 2[0+8]\n");
    expect("primary", "run 3 -1 0", "0[0+8] 0[0+8] 0[0+8]\n");
    expect("master", "run 2 -1 0", "0[0+8] 0[0+8]\n");
    expect("spread", "run 3 -1 0", "0[0+3] 3[3+3] 6[6+2]\n");
    expect("spread", "run 5 -1 0", "0[0+2] 2[2+2] 4[4+2] 6[6+1] 7[7+1]\n");
    expect("spread", "run 1 -1 0", "0[0+8]\n");
    expect("close", "run 16 -1 0",
           "0[0+8] 0[0+8] 1[0+8] 1[0+8] 2[0+8] 2[0+8] 3[0+8] 3[0+8] 4[0+8] 4[0+8] 5[0+8] 5[0+8] "
           "6[0+8] 6[0+8] 7[0+8] 7[0+8]\n");
    expect("spread", "run 16 -1 0",
           "0[0+1] 0[0+1] 1[1+1] 1[1+1] 2[2+1] 2[2+1] 3[3+1] 3[3+1] 4[4+1] 4[4+1] 5[5+1] 5[5+1] "
           "6[6+1] 6[6+1] 7[7+1] 7[7+1]\n");
    expect("false", "run 3 -1 0", "-1[-1+0] -1[-1+0] -1[-1+0]\n");
}

/* Inner regions begin at the place of their primary thread and stay in its partition. */
static void nesting(void)
{
    expect("close", "run 5 4 6", "0[0+8] 1[0+8] 2[0+8] 3[0+8] 4[0+8]\n4[0+8] 5[0+8] 6[0+8] 7[0+8] 0[0+8] 1[0+8]\n");
    expect("spread,close", "run 2 1 3", "0[0+4] 4[4+4]\n4[4+4] 5[4+4] 6[4+4]\n");
    expect("spread,spread", "run 2 1 3", "0[0+4] 4[4+4]\n4[4+2] 6[6+1] 7[7+1]\n");
    expect("close,spread", "run 5 4 3", "0[0+8] 1[0+8] 2[0+8] 3[0+8] 4[0+8]\n4[3+3] 6[6+2] 0[0+3]\n");
    expect("spread,primary", "run 3 2 2", "0[0+3] 3[3+3] 6[6+2]\n6[6+2] 6[6+2]\n");
    expect("spread,close", "run 3 2 4", "0[0+3] 3[3+3] 6[6+2]\n6[6+2] 6[6+2] 7[6+2] 7[6+2]\n");
}

static void clauses(void)
{
    expect("true", "clauses",
           "bind 1\n0[0+3] 3[3+3] 6[6+2]\n0[0+8] 1[0+8] 2[0+8]\n0[0+8] 0[0+8] 0[0+8]\n"
           "0[0+8] 1[0+8] 2[0+8]\n");
    expect("false", "clauses",
           "bind 0\n-1[-1+0] -1[-1+0] -1[-1+0]\n-1[-1+0] -1[-1+0] -1[-1+0]\n"
           "-1[-1+0] -1[-1+0] -1[-1+0]\n-1[-1+0] -1[-1+0] -1[-1+0]\n");
    again_expect("-u OMP_PROC_BIND", "levels", "0 0 0 0 0\n");
    expect("true", "levels", "1 1 1 4 2\n");
    expect("spread,primary,close", "levels", "4 2 3 4 3\n");
    expect("close", "levels", "3 3 3 4 2\n");
}

static void lists(void)
{
    char settings[300], both[100];
    expect("false", "list", "0: 0() 0() at -1 procs 1\n");
    again_expect("-u OMP_PLACES", "list", "0: 0() 0() at -1 procs 1\n");
    snprintf(settings, sizeof settings, "OMP_PLACES='{%d},{%d,%d}'", cpu_b, cpu_a, cpu_a);
    snprintf(both, sizeof both, "2: 0() 1(%d) 1(0) 0() at 0 procs 1\n", cpu_a != cpu_b);
    again_expect(settings, "list", both);
    if (cpu_a == cpu_b)
        return;
    again_expect("OMP_PROC_BIND=true", "list", "2: 0() 1(0) 1(1) 0() at 0 procs 1\n");
    again_expect("OMP_PLACES=threads", "list", "2: 0() 1(0) 1(1) 0() at 0 procs 1\n");
    again_expect("OMP_PLACES=' THREADS ( 1 )'", "list", "1: 0() 1(0) 0() at 0 procs 1\n");
    again_expect("OMP_PROC_BIND=close OMP_PLACES='sockets(1)'", "list", "1: 0() 2(0 1) 0() at 0 procs 1\n");
    snprintf(settings, sizeof settings, "GOMP_CPU_AFFINITY='%d %d,%d'", cpu_b, cpu_a, cpu_b);
    again_expect(settings, "list", "3: 0() 1(1) 1(0) 1(1) 0() at 0 procs 1\n");
}

int main(int argc, char **argv)
{
    find_cpus();
    if (argc > 1 && !strcmp(argv[1], "run"))
        run(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
    else if (argc > 1 && !strcmp(argv[1], "clauses"))
        run_clauses();
    else if (argc > 1 && !strcmp(argv[1], "levels"))
        run_levels();
    else if (argc > 1)
        run_list();
    if (argc > 1)
        return check_result();
    policies();
    nesting();
    clauses();
    lists();
    return check_result();
}
