/* The CPU quota of control groups.

   /proc/self/cgroup tells the group in each hierarchy, /proc/self/mountinfo where a hierarchy is mounted and which of
   its groups is the mount's root (a container often sees only its own subtree). Every ancestor may set a quota, so all
   are asked, up to the mount point; what lies above it cannot be seen. Version 1 and 2 may be mounted side by side:
   both are asked, the tightest counts. */
#include "topo/topo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topo/lines.h"

#define PATH_BYTES 1024

/* The group of this process in the two kinds of hierarchy that may hold a CPU quota; empty: in none. */
struct groups {
    char v1[PATH_BYTES], v2[PATH_BYTES];
};

/* One line of mountinfo, as far as it matters. */
struct mount {
    char *root, *point, *type, *options;
};

static bool has_item(const char *list, const char *item)
{
    size_t length = strlen(item);
    for (;; list++) {
        size_t span = strcspn(list, ",");
        if (span == length && memcmp(list, item, length) == 0)
            return true;
        list += span;
        if (*list == '\0')
            return false;
    }
}

/* A line is "number:controllers:path"; version 2 has number 0 and no controllers. */
static void note_group(char *line, struct groups *groups)
{
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL)
        return;
    *controllers++ = '\0';
    *path++ = '\0';
    if (*controllers == '\0')
        snprintf(groups->v2, sizeof groups->v2, "%s", path);
    else if (has_item(controllers, "cpu"))
        snprintf(groups->v1, sizeof groups->v1, "%s", path);
}

static bool read_groups(const char *root, struct groups *groups)
{
    char path[PATH_BYTES];
    struct mo_lines lines;
    groups->v1[0] = groups->v2[0] = '\0';
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    if (!mo_lines_open(&lines, path))
        return false;
    for (char *line; (line = mo_lines_next(&lines)) != NULL;)
        note_group(line, groups);
    mo_lines_close(&lines);
    return true;
}

/* mountinfo writes blanks and backslashes as three octal digits. In place. */
static void unescape(char *text)
{
    char *to = text;
    while (*text != '\0') {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] != '\0' && text[3] != '\0') {
            *to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
            text += 4;
        } else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* A line is "id parent device root point options [tag...] - type source options". */
static bool split_mount(char *line, struct mount *mount)
{
    char *field[5], *rest = line;
    for (unsigned i = 0; i < 5; i++)
        if ((field[i] = strsep(&rest, " ")) == NULL)
            return false;
    char *tail = rest != NULL ? strstr(rest, " - ") : NULL;
    if (tail == NULL)
        return false;
    tail += strlen(" - ");
    mount->root = field[3];
    mount->point = field[4];
    mount->type = strsep(&tail, " ");
    strsep(&tail, " ");
    mount->options = tail;
    unescape(mount->root);
    unescape(mount->point);
    return tail != NULL;
}

/* Where below the mount point is `group`? NULL: not there. A root of "/.." and the like is an ancestor of all that this
   process can name, so the mount point itself is the nearest group that is known. */
static const char *below_mount(const char *group, const char *mount_root)
{
    size_t length = strlen(mount_root);
    if (strncmp(mount_root, "/..", 3) == 0)
        return "";
    if (strcmp(mount_root, "/") == 0)
        return group;
    bool inside = strncmp(group, mount_root, length) == 0 && (group[length] == '/' || group[length] == '\0');
    return inside ? group + length : NULL;
}

/* Both in the same unit of time; no quota is a negative one. */
static unsigned whole_cpus(long long quota, long long period)
{
    if (quota < 0 || period <= 0)
        return UINT_MAX;
    long long cpus = quota / period + (quota % period != 0);
    if (cpus < 1)
        return 1;
    return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

static long long read_number(const char *folder, const char *file)
{
    char path[PATH_BYTES], text[64], *end;
    int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (length >= (int)sizeof path || !mo_lines_first(path, text, sizeof text))
        return -1;
    long long number = strtoll(text, &end, 10);
    return end != text ? number : -1;
}

/* cpu.max is "quota period", and "max" for no quota. */
static unsigned quota_v2(const char *folder)
{
    char path[PATH_BYTES], text[64];
    long long quota, period;
    int length = snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (length >= (int)sizeof path || !mo_lines_first(path, text, sizeof text))
        return UINT_MAX;
    return sscanf(text, "%lld %lld", &quota, &period) == 2 ? whole_cpus(quota, period) : UINT_MAX;
}

static unsigned quota_v1(const char *folder)
{
    long long quota = read_number(folder, "cpu.cfs_quota_us");
    return quota < 0 ? UINT_MAX : whole_cpus(quota, read_number(folder, "cpu.cfs_period_us"));
}

/* The tightest quota of a group and its ancestors down to the mount point, `length` bytes of `folder`. */
static unsigned tightest(char *folder, size_t length, unsigned (*quota)(const char *))
{
    unsigned cpus = UINT_MAX;
    for (;;) {
        unsigned here = quota(folder);
        cpus = here < cpus ? here : cpus;
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < length)
            return cpus;
        *slash = '\0';
    }
}

static unsigned mount_quota(const char *root, const struct mount *mount, const struct groups *groups)
{
    bool v2 = strcmp(mount->type, "cgroup2") == 0;
    bool v1 = strcmp(mount->type, "cgroup") == 0 && has_item(mount->options, "cpu");
    const char *group = v2 ? groups->v2 : groups->v1;
    const char *below = (v1 || v2) && group[0] != '\0' ? below_mount(group, mount->root) : NULL;
    if (below == NULL)
        return UINT_MAX;
    if (strcmp(below, "/") == 0)
        below = "";
    char folder[PATH_BYTES];
    int point_length = snprintf(folder, sizeof folder, "%s%s", root, mount->point);
    int length = snprintf(folder, sizeof folder, "%s%s%s", root, mount->point, below);
    if (length >= (int)sizeof folder)
        return UINT_MAX;
    return tightest(folder, (size_t)point_length, v2 ? quota_v2 : quota_v1);
}

unsigned mo_topo_quota_cpus_at(const char *root)
{
    struct groups groups;
    struct mo_lines lines;
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/proc/self/mountinfo", root);
    if (!read_groups(root, &groups) || !mo_lines_open(&lines, path))
        return UINT_MAX;
    unsigned cpus = UINT_MAX;
    struct mount mount;
    for (char *line; (line = mo_lines_next(&lines)) != NULL;) {
        unsigned here = split_mount(line, &mount) ? mount_quota(root, &mount, &groups) : UINT_MAX;
        cpus = here < cpus ? here : cpus;
    }
    mo_lines_close(&lines);
    return cpus;
}

unsigned mo_topo_quota_cpus(void)
{
    return mo_topo_quota_cpus_at("");
}
