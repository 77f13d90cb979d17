#include <stdio.h>
#include <string.h>

#include "base/config.h"
#include "cmd/cmd.h"

static void print_setting(const struct mo_knob_info *info)
{
    printf("%s = %s", info->name, info->value);
    if (info->set_by == NULL)
        printf(" (default)\n");
    else
        printf(" (set by %s)\n", info->set_by);
    printf("    %s\n", info->sentence);
    printf("    Takes %s%s%s.\n", info->expected, info->alternatives != NULL ? "; also read from " : "",
           info->alternatives != NULL ? info->alternatives : "");
}

void mo_cmd_print_settings(void)
{
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        struct mo_knob_info info;
        mo_knob_describe((enum mo_knob)k, &info);
        print_setting(&info);
    }
}

static const char *next_name(const char *names)
{
    const char *comma = strchr(names, ',');
    return comma != NULL ? comma + strlen(", ") : NULL;
}

static void print_row(const struct mo_knob_info *info)
{
    printf("| `%s`", info->name);
    for (const char *name = info->alternatives; name != NULL; name = next_name(name))
        printf(", `%.*s`", (int)strcspn(name, ","), name);
    printf(" | %s | %s | %s |\n", info->expected, info->initial, info->sentence);
}

enum group { OPENMP, KMP, MOIRAI };

static enum group group_of(const char *name)
{
    if (strncmp(name, "MOIRAI_", strlen("MOIRAI_")) == 0)
        return MOIRAI;
    return strncmp(name, "KMP_", strlen("KMP_")) == 0 ? KMP : OPENMP;
}

static void print_group(const char *title, enum group group)
{
    printf("\n## %s\n\n| name | takes | default | meaning |\n|---|---|---|---|\n", title);
    for (unsigned k = 0; k < MO_KNOB_COUNT; k++) {
        struct mo_knob_info info;
        mo_knob_describe((enum mo_knob)k, &info);
        if (group_of(info.name) == group)
            print_row(&info);
    }
}

/* Says nothing of the environment it runs in: the page is the same everywhere. */
void mo_cmd_print_settings_page(void)
{
    puts("# Configuration\n"
         "\n"
         "Settings come from environment variables. They are read at the first use of the runtime, not when it is\n"
         "loaded. Case and white space do not matter. A value that cannot be understood is reported in one line on\n"
         "standard error, and the default is used. Where a setting has several names, the first that is set counts.\n"
         "`moirai info --config` shows what is in force.\n"
         "\n"
         "The names that end in `_ALL` are OpenMP's for the host and all devices. Those for devices alone (`_DEV`,\n"
         "`_DEV_0`) are accepted in their place and have no effect, as there are no devices.\n"
         "\n"
         "This page is printed by `moirai info --config --markdown`.");
    print_group("OpenMP", OPENMP);
    print_group("LLVM and Intel", KMP);
    print_group("Moirai", MOIRAI);
    puts("\nPrivileged programs (set-user-ID and the like) ignore the names that start with `MOIRAI_` or `OMP_TOOL`.");
}
