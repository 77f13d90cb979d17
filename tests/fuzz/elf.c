/* ELF files as `moirai check` reads them. Required: no read outside the file, and the same answer from a copy that lies
   at another, odd address. */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mo_elf_facts facts = {0}, again = {0};
    char *copy = malloc(size + 1);
    REQUIRE(copy != NULL, "%zu bytes", size);
    memcpy(copy + 1, data, size);
    enum mo_elf_kind kind = mo_elf_look(data, size, &facts);
    REQUIRE(mo_elf_look(copy + 1, size, &again) == kind, "kind %d", kind);
    REQUIRE(kind <= MO_ELF_DYNAMIC, "kind %d", kind);
    if (kind == MO_ELF_DYNAMIC)
        REQUIRE(memcmp(&facts, &again, sizeof facts) == 0, "%d %d", facts.deep_binding, again.deep_binding);
    free(copy);
    return 0;
}
