/* OMP_DISPLAY_ENV: what the environment made of the ICVs, in the form that GCC's runtime prints and scripts read. The
   further settings come with "verbose", after those. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "omp/core.h"
#include "topo/topo.h"

static const char *truth(bool yes)
{
    return yes ? "TRUE" : "FALSE";
}

static void put(FILE *out, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void put(FILE *out, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(out, "  %s = '", name);
    vfprintf(out, format, args);
    fputs("'\n", out);
    va_end(args);
}

static void put_number(FILE *out, enum mo_knob knob, const char *name)
{
    put(out, name, "%" PRIu64, mo_knob(knob));
}

static void put_threads(FILE *out, const struct mo_icvs *initial)
{
    const struct mo_knob_list *threads = mo_knob_list(MO_KNOB_OMP_NUM_THREADS);
    fprintf(out, "  OMP_NUM_THREADS = '%u", threads->count > 0 ? threads->item[0] : initial->num_threads);
    for (unsigned i = 1; i < threads->count; i++)
        fprintf(out, ",%u", threads->item[i]);
    fputs("'\n", out);
}

/* A chunk of 1 is what goes without saying, but for static. */
static void put_schedule(FILE *out, const struct mo_icvs *initial)
{
    static const char *const kinds[] = {"STATIC", "DYNAMIC", "GUIDED", "AUTO"};
    bool is_static = initial->sched == MO_SCHED_STATIC;
    const char *modifier = initial->monotonic == is_static ? "" : is_static ? "NONMONOTONIC:" : "MONOTONIC:";
    const char *kind = kinds[initial->sched - MO_SCHED_STATIC];
    if (initial->chunk > !is_static)
        put(out, "OMP_SCHEDULE", "%s%s,%u", modifier, kind, initial->chunk);
    else
        put(out, "OMP_SCHEDULE", "%s%s", modifier, kind);
}

static void put_policies(FILE *out)
{
    static const char *const names[] = {"FALSE", "TRUE", "MASTER", "CLOSE", "SPREAD"};
    const struct mo_knob_list *policies = mo_knob_list(MO_KNOB_OMP_PROC_BIND);
    enum mo_bind initial = mo_affinity_initial_policy();
    fprintf(out, "  OMP_PROC_BIND = '%s", names[initial]);
    for (unsigned i = 1; initial != MO_BIND_FALSE && i < policies->count; i++)
        fprintf(out, ",%s", names[policies->item[i]]);
    fputs("'\n", out);
}

/* Runs of CPUs as "first:count". */
struct run {
    FILE *out;
    unsigned first, count;
};

static void put_run(struct run *r)
{
    if (r->count > 1)
        fprintf(r->out, "%u:%u", r->first, r->count);
    else if (r->count > 0)
        fprintf(r->out, "%u", r->first);
}

static void add_cpu(void *run, unsigned index, unsigned cpu)
{
    struct run *r = run;
    if (index > 0 && cpu == r->first + r->count) {
        r->count++;
        return;
    }
    put_run(r);
    if (index > 0)
        fputc(',', r->out);
    r->first = cpu;
    r->count = 1;
}

static void put_places(FILE *out)
{
    unsigned count = mo_affinity_places()->count;
    fputs("  OMP_PLACES = '", out);
    for (unsigned place = 0; place < count; place++) {
        struct run run = {.out = out};
        fputs(place > 0 ? ",{" : "{", out);
        mo_affinity_place_cpus((int)place, add_cpu, &run);
        put_run(&run);
        fputc('}', out);
    }
    fputs("'\n", out);
}

