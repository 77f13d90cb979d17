/* As much of an ELF file as the command looks at: what it needs, imports and defines, and with which flags its code
   opens other objects. The bytes may be anything; all reads are bounded by them. */
#ifndef MO_CMD_ELF_H
#define MO_CMD_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mo_elf_kind {
    MO_ELF_OTHER,   /* no ELF file, or one that is cut off or contradicts itself */
    MO_ELF_SCRIPT,  /* begins with #! */
    MO_ELF_FOREIGN, /* of another machine, or not of 64 bits */
    MO_ELF_STATIC,  /* loads nothing */
    MO_ELF_DYNAMIC,
};

/* OpenMP runtimes that a file can ask for by name. */
enum { MO_ELF_LIBGOMP = 1, MO_ELF_LIBOMP = 2, MO_ELF_LIBIOMP5 = 4 };

struct mo_elf_facts {
    unsigned runtimes; /* bits of the above */
    bool sanitized;    /* imports what only code instrumented by a sanitizer calls */
    bool by_version;   /* imports dlvsym */
    bool opens;        /* imports dlopen or dlmopen */
    bool deep_binding; /* calls one of these with RTLD_DEEPBIND, by the look of its code */
    bool flags_hidden; /* opens, and some call's flags are not plain to see */
};

/* `facts` is written for MO_ELF_DYNAMIC. Allocates nothing. */
enum mo_elf_kind mo_elf_look(const void *bytes, size_t size, struct mo_elf_facts *facts);

/* For a file that mo_elf_look() finds dynamic: the names of the symbols that it defines for others, or those that it
   imports, each once. `name` is good during the call. */
typedef void mo_elf_name(void *arg, const char *name);
void mo_elf_each(const void *bytes, size_t size, bool defined, mo_elf_name *tell, void *arg);
/* The address, from where the file's first part is mapped, of the first symbol that it defines whose name begins so. */
bool mo_elf_find(const void *bytes, size_t size, const char *prefix, uint64_t *value);

#endif
