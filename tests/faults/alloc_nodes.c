/* Memory on chosen NUMA nodes: a machine that claims to have two, and a sandbox that denies the choice. Exits with 77
   where /sys cannot be covered. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <omp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../omp/alloc.h"
#include "process.h"

#define NODE_FOLDER "/sys/devices/system/node"

/* In a mount namespace of this process, `path` reads `text`. */
static int cover(const char *path, const char *text)
{
    char name[] = "/tmp/moirai-nodes-XXXXXX";
    int file = mkstemp(name);
    int done = file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text) && unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount(name, path, NULL, MS_BIND, NULL) == 0;
    unlink(name);
    close(file);
    return done;
}

/* The system call fails with EPERM from now on. */
static void deny(int number)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int policy_at(void *p)
{
    int mode = -1;
    syscall(SYS_get_mempolicy, &mode, NULL, 0ul, p, (unsigned long)MPOL_F_ADDR);
    return mode;
}

static char *block_of(int partition, size_t bytes)
{
    omp_allocator_handle_t a =
        MAKE(TRAIT(partition, partition), TRAIT(alignment, 64), TRAIT(fallback, omp_atv_null_fb));
    char *p = omp_calloc(1, bytes, a);
    CHECK(all_are(p, bytes, 0) && is_aligned(p, 64));
    fill(p, bytes, 1);
    p = omp_realloc(p, 2 * bytes, a, a);
    CHECK(all_are(p, bytes, 1));
    return p;
}

static int possible(void)
{
    return cover(NODE_FOLDER "/has_memory", "0-1\n") ? 0 : 77;
}

static int on_two_nodes(void)
{
    possible();
    for (size_t bytes = 10000; bytes < 3000000; bytes *= 7) {
        char *interleaved = block_of(omp_atv_interleaved, bytes), *nearest = block_of(omp_atv_nearest, bytes);
        int here = policy_at(nearest);
        CHECK_EQ(policy_at(interleaved), MPOL_INTERLEAVE);
        CHECK_EQ(policy_at(interleaved + bytes), MPOL_INTERLEAVE);
        CHECK(here == MPOL_PREFERRED || here == 5); /* 5: of many */
        CHECK_EQ(policy_at(block_of(omp_atv_environment, bytes)), MPOL_DEFAULT);
        omp_free(interleaved, omp_null_allocator);
        omp_free(nearest, omp_null_allocator);
    }
    CHECK_EQ(policy_at(block_of(omp_atv_interleaved, 100)), MPOL_DEFAULT);
    return check_result();
}

/* The second node is not there in truth, so its half lies where the system likes it, which is told once. */
static int in_halves(void)
{
    possible();
    for (int i = 0; i < 5; i++) {
        char *p = block_of(omp_atv_blocked, 200000);
        int first = policy_at(p), last = policy_at(p + 399999);
        CHECK(first == MPOL_PREFERRED || first == 5);
        CHECK_EQ(last, MPOL_DEFAULT);
        omp_free(p, omp_null_allocator);
    }
    return check_result();
}

static int on_one_node(void)
{
    deny(SYS_mbind);
    for (int how = omp_atv_environment; how <= omp_atv_interleaved; how++)
        omp_free(block_of(how, 100000), omp_null_allocator);
    return check_result();
}

static int denied(void)
{
    possible();
    deny(SYS_mbind);
#pragma omp parallel
    for (int i = 0; i < 5; i++)
        for (int how = omp_atv_nearest; how <= omp_atv_interleaved; how++)
            omp_free(block_of(how, 100000), omp_null_allocator);
    return check_result();
}

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, NODE_FOLDER "/%s", name);
    for (char *slash = strchr(path + sizeof NODE_FOLDER, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* Node 0 is much faster than node 1, so there is memory of high bandwidth, and it is used. */
static int on_fast_node(void)
{
    CHECK(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    CHECK_EQ(mount("none", NODE_FOLDER, "tmpfs", 0, NULL), 0);
    put("has_memory", "0-1\n");
    put("node0/access0/initiators/read_bandwidth", "900000\n");
    put("node1/access0/initiators/read_bandwidth", "100000\n");
    omp_allocator_handle_t a = MAKE_IN(omp_high_bw_mem_space, TRAIT(fallback, omp_atv_null_fb), TRAIT(alignment, 64));
    omp_allocator_handle_t b = MAKE_IN(omp_high_bw_mem_space, TRAIT(partition, omp_atv_interleaved));
    CHECK(a != omp_null_allocator && b != omp_null_allocator);
    const omp_allocator_handle_t preferring[] = {a, omp_high_bw_mem_alloc};
    for (int i = 0; i < 2; i++) {
        char *large = omp_calloc(50, 1000, preferring[i]), *small = omp_alloc(50, preferring[i]);
        CHECK(all_are(large, 50000, 0) && is_aligned(small, 8));
        int policy = policy_at(large);
        CHECK(policy == MPOL_PREFERRED || policy == 5);
        CHECK_EQ(policy_at(small), MPOL_DEFAULT);
        omp_free(large, a);
        omp_free(small, a);
    }
    char *spread = omp_alloc(50000, b);
    CHECK_EQ(policy_at(spread), MPOL_INTERLEAVE);
    omp_free(spread, b);
    return check_result();
}

static void says(int (*body)(void), const char *line)
{
    char said[1000];
    int status = in_child_saying(body, 20, said, sizeof said);
    int right = line ? strstr(said, line) == said && strchr(said, '\n') == strrchr(said, '\n') : said[0] == '\0';
    if (status || !right)
        fprintf(stderr, "status %d, said: %s\n", status, said);
    CHECK(status == 0 && right);
}

int main(void)
{
    says(on_one_node, NULL);
    if (in_child(possible, 20) == 77) {
        puts("/sys cannot be covered here");
        return check_result() ? 1 : 77;
    }
    says(on_two_nodes, NULL);
    says(on_fast_node, NULL);
    says(in_halves, "moirai: cannot choose the NUMA nodes of memory");
    says(denied, "moirai: cannot choose the NUMA nodes of memory (Operation not permitted)");
    return check_result();
}