static void put_openmp(FILE *out, const struct mo_icvs *initial)
{
    static const char *const offload[] = {"DEFAULT", "MANDATORY", "DISABLED"};
    put(out, "_OPENMP", "%d", 201511);
    put(out, "OMP_DYNAMIC", "%s", truth(initial->dynamic & MO_DYNAMIC_ICV));
    put(out, "OMP_NESTED", "%s", truth(initial->max_active_levels > 1));
    put_threads(out, initial);
    put_schedule(out, initial);
    put_policies(out);
    put_places(out);
    put_number(out, MO_KNOB_OMP_STACKSIZE, "OMP_STACKSIZE");
    put(out, "OMP_WAIT_POLICY", "%s", mo_knob(MO_KNOB_OMP_WAIT_POLICY) == MO_WAIT_ACTIVE ? "ACTIVE" : "PASSIVE");
    put_number(out, MO_KNOB_OMP_THREAD_LIMIT, "OMP_THREAD_LIMIT");
    put(out, "OMP_MAX_ACTIVE_LEVELS", "%u", initial->max_active_levels);
    put_number(out, MO_KNOB_OMP_NUM_TEAMS, "OMP_NUM_TEAMS");
    put_number(out, MO_KNOB_OMP_TEAMS_THREAD_LIMIT, "OMP_TEAMS_THREAD_LIMIT");
    put(out, "OMP_CANCELLATION", "%s", truth(mo_knob(MO_KNOB_OMP_CANCELLATION)));
    put_number(out, MO_KNOB_OMP_DEFAULT_DEVICE, "OMP_DEFAULT_DEVICE");
    put_number(out, MO_KNOB_OMP_MAX_TASK_PRIORITY, "OMP_MAX_TASK_PRIORITY");
    put(out, "OMP_DISPLAY_AFFINITY", "%s", truth(initial->display_affinity));
    put(out, "OMP_AFFINITY_FORMAT", "%s", mo_knob_text(MO_KNOB_OMP_AFFINITY_FORMAT));
    put(out, "OMP_ALLOCATOR", "%s", mo_knob_text(MO_KNOB_OMP_ALLOCATOR));
    put(out, "OMP_TARGET_OFFLOAD", "%s", offload[mo_knob(MO_KNOB_OMP_TARGET_OFFLOAD)]);
}

static const char *text_or_nothing(enum mo_knob knob)
{
    const char *text = mo_knob_text(knob);
    return text != NULL ? text : "";
}

static void put_others(FILE *out)
{
    put(out, "OMP_TOOL", "%s", mo_knob(MO_KNOB_OMP_TOOL) ? "ENABLED" : "DISABLED");
    put(out, "OMP_TOOL_LIBRARIES", "%s", text_or_nothing(MO_KNOB_OMP_TOOL_LIBRARIES));
    put(out, "OMP_TOOL_VERBOSE_INIT", "%s", text_or_nothing(MO_KNOB_OMP_TOOL_VERBOSE_INIT));
    put(out, "OMP_DEBUG", "%s", mo_knob(MO_KNOB_OMP_DEBUG) ? "ENABLED" : "DISABLED");
    put(out, "GOMP_CPU_AFFINITY", "%s", text_or_nothing(MO_KNOB_GOMP_CPU_AFFINITY));
    put_number(out, MO_KNOB_OMP_STACKSIZE, "GOMP_STACKSIZE");
    if (mo_knob_source(MO_KNOB_GOMP_SPINCOUNT) == MO_SOURCE_ENV)
        put_number(out, MO_KNOB_GOMP_SPINCOUNT, "GOMP_SPINCOUNT");
    else
        put(out, "GOMP_SPINCOUNT", "%s", "");
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        struct mo_knob_info info;
        mo_knob_describe((enum mo_knob)k, &info);
        if (strncmp(info.name, "MOIRAI_", 7) == 0 || strncmp(info.name, "KMP_", 4) == 0)
            put(out, info.name, "%s", info.value);
    }
}

void mo_omp_print_settings(const struct mo_icvs *initial, bool verbose)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) {
        mo_warn_once("out of memory for the display of settings");
        return;
    }
    fputs("\nOPENMP DISPLAY ENVIRONMENT BEGIN\n", out);
    put_openmp(out, initial);
    if (verbose)
        put_others(out);
    fputs("OPENMP DISPLAY ENVIRONMENT END", out);
    if (fclose(out) == 0)
        mo_log_text("", text, bytes);
    free(text);
}
