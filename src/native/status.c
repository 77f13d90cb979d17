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
    default:
        return "not a status of Moirai's";
    }
}
