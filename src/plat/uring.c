#include "plat/uring.h"

#ifdef MO_URING

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>

/* The system moves no more than this at once; more bytes would not fit into an entry. */
#define BYTES_MAX 0x7ffff000u

/* Without NODROP ends could be lost, without CUR_POS a file's position is not known, without SUBMIT_STABLE a path would
   have to outlive the sending. All came before the kernel 5.7. */
#define FEATURES (IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS | IORING_FEAT_SUBMIT_STABLE)

/* The functions in use; the header has the others inline, and the types of all. */
#define EACH_FUNCTION(use)                                                                                             \
    use(io_uring_queue_init_params) use(io_uring_queue_exit) use(io_uring_submit) use(io_uring_register_probe)

static struct {
    struct io_uring ring;
#define MEMBER(name) __typeof__(&name) name;
    EACH_FUNCTION(MEMBER)
#undef MEMBER
} u;

static bool find_functions(void *library)
{
    bool complete = true;
#define FIND(name)                                                                                                     \
    u.name = (__typeof__(u.name))dlsym(library, #name);                                                                \
    complete = complete && u.name;
    EACH_FUNCTION(FIND)
#undef FIND
    return complete;
}

static bool has_operations(void)
{
    static const uint8_t needed[] = {IORING_OP_READ,  IORING_OP_WRITE, IORING_OP_OPENAT,      IORING_OP_FSYNC,
                                     IORING_OP_CLOSE, IORING_OP_NOP,   IORING_OP_ASYNC_CANCEL};
    enum { OPS = 64 };
    union {
        struct io_uring_probe probe;
        char room[sizeof(struct io_uring_probe) + OPS * sizeof(struct io_uring_probe_op)];
    } p;
    memset(&p, 0, sizeof p);
    if (u.io_uring_register_probe(&u.ring, &p.probe, OPS) < 0)
        return false;
    for (unsigned i = 0; i < sizeof needed; i++)
        if (!io_uring_opcode_supported(&p.probe, needed[i]))
            return false;
    return true;
}

static const char *reason(int err)
{
    switch (err) {
    case EPERM:
    case EACCES:
        return "the system denies io_uring";
    case ENOSYS:
        return "the kernel has no io_uring";
    case ENOMEM:
    case EAGAIN:
        return "no memory for io_uring";
    case EMFILE:
    case ENFILE:
        return "no descriptor for io_uring";
    default:
        return "io_uring cannot be set up";
    }
}

static const char *set_up(void)
{
    struct io_uring_params params = {.flags = IORING_SETUP_CLAMP};
    int err = -u.io_uring_queue_init_params(MO_PLAT_URING_DEPTH, &u.ring, &params);
    if (err)
        return reason(err);
    if ((params.features & FEATURES) == FEATURES && params.cq_entries >= 2 * MO_PLAT_URING_DEPTH && has_operations())
        return NULL;
    u.io_uring_queue_exit(&u.ring);
    return "the kernel's io_uring is too old";
}

/* The library stays open. */
const char *mo_plat_uring_open(int *fd)
{
    int saved = errno;
    void *library = dlopen("liburing.so.2", RTLD_NOW | RTLD_LOCAL);
    const char *why = library && find_functions(library) ? set_up() : "liburing.so.2 is not installed";
    *fd = u.ring.ring_fd;
    errno = saved;
    return why;
}

void mo_plat_uring_close(void)
{
    int saved = errno;
    u.io_uring_queue_exit(&u.ring);
    errno = saved;
}

bool mo_plat_uring_put(const struct mo_plat_uring_call *call, void *owner)
{
    struct io_uring_sqe *e = io_uring_get_sqe(&u.ring);
    unsigned bytes = call->bytes < BYTES_MAX ? call->bytes : BYTES_MAX;
    if (!e)
        return false;
    switch ((enum mo_plat_uring_code)call->code) {
    case MO_URING_READ:
        io_uring_prep_read(e, call->fd, (void *)(uintptr_t)call->memory, bytes, (uint64_t)call->offset);
        break;
    case MO_URING_WRITE:
        io_uring_prep_write(e, call->fd, call->memory, bytes, (uint64_t)call->offset);
        break;
    case MO_URING_OPEN:
        io_uring_prep_openat(e, AT_FDCWD, call->memory, call->fd | O_CLOEXEC, call->bytes);
        /* Not tried at once: the kernel would do that as with O_NONBLOCK, and not wait for the other end of a FIFO. */
        io_uring_sqe_set_flags(e, IOSQE_ASYNC);
        break;
    case MO_URING_SYNC:
        io_uring_prep_fsync(e, call->fd, 0);
        break;
    case MO_URING_CLOSE:
        io_uring_prep_close(e, call->fd);
    }
    io_uring_sqe_set_data(e, owner);
    return true;
}

bool mo_plat_uring_put_cancel(void *owner)
{
    struct io_uring_sqe *e = io_uring_get_sqe(&u.ring);
    if (!e)
        return false;
    io_uring_prep_cancel(e, owner, 0);
    io_uring_sqe_set_data(e, NULL);
    return true;
}

/* What the kernel has not taken is still its own to read, in a later call: so no owner must stay in it. */
unsigned mo_plat_uring_send(void **unsent)
{
    unsigned n = 0;
    int saved = errno, r;
    do
        r = u.io_uring_submit(&u.ring);
    while (r == -EINTR || (r > 0 && io_uring_sq_ready(&u.ring)));
    for (unsigned left = io_uring_sq_ready(&u.ring); left > 0; left--) {
        struct io_uring_sqe *e = &u.ring.sq.sqes[(u.ring.sq.sqe_tail - left) & *u.ring.sq.kring_mask];
        void *owner = (void *)(uintptr_t)e->user_data;
        if (owner)
            unsent[n++] = owner;
        io_uring_prep_nop(e);
        io_uring_sqe_set_data(e, NULL);
    }
    errno = saved;
    return n;
}

unsigned mo_plat_uring_take(struct mo_plat_uring_end *end, unsigned max)
{
    unsigned head, n = 0;
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&u.ring, head, cqe)
    {
        if (n == max)
            break;
        end[n++] = (struct mo_plat_uring_end){.owner = (void *)(uintptr_t)cqe->user_data, .result = cqe->res};
    }
    io_uring_cq_advance(&u.ring, n);
    return n;
}

#else

const char *mo_plat_uring_open(int *fd)
{
    *fd = -1;
    return "built without liburing";
}

void mo_plat_uring_close(void)
{
}

bool mo_plat_uring_put(const struct mo_plat_uring_call *call, void *owner)
{
    (void)call;
    (void)owner;
    return false;
}

bool mo_plat_uring_put_cancel(void *owner)
{
    (void)owner;
    return false;
}

unsigned mo_plat_uring_send(void **unsent)
{
    (void)unsent;
    return 0;
}

unsigned mo_plat_uring_take(struct mo_plat_uring_end *end, unsigned max)
{
    (void)end;
    (void)max;
    return 0;
}

#endif
