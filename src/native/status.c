#include "native/native.h"

#include "moirai/status.h"

#include <errno.h>

int mo_native_status_of_error(int err)
{
    switch (err) {
    case EBUSY:
        return MOIRAI_EBUSY;
    case ETIMEDOUT:
        return MOIRAI_ETIMEDOUT;
    case EPERM:
        return MOIRAI_EPERM;
    case EOVERFLOW:
        return MOIRAI_EOVERFLOW;
    case ENOMEM:
        return MOIRAI_ENOMEM;
    case EAGAIN:
        return MOIRAI_EAGAIN;
    case ECANCELED:
        return MOIRAI_ECANCELED;
    case ESHUTDOWN:
        return MOIRAI_ESHUTDOWN;
    case EDEADLK:
        return MOIRAI_EDEADLOCK;
    case ESTALE:
    case ESRCH:
        return MOIRAI_ESTALE;
    case EALREADY:
        return MOIRAI_EALREADY;
    case EACCES:
    case EROFS:
        return MOIRAI_EACCES;
    case EMFILE:
    case ENFILE:
        return MOIRAI_ENOFD;
    case EPIPE:
        return MOIRAI_ECLOSED;
    default:
        return MOIRAI_EINVAL;
    }
}

MO_API const char *moirai_status_text(int status)
{
    switch (status) {
    case MOIRAI_OK:
        return "done";
    case MOIRAI_LAST:
        return "done, as the last one";
    case MOIRAI_EBUSY:
        return "in use by others";
    case MOIRAI_ETIMEDOUT:
        return "the deadline came first";
    case MOIRAI_EINVAL:
        return "an argument is not what this call takes";
    case MOIRAI_EPERM:
        return "nobody has what is given up";
    case MOIRAI_EOVERFLOW:
        return "a count is at its largest value";
    case MOIRAI_ENOMEM:
        return "memory is exhausted";
    case MOIRAI_EAGAIN:
        return "there is no thread for this now";
    case MOIRAI_ECANCELED:
        return "cancelled before it began";
    case MOIRAI_EFAILED:
        return "failed";
    case MOIRAI_ESHUTDOWN:
        return "the executor takes no more";
    case MOIRAI_EDEADLOCK:
        return "the caller would wait for itself";
    case MOIRAI_ESTALE:
        return "a handle that is used up, or a number that nothing has";
    case MOIRAI_EALREADY:
        return "that has been done, or is over";
    case MOIRAI_ECLOSED:
        return "the other side has closed it";
    case MOIRAI_EPEER:
        return "the process on the other side is dead";
    case MOIRAI_EBROKEN:
        return "shared memory holds what must not be there";
    case MOIRAI_EACCES:
        return "the system does not let the caller";
    case MOIRAI_ENOFD:
        return "no descriptors are left";
    case MOIRAI_EIO:
        return "the system could not, for a reason that it gives";
    default:
        return "not a status of Moirai's";
    }
}
