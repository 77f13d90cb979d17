/* The names that Moirai's preload object defines, and whose they are. */
#ifndef MO_CMD_NAMES_H
#define MO_CMD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* Faces that a name can belong to. */
enum mo_face { MO_FACE_NONE, MO_FACE_GOMP, MO_FACE_KMP, MO_FACE_OPENMP, MO_FACE_OPENACC, MO_FACE_PTHREAD };

enum mo_face mo_face_of(const char *name);

struct mo_names {
    char **name; /* sorted */
    size_t count, room;
};

/* What the preload object takes over. False: it cannot be read, as one line on standard error says. */
bool mo_names_read(struct mo_names *names);
void mo_names_add(struct mo_names *names, const char *name);
void mo_names_sort(struct mo_names *names);
bool mo_names_have(const struct mo_names *names, const char *name);
void mo_names_free(struct mo_names *names);

#endif
