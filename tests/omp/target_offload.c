/* OMP_TARGET_OFFLOAD: with `mandatory` a construct or routine for a device that is not there ends the program with one
   line. */
#include <omp.h>
#include <sys/wait.h>
#include "check.h"

static const char *self;

static int construct(const char *what, int device)
{
    int ran = 0;
    if (!strcmp(what, "target")) {
#pragma omp target device(device) map(tofrom : ran)
        ran = 1;
    } else if (!strcmp(what, "default")) {
        omp_set_default_device(device);
#pragma omp target map(tofrom : ran)
        ran = 1;
    } else if (!strcmp(what, "nowait")) {
#pragma omp parallel num_threads(2)
#pragma omp single
#pragma omp target device(device) nowait map(tofrom : ran)
        ran = 1;
    } else if (!strcmp(what, "if")) {
#pragma omp target device(device) if (ran) map(tofrom : ran)
        ran = 1;
    } else if (!strcmp(what, "data")) {
#pragma omp target data device(device) map(to : ran)
        ran = 1;
    } else if (!strcmp(what, "enter")) {
#pragma omp target enter data device(device) map(to : ran)
        ran = 1;
    } else if (!strcmp(what, "update")) {
#pragma omp target update device(device) to(ran)
        ran = 1;
    } else if (!strcmp(what, "alloc")) {
        omp_target_free(omp_target_alloc(10, device), device);
        ran = 1;
    } else if (!strcmp(what, "copy")) {
        int from = 1;
        ran = !omp_target_memcpy(&ran, &from, sizeof ran, 0, 0, omp_get_initial_device(), device) || device;
    }
    return ran;
}

/* The last line of what a run says tells how it ended. */
static int ends_well(const char *policy, const char *what, int device)
{
    char command[1000], line[500], last[500] = "";
    int lines = 0;
    snprintf(command, sizeof command, "OMP_TARGET_OFFLOAD=%s '%s' %s %d 2>&1", policy, self, what, device);
    FILE *pipe = popen(command, "r");
    while (fgets(line, sizeof line, pipe))
        if (strcmp(line, "\n") && ++lines)
            strcpy(last, line);
    int status = pclose(pipe);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && lines == 1 && !strcmp(last, "before after\n"))
        return 1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 || lines != 2 || strcmp(last, "before "))
        return -1;
    return 0;
}

static void expect(const char *policy, const char *what, int device, int well)
{
    int is = ends_well(policy, what, device);
    if (is != well && check_first_lines())
        fprintf(stderr, "%s, %s on device %d: %d, expected %d\n", policy, what, device, is, well);
}

int main(int argc, char **argv)
{
    static const char *const constructs[] = {"target", "default", "nowait", "data", "enter", "update", "alloc", "copy"};
    self = argv[0];
    if (argc > 2) {
        printf("before ");
        if (construct(argv[1], atoi(argv[2])))
            printf("after\n");
        return 0;
    }
    for (unsigned i = 0; i < sizeof constructs / sizeof *constructs; i++) {
        expect("mandatory", constructs[i], 0, 1);
        expect("MANDATORY", constructs[i], 4, 0);
        expect("disabled", constructs[i], 4, 1);
        expect("default", constructs[i], 4, 1);
    }
    expect("mandatory", "if", 4, 1);
    expect("mandatory", "target", -5, 0);
    return check_result();
}
