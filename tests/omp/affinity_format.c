/* Lines about where threads are: by call, and by regions under OMP_DISPLAY_AFFINITY. */
#include <omp.h>
#include <pthread.h>
#include "again.h"

static void formats_are_kept(void)
{
    char buffer[64], format[] = "%n of %N";
    omp_set_affinity_format(format);
    memset(format, '!', sizeof format - 1);
    CHECK_EQ(omp_get_affinity_format(NULL, 0), 8);
    CHECK_EQ(omp_get_affinity_format(buffer, sizeof buffer), 8);
    CHECK(!strcmp(buffer, "%n of %N"));
    memset(buffer, '#', sizeof buffer);
    CHECK_EQ(omp_get_affinity_format(buffer, 4), 8);
    CHECK(!memcmp(buffer, "%n \0#", 5));
    CHECK_EQ(omp_get_affinity_format(buffer, 1), 8);
    CHECK_EQ(buffer[0], 0);
}

static void captures(void)
{
    char line[200], expected[200];
    omp_set_affinity_format("%{thread_num}/%{num_threads}");
    CHECK_EQ(omp_capture_affinity(line, sizeof line, NULL), 3);
    CHECK(!strcmp(line, "0/1"));
    CHECK_EQ(omp_capture_affinity(line, sizeof line, ""), 3);
    CHECK_EQ(omp_capture_affinity(line, 2, "%0.5n"), 5);
    CHECK(!strcmp(line, "0"));
    CHECK_EQ(omp_capture_affinity(NULL, 0, "%40n"), 40);
    snprintf(expected, sizeof expected, "%ld|0x%lx|0|1|-1|0", (long)getpid(), (unsigned long)pthread_self());
    omp_capture_affinity(line, sizeof line, "%P|%i|%t|%T|%a|%L");
    CHECK(!strcmp(line, expected));
    gethostname(expected, sizeof expected);
    omp_capture_affinity(line, sizeof line, "%H");
    CHECK(!strcmp(line, expected));
}

/* A list of CPUs as the kernel writes it. */
static void affinity_is_the_mask(void)
{
    char line[8192], status[8192];
    FILE *file = fopen("/proc/thread-self/status", "r");
    omp_capture_affinity(line, sizeof line, "Cpus_allowed_list:\t%A\n");
    while (file && fgets(status, sizeof status, file))
        if (!strncmp(status, "Cpus_allowed_list", 17))
            CHECK(!strcmp(line, status));
    if (file)
        fclose(file);
}

static void inside(void)
{
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(3)
    {
        char line[100], expected[100];
        snprintf(expected, sizeof expected, "1 %d 3 0", omp_get_thread_num());
        omp_capture_affinity(line, sizeof line, "%L %n %N %a");
        CHECK(!strcmp(line, expected));
        int outer = omp_get_thread_num();
#pragma omp parallel num_threads(2)
        {
            char inner_line[100], inner_expected[100];
            snprintf(inner_expected, sizeof inner_expected, "2 %d 2 %d", omp_get_thread_num(), outer);
            omp_capture_affinity(inner_line, sizeof inner_line, "%L %n %N %a");
            CHECK(!strcmp(inner_line, inner_expected));
        }
    }
}

/* Keeps the compiler from leaving out an empty region. */
static void nothing(void)
{
    __asm__ volatile("");
}

static void region(int threads)
{
    fprintf(stderr, "%d:", threads);
#pragma omp parallel num_threads(threads)
    nothing();
    fprintf(stderr, ".\n");
}

static void run_regions(void)
{
    region(1);
    region(2);
    region(2);
    region(4);
    region(4);
    region(1);
    region(4);
}

static void run_policies(void)
{
    fprintf(stderr, "close:");
#pragma omp parallel num_threads(2) proc_bind(close)
    nothing();
    fprintf(stderr, "again:");
#pragma omp parallel num_threads(2) proc_bind(close)
    nothing();
    fprintf(stderr, "primary:");
#pragma omp parallel num_threads(2) proc_bind(primary)
    nothing();
    fprintf(stderr, ".\n");
}

static void run_calls(void)
{
    omp_display_affinity(NULL);
    omp_display_affinity("");
    omp_display_affinity("%%%0.9N");
    omp_set_affinity_format("%L");
    omp_display_affinity(NULL);
}

static void regions_print_changes(void)
{
    int a, b;
    char settings[200], expected[200];
    again_cpus(&a, &b);
    again_expect("OMP_DISPLAY_AFFINITY=true OMP_AFFINITY_FORMAT='%L %n %N;'", "regions",
                 "1:.\n2:1 0 2;\n1 1 2;\n.\n2:.\n4:1 0 4;\n1 1 4;\n1 2 4;\n1 3 4;\n.\n4:.\n1:.\n4:.\n");
    again_expect("OMP_DISPLAY_AFFINITY=false", "regions", "1:.\n2:.\n2:.\n4:.\n4:.\n1:.\n4:.\n");
    snprintf(settings, sizeof settings,
             "OMP_DISPLAY_AFFINITY=true OMP_AFFINITY_FORMAT='%%n %%A;' OMP_PLACES='{%d},{%d}'", a, b);
    snprintf(expected, sizeof expected, "close:0 %d;\n1 %d;\nagain:primary:0 %d;\n1 %d;\n.\n", a, b, a, a);
    again_expect(settings, "policies", expected);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        if (!strcmp(argv[1], "regions"))
            run_regions();
        else if (!strcmp(argv[1], "policies"))
            run_policies();
        else
            run_calls();
        return 0;
    }
    formats_are_kept();
    captures();
    affinity_is_the_mask();
    inside();
    again_expect("OMP_AFFINITY_FORMAT='all of %N'", "calls", "all of 1\nall of 1\n%000000001\n0\n");
    regions_print_changes();
    return check_result();
}
