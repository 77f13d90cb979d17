/* Teams, on their own and in target regions: their numbers, limits, ICVs, and how work is spread over them. */
#include <omp.h>
#include <stdint.h>
#include "check.h"

#define N 1000

static int initial_threads;

/* GCC allows only few calls right inside a teams construct, and no tasks; in functions it does not see them. */
static int level(void)
{
    return omp_get_level() + omp_in_parallel();
}

static int thread_limit(void)
{
    return omp_get_thread_limit();
}

static int max_threads(void)
{
    return omp_get_max_threads();
}

static void set_threads(int n)
{
    omp_set_num_threads(n);
}

static void numbers(void)
{
    int seen[5] = {0}, wrong = 0;
#pragma omp teams num_teams(5) shared(seen, wrong)
    {
        wrong += omp_get_num_teams() != 5 || level() != 0;
        seen[omp_get_team_num()]++;
    }
    for (int i = 0; i < 5; i++)
        CHECK_EQ(seen[i], 1);
    CHECK_EQ(wrong, 0);
    CHECK_EQ(omp_get_num_teams(), 1);
    CHECK_EQ(omp_get_team_num(), 0);
#pragma omp target map(tofrom : wrong)
    wrong += omp_get_num_teams() != 1 || omp_get_team_num() != 0;
    CHECK_EQ(wrong, 0);
}

