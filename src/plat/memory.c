/* What can be asked of pages: that they stay in memory, and on which NUMA nodes they lie. The system calls themselves:
   sanitizers turn the C library's mlock() into nothing, and it has no mbind(). */
#include "plat/plat.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

#define PREFER_MANY 5 /* MPOL_PREFERRED_MANY, of Linux 5.15: older headers do not have it */

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL */

void *mo_plat_map_stacks(size_t bytes)
{
    int saved = errno;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p != MAP_FAILED)
        madvise(p, bytes, MADV_NOHUGEPAGE); /* a wish */
    errno = saved;
    return p == MAP_FAILED ? NULL : p;
}

int mo_plat_guard(void *p, size_t bytes)
{
    int saved = errno;
    int err = madvise(p, bytes, GUARD_INSTALL) == 0 ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_deny(void *p, size_t bytes)
{
    int saved = errno;
    int err = mprotect(p, bytes, PROT_NONE) == 0 ? 0 : errno;
    errno = saved;
    return err;
}

void mo_plat_name_stack(void *low, size_t bytes)
{
    (void)low, (void)bytes;
#ifdef VALGRIND_STACK_REGISTER
    VALGRIND_STACK_REGISTER(low, (char *)low + bytes);
#endif
}

int mo_plat_empty(void *p, size_t bytes)
{
    int saved = errno;
    int err = madvise(p, bytes, MADV_DONTNEED) == 0 ? 0 : errno;
    errno = saved;
    return err;
}

size_t mo_plat_page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int mo_plat_pin(void *p, size_t bytes)
{
    int saved = errno;
    int err = syscall(SYS_mlock, p, bytes) == 0 ? 0 : errno;
    errno = saved;
    return err;
}

/* The kernel leaves out the last bit of as many as it is told. */
static int bind_pages(void *p, size_t bytes, int policy, const struct mo_node_mask *nodes)
{
    int saved = errno;
    int err =
        syscall(SYS_mbind, p, bytes, policy, nodes->bits, (unsigned long)MO_PLAT_NODES_MAX + 1, 0u) == 0 ? 0 : errno;
    errno = saved;
    return err;
}

int mo_plat_prefer_nodes(void *p, size_t bytes, const struct mo_node_mask *nodes)
{
    int err = bind_pages(p, bytes, PREFER_MANY, nodes);
    return err == EINVAL ? bind_pages(p, bytes, MPOL_PREFERRED, nodes) : err; /* of the mask, the first node */
}

int mo_plat_interleave_nodes(void *p, size_t bytes, const struct mo_node_mask *nodes)
{
    return bind_pages(p, bytes, MPOL_INTERLEAVE, nodes);
}

/* Asked for a move to nowhere, the kernel says where the page is. */
int mo_plat_node_of(const void *address)
{
    int saved = errno, node = -1;
    void *page = (void *)((uintptr_t)address & ~(uintptr_t)(mo_plat_page_bytes() - 1));
    long failed = syscall(SYS_move_pages, 0, 1ul, &page, NULL, &node, 0);
    errno = saved;
    return failed || node < 0 ? -1 : node;
}
