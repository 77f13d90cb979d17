/* A program or library as the command looks at it: a file that is mapped for reading. */
#ifndef MO_CMD_OBJECT_H
#define MO_CMD_OBJECT_H

#include "cmd/elf.h"

struct mo_object {
    void *bytes;
    size_t size;
    enum mo_elf_kind kind;
    struct mo_elf_facts facts; /* of a dynamic one */
};

/* False: it cannot be read, and one line on standard error says why. */
bool mo_object_open(struct mo_object *o, const char *path);
void mo_object_close(struct mo_object *o);

/* Why no preload takes part in it, as the rest of a sentence that begins with its path; NULL: one does. */
const char *mo_object_problem(const struct mo_object *o);

/* The path of a command, for the caller to free; NULL: it is nowhere. */
char *mo_object_find(const char *name);

#endif