/* Whoever runs below a team is told the team's number. */
static void numbers_below(void)
{
    int seen[3] = {0}, wrong = 0, threads = 0;
    omp_set_max_active_levels(2);
#pragma omp teams num_teams(3) shared(seen, wrong, threads)
    {
        int team = omp_get_team_num();
#pragma omp parallel num_threads(3) reduction(+ : wrong, threads)
        {
            threads++;
            wrong += omp_get_team_num() != team || omp_get_num_teams() != 3 || omp_get_level() != 1;
#pragma omp parallel num_threads(2) reduction(+ : wrong)
            {
                wrong += omp_get_team_num() != team || omp_get_num_teams() != 3 || omp_get_level() != 2;
#pragma omp single
#pragma omp task shared(wrong)
#pragma omp atomic
                wrong += omp_get_team_num() != team;
            }
        }
        seen[team]++;
    }
    omp_set_max_active_levels(1);
    CHECK_EQ(threads, 9);
    CHECK_EQ(wrong, 0);
    CHECK(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
}

static void how_many(void)
{
    int teams = 0;
#pragma omp teams reduction(+ : teams)
    teams++;
    CHECK_EQ(teams, 3);
    omp_set_num_teams(4);
    CHECK_EQ(omp_get_max_teams(), 4);
    teams = 0;
#pragma omp teams reduction(+ : teams)
    teams++;
    CHECK_EQ(teams, 4);
    omp_set_num_teams(-1);
    CHECK_EQ(omp_get_max_teams(), 4);
    teams = 0;
#pragma omp teams num_teams(2) reduction(+ : teams)
    teams++;
    CHECK_EQ(teams, 2);
    omp_set_num_teams(0);
    CHECK_EQ(omp_get_max_teams(), 0);
    teams = 0;
#pragma omp target teams map(tofrom : teams) reduction(+ : teams)
    teams++;
    CHECK_EQ(teams, 1);
    teams = 0;
#pragma omp target teams num_teams(2 : 4) map(tofrom : teams) reduction(+ : teams)
    teams++;
    CHECK(teams >= 2 && teams <= 4);
}

/* The number of teams and their thread limit are the device's: every thread sees the same. */
static void shared_by_threads(void)
{
    int wrong = 0;
#pragma omp parallel num_threads(3) reduction(+ : wrong)
    {
#pragma omp single
        {
            omp_set_num_teams(7);
            omp_set_teams_thread_limit(9);
        }
        wrong += omp_get_max_teams() != 7 || omp_get_teams_thread_limit() != 9;
    }
    omp_set_teams_thread_limit(-1);
    CHECK_EQ(omp_get_teams_thread_limit(), 9);
    omp_set_num_teams(0);
    omp_set_teams_thread_limit(0);
    CHECK_EQ(wrong, 0);
}

static void limits(void)
{
    int limit = 0, size = 0, before = omp_get_thread_limit();
#pragma omp teams num_teams(1) thread_limit(3) shared(limit, size)
    {
        limit = thread_limit();
#pragma omp parallel num_threads(6)
#pragma omp single
        size = omp_get_num_threads();
    }
    CHECK_EQ(limit, 3);
    CHECK_EQ(size, 3);
    CHECK_EQ(omp_get_thread_limit(), before);
    omp_set_teams_thread_limit(2);
#pragma omp teams num_teams(1) shared(limit, size)
    {
        limit = thread_limit();
#pragma omp parallel num_threads(6)
#pragma omp single
        size = omp_get_num_threads();
    }
    omp_set_teams_thread_limit(0);
    CHECK_EQ(limit, 2);
    CHECK_EQ(size, 2);
#pragma omp target teams num_teams(2) thread_limit(3) map(tofrom : limit, size)
    if (omp_get_team_num() == 1) {
        limit = thread_limit();
#pragma omp parallel num_threads(6)
#pragma omp single
        size = omp_get_num_threads();
    }
    CHECK_EQ(limit, 3);
    CHECK_EQ(size, 3);
}

/* A team starts with the ICVs of the task that met the construct. GCC's own runtime lets them travel from team to
   team and out. */
static void settings(void)
{
    int wrong = 0;
    set_threads(5);
#pragma omp teams num_teams(3) shared(wrong)
    {
        wrong += max_threads() != 5;
        set_threads(20 + omp_get_team_num());
        wrong += max_threads() != 20 + omp_get_team_num();
    }
    if (!check_is_reference()) {
        CHECK_EQ(wrong, 0);
        CHECK_EQ(omp_get_max_threads(), 5);
    }
    set_threads(initial_threads);
    wrong = 0;
#pragma omp target teams num_teams(3) map(tofrom : wrong)
    {
        wrong += max_threads() != initial_threads;
        set_threads(20 + omp_get_team_num());
    }
    if (!check_is_reference())
        CHECK_EQ(wrong, 0);
}

static void mark(unsigned char *hit, int i)
{
    __atomic_fetch_add(&hit[i], 1, __ATOMIC_RELAXED);
}

static void expect_once(unsigned char *hit, const char *what)
{
    int wrong = 0;
    for (int i = 0; i < N; i++)
        wrong += hit[i] != 1;
    if (wrong && check_first_lines())
        fprintf(stderr, "%s: %d iterations did not run once\n", what, wrong);
    memset(hit, 0, N);
}

static void distribute(void)
{
    static unsigned char hit[N];
#pragma omp teams distribute num_teams(4)
    for (int i = 0; i < N; i++)
        mark(hit, i);
    expect_once(hit, "teams distribute");
#pragma omp teams distribute num_teams(4) dist_schedule(static, 7)
    for (int i = N - 1; i >= 0; i--)
        mark(hit, i);
    expect_once(hit, "dist_schedule");
#pragma omp teams distribute parallel for num_teams(3) schedule(dynamic, 5)
    for (int i = 0; i < N; i++)
        mark(hit, i);
    expect_once(hit, "teams distribute parallel for");
#pragma omp teams num_teams(3)
#pragma omp distribute parallel for simd num_threads(2) collapse(2)
    for (int i = 0; i < N / 10; i++)
        for (int k = 0; k < 10; k++)
            mark(hit, 10 * i + k);
    expect_once(hit, "distribute parallel for simd");
#pragma omp target teams distribute map(tofrom : hit) num_teams(4)
    for (int i = 0; i < N; i++)
        mark(hit, i);
    expect_once(hit, "target teams distribute");
#pragma omp target teams distribute parallel for map(tofrom : hit) num_teams(4) thread_limit(3) schedule(guided)
    for (int i = 0; i < N; i++)
        mark(hit, i);
    expect_once(hit, "target teams distribute parallel for");
#pragma omp target teams distribute parallel for simd map(tofrom : hit)
    for (int i = 0; i < N; i++)
        mark(hit, i);
    expect_once(hit, "target teams distribute parallel for simd");
#pragma omp target teams loop map(tofrom : hit) num_teams(3)
    for (int i = 0; i < N; i++)
        mark(hit, i);
    expect_once(hit, "target teams loop");
}

static void sums(void)
{
    long sum = 0;
    double last = 0;
#pragma omp teams distribute parallel for num_teams(3) reduction(+ : sum)
    for (int i = 0; i < N; i++)
        sum += i;
    CHECK_EQ(sum, (long)N * (N - 1) / 2);
    sum = 0;
#pragma omp target teams distribute parallel for num_teams(3) reduction(+ : sum) lastprivate(last) map(tofrom : last)
    for (int i = 0; i < N; i++) {
        sum += i;
        last = i;
    }
    CHECK_EQ(sum, (long)N * (N - 1) / 2);
    CHECK_EQ(last, N - 1);
}

/* Each thread of a region may have target regions with teams of its own. */
static void by_all_threads(int rounds)
{
    int wrong = 0;
#pragma omp parallel num_threads(4) reduction(+ : wrong)
    for (int k = 0; k < rounds; k++) {
        int want = 1 + omp_get_thread_num(), teams = 0, bad = 0;
#pragma omp target teams num_teams(want) map(tofrom : teams, bad) firstprivate(want)
        {
            bad += omp_get_num_teams() != want || omp_get_team_num() != teams;
            teams++;
        }
        wrong += bad || teams != want || omp_get_num_teams() != 1;
    }
    CHECK_EQ(wrong, 0);
}

static void count_with_tasks(int *done)
{
    for (int i = 0; i < 100; i++) {
#pragma omp task
#pragma omp atomic
        ++*done;
    }
}

static void tasks_inside(void)
{
    int done = 0;
#pragma omp teams num_teams(3) shared(done)
    {
        count_with_tasks(&done);
#pragma omp parallel num_threads(3)
#pragma omp single
        count_with_tasks(&done);
    }
    CHECK_EQ(done, 600);
}

int main(void)
{
    initial_threads = omp_get_max_threads();
    omp_set_dynamic(0);
    numbers();
    numbers_below();
    how_many();
    shared_by_threads();
    limits();
    settings();
    distribute();
    sums();
    by_all_threads(SCALED(100) + 1);
    tasks_inside();
    return check_result();
}
