#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/names.h"
#include "cmd/object.h"

enum mo_face mo_face_of(const char *name)
{
    static const struct {
        const char *prefix;
        enum mo_face face;
    } known[] = {
        {"GOMP_", MO_FACE_GOMP},        {"__kmpc_", MO_FACE_KMP},  {"kmpc_", MO_FACE_KMP},
        {"kmp_", MO_FACE_KMP},          {"omp_", MO_FACE_OPENMP},  {"ompc_", MO_FACE_OPENMP},
        {"GOACC_", MO_FACE_OPENACC},    {"acc_", MO_FACE_OPENACC}, {"pthread_", MO_FACE_PTHREAD},
        {"sem_", MO_FACE_PTHREAD},      {"mtx_", MO_FACE_PTHREAD}, {"cnd_", MO_FACE_PTHREAD},
        {"call_once", MO_FACE_PTHREAD},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(name, known[i].prefix, strlen(known[i].prefix)) == 0)
            return known[i].face;
    return MO_FACE_NONE;
}

static _Noreturn void out_of_memory(void)
{
    fputs("moirai: out of memory\n", stderr);
    exit(MO_CMD_FAILED_STATUS);
}

void mo_names_add(struct mo_names *names, const char *name)
{
    if (names->count == names->room) {
        names->room = names->room ? 2 * names->room : 64;
        names->name = reallocarray(names->name, names->room, sizeof *names->name);
        if (!names->name)
            out_of_memory();
    }
    names->name[names->count] = strdup(name);
    if (!names->name[names->count++])
        out_of_memory();
}

static void add_if_known(void *names, const char *name)
{
    if (mo_face_of(name) != MO_FACE_NONE)
        mo_names_add(names, name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void mo_names_sort(struct mo_names *names)
{
    if (names->count)
        qsort(names->name, names->count, sizeof *names->name, by_text);
}

bool mo_names_read(struct mo_names *names)
{
    const char *path = mo_cmd_library("libmoirai_preload.so");
    struct mo_object preload;
    *names = (struct mo_names){0};
    if (!path || !mo_object_open(&preload, path))
        return false;
    mo_elf_each(preload.bytes, preload.size, true, add_if_known, names);
    mo_object_close(&preload);
    mo_names_sort(names);
    return true;
}

bool mo_names_have(const struct mo_names *names, const char *name)
{
    return names->count && bsearch(&name, names->name, names->count, sizeof *names->name, by_text) != NULL;
}

void mo_names_free(struct mo_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->name[i]);
    free(names->name);
}
