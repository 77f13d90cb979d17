#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/object.h"

bool mo_object_open(struct mo_object *o, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        fprintf(stderr, "moirai: cannot read %s: %s\n", path, fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0)
            close(fd);
        return false;
    }
    o->size = (size_t)status.st_size;
    o->bytes = o->size > 0 ? mmap(NULL, o->size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    close(fd);
    if (o->bytes == MAP_FAILED) {
        fprintf(stderr, "moirai: %s is not a program or library\n", path);
        return false;
    }
    o->kind = mo_elf_look(o->bytes, o->size, &o->facts);
    return true;
}

void mo_object_close(struct mo_object *o)
{
    munmap(o->bytes, o->size);
}

const char *mo_object_problem(const struct mo_object *o)
{
    static const char *const said[] = {
        [MO_ELF_OTHER] = "is not a program or library",
        [MO_ELF_SCRIPT] = "is a script: check the program that runs it",
        [MO_ELF_FOREIGN] = "is for another machine",
        [MO_ELF_STATIC] = "is statically linked: no preload reaches it",
        [MO_ELF_DYNAMIC] = NULL,
    };
    return said[o->kind];
}

/* As the shell does. */
char *mo_object_find(const char *name)
{
    const char *folders = getenv("PATH");
    if (strchr(name, '/') || !folders)
        return strdup(name);
    for (const char *end; *folders; folders = *end ? end + 1 : end) {
        char *path = NULL;
        end = strchrnul(folders, ':');
        if (asprintf(&path, "%.*s/%s", (int)(end - folders), folders, name) < 0)
            return NULL;
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}
