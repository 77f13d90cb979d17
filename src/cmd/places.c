/* Names of places in the recorded program, by addr2line of the files that it had mapped. */
#include <elf.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/object.h"
#include "cmd/recording.h"

#define PLACES_MAX 16384
#define BATCH      256

extern char **environ;

struct place {
    uint64_t address, in_file; /* in_file: as addr2line takes it */
    char *object;              /* NULL: not known */
    char *name, *line;
    bool is_call, asked;
};

static struct place places[PLACES_MAX];
static unsigned count;

static struct place *find(uint64_t address)
{
    for (unsigned i = 0; i < count; i++)
        if (places[i].address == address)
            return &places[i];
    return NULL;
}

void mo_place_note(uint64_t address, bool is_call)
{
    if (address && count < PLACES_MAX && !find(address))
        places[count++] = (struct place){.address = address, .is_call = is_call};
}

const char *mo_place_name(uint64_t address)
{
    const struct place *p = find(address);
    return p && p->name ? p->name : "";
}

const char *mo_place_line(uint64_t address)
{
    const struct place *p = find(address);
    return p && p->line ? p->line : "";
}

/* From a place in a file to the address that the file itself gives it. */
static bool to_address(const char *path, uint64_t offset, uint64_t *address)
{
    struct mo_object o;
    bool found = false;
    Elf64_Ehdr head;
    if (access(path, R_OK) != 0 || !mo_object_open(&o, path))
        return false;
    if (o.kind == MO_ELF_DYNAMIC || o.kind == MO_ELF_STATIC) {
        memcpy(&head, o.bytes, sizeof head);
        for (unsigned i = 0; !found && i < head.e_phnum; i++) {
            Elf64_Phdr part;
            size_t at = head.e_phoff + i * sizeof part;
            if (at > o.size || o.size - at < sizeof part)
                break;
            memcpy(&part, (const char *)o.bytes + at, sizeof part);
            found = part.p_type == PT_LOAD && offset >= part.p_offset && offset - part.p_offset < part.p_filesz;
            if (found)
                *address = offset - part.p_offset + part.p_vaddr;
        }
    }
    mo_object_close(&o);
    return found;
}

static void place_all(const struct mo_recording *r)
{
    const struct mo_trace_head *h = r->head;
    size_t bytes = h->maps_at < r->bytes && h->maps_used < r->bytes - h->maps_at ? h->maps_used : 0;
    char *text = strndup((const char *)h + (bytes ? h->maps_at : 0), bytes), *rest = text;
    for (char *line; text && (line = strsep(&rest, "\n"));) {
        unsigned long long first, last, offset;
        char path[4096];
        if (sscanf(line, "%llx-%llx %*s %llx %*s %*s %4095[^\n]", &first, &last, &offset, path) != 4)
            continue;
        for (unsigned i = 0; i < count; i++) {
            struct place *p = &places[i];
            uint64_t code = p->address - p->is_call;
            if (!p->object && code >= first && code < last && to_address(path, code - first + offset, &p->in_file))
                p->object = strdup(path);
        }
    }
    free(text);
}

/* Two lines for each address: the function, and file and line. */
static void ask(const char *object, struct place **batch, unsigned n)
{
    char *argv[BATCH + 6] = {"addr2line", "-f", "-C", "-e", (char *)object}, numbers[BATCH][20], line[4096];
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    for (unsigned i = 0; i < n; i++) {
        snprintf(numbers[i], sizeof numbers[i], "0x%llx", (unsigned long long)batch[i]->in_file);
        argv[5 + i] = numbers[i];
    }
    if (pipe(ends) != 0)
        return;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", 1, 0);
    int err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE *answer = fdopen(ends[0], "r");
    for (unsigned i = 0; !err && answer && i < n; i++) {
        if (!fgets(line, sizeof line, answer))
            break;
        line[strcspn(line, "\n")] = '\0';
        if (strcmp(line, "??") != 0)
            batch[i]->name = strdup(line);
        if (!fgets(line, sizeof line, answer))
            break;
        line[strcspn(line, "\n")] = '\0';
        char *more = strstr(line, " (discriminator");
        if (more)
            *more = '\0';
        if (line[0] != '?')
            batch[i]->line = strdup(line);
    }
    if (answer)
        fclose(answer);
    else
        close(ends[0]);
    while (!err && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    static bool told;
    if (err && !told)
        fprintf(stderr, "moirai: addr2line cannot be run (%s): places have no names\n", strerror(err));
    told = told || err;
}

static void name_rest(struct place *p)
{
    char text[4200] = "";
    const char *slash = p->object ? strrchr(p->object, '/') : NULL;
    if (p->name)
        return;
    if (p->object)
        snprintf(text, sizeof text, "%s+0x%llx", slash ? slash + 1 : p->object, (unsigned long long)p->in_file);
    else
        snprintf(text, sizeof text, "0x%llx", (unsigned long long)p->address);
    p->name = strdup(text);
}

void mo_places_resolve(const struct mo_recording *r)
{
    struct place *batch[BATCH];
    place_all(r);
    for (unsigned i = 0; i < count; i++) {
        unsigned n = 0;
        for (unsigned j = i; places[i].object && !places[i].asked && j < count && n < BATCH; j++)
            if (places[j].object && !places[j].asked && strcmp(places[j].object, places[i].object) == 0)
                (batch[n++] = &places[j])->asked = j != i;
        if (n)
            ask(places[i].object, batch, n);
    }
    for (unsigned i = 0; i < count; i++)
        name_rest(&places[i]);
}
