#include "native/native.h"

#include "moirai/moirai.h"

#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)

MO_API const char *moirai_version(void)
{
    return TEXT(MOIRAI_VERSION_MAJOR) "." TEXT(MOIRAI_VERSION_MINOR) "." TEXT(MOIRAI_VERSION_PATCH);
}
