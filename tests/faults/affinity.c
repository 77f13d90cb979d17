/* Without OMP_NUM_THREADS there are as many threads as processors in the affinity mask, at the time of first use. */
#include <omp.h>
#include <sched.h>
#include "../omp/check.h"
#include "process.h"

static void pin_to_first_of(const cpu_set_t *mask, int count)
{
    cpu_set_t fewer;
    CPU_ZERO(&fewer);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&fewer) < count; cpu++)
        if (CPU_ISSET(cpu, mask))
            CPU_SET(cpu, &fewer);
    CHECK_EQ(sched_setaffinity(0, sizeof fewer, &fewer), 0);
}

int main(int argc, char **argv)
{
    cpu_set_t mask;
    sched_getaffinity(0, sizeof mask, &mask);
    if (argc > 1) {
        int size = 0, wanted = atoi(argv[1]);
#pragma omp parallel reduction(+ : size)
        size += 1;
        CHECK_EQ(size, wanted);
        CHECK_EQ(omp_get_max_threads(), wanted);
        CHECK_EQ(omp_get_num_procs(), wanted);
        return check_result();
    }
    unsetenv("OMP_NUM_THREADS");
    for (int count = 1; count <= CPU_COUNT(&mask); count++) {
        int status = -1;
        pid_t child = fork();
        if (child == 0) {
            char number[12];
            snprintf(number, sizeof number, "%d", count);
            pin_to_first_of(&mask, count);
            execl(argv[0], argv[0], number, (char *)NULL);
            _exit(3);
        }
        waitpid(child, &status, 0);
        CHECK_EQ(status, 0);
    }
    return check_result();
}
