/* What interop objects tell: nothing, as GOMP_interop makes all of them omp_interop_none. The routines that return
   strings have Fortran forms of their own: a pointer to characters of deferred length comes back through the first two
   arguments; so it is for GCC, not for LLVM. */
#include "interpose/face.h"

#include <string.h>

typedef void *interop;

enum interop_rc {
    IRC_NO_VALUE = 1,
    IRC_SUCCESS = 0,
    IRC_EMPTY = -1,
    IRC_OUT_OF_RANGE = -2,
    IRC_TYPE_INT = -3,
    IRC_TYPE_PTR = -4,
    IRC_TYPE_STR = -5,
    IRC_OTHER = -6
};

/* Of properties -1, -2, ...; those from 0 on would be Moirai's own. */
static const char *const property_names[] = {"fr_id",    "fr_name", "vendor",         "vendor_name", "device_num",
                                             "platform", "device",  "device_context", "targetsync"};

static void set_empty(int *rc)
{
    if (rc)
        *rc = IRC_EMPTY;
}

MO_EXPORT int omp_get_num_interop_properties(interop object)
{
    return 0;
}

MO_EXPORT intptr_t omp_get_interop_int(interop object, int property, int *rc)
{
    set_empty(rc);
    return 0;
}

MO_EXPORT void *omp_get_interop_ptr(interop object, int property, int *rc)
{
    set_empty(rc);
    return NULL;
}

MO_EXPORT const char *omp_get_interop_str(interop object, int property, int *rc)
{
    set_empty(rc);
    return NULL;
}

MO_EXPORT const char *omp_get_interop_name(interop object, int property)
{
    unsigned at = ~(unsigned)property; /* -1 - property */
    return at < sizeof property_names / sizeof *property_names ? property_names[at] : NULL;
}

MO_EXPORT const char *omp_get_interop_type_desc(interop object, int property)
{
    return NULL;
}

MO_EXPORT const char *omp_get_interop_rc_desc(interop object, int rc)
{
    switch (rc) {
    case IRC_NO_VALUE:
        return "the property has no value here";
    case IRC_SUCCESS:
        return "success";
    case IRC_EMPTY:
        return "the interop object is omp_interop_none";
    case IRC_OUT_OF_RANGE:
        return "there is no such property";
    case IRC_TYPE_INT:
        return "the property is an integer: omp_get_interop_int tells it";
    case IRC_TYPE_PTR:
        return "the property is a pointer: omp_get_interop_ptr tells it";
    case IRC_TYPE_STR:
        return "the property is a string: omp_get_interop_str tells it";
    case IRC_OTHER:
        return "some other error";
    default:
        return NULL;
    }
}

static void give(const char **text, size_t *bytes, const char *from)
{
    *text = from;
    *bytes = from ? strlen(from) : 0;
}

MO_EXPORT void omp_get_interop_str_(const char **text, size_t *bytes, interop object, int property, int *rc)
{
    give(text, bytes, omp_get_interop_str(object, property, rc));
}

MO_EXPORT void omp_get_interop_name_(const char **text, size_t *bytes, interop object, int property)
{
    give(text, bytes, omp_get_interop_name(object, property));
}

MO_EXPORT void omp_get_interop_type_desc_(const char **text, size_t *bytes, interop object, int property)
{
    give(text, bytes, omp_get_interop_type_desc(object, property));
}

MO_EXPORT void omp_get_interop_rc_desc_(const char **text, size_t *bytes, interop object, int rc)
{
    give(text, bytes, omp_get_interop_rc_desc(object, rc));
}
MO_OMP_NAME(omp_get_num_interop_properties)
MO_OMP_NAME(omp_get_interop_int)
MO_OMP_NAME(omp_get_interop_ptr)
MO_OMP_NAME(omp_get_interop_str)
MO_OMP_NAME(omp_get_interop_name)
MO_OMP_NAME(omp_get_interop_type_desc)
MO_OMP_NAME(omp_get_interop_rc_desc)
MO_GNU_NAME(omp_get_interop_str_)
MO_GNU_NAME(omp_get_interop_name_)
MO_GNU_NAME(omp_get_interop_type_desc_)
MO_GNU_NAME(omp_get_interop_rc_desc_)

/* In LLVM's runtime the names for Fortran are further names of C's. */
MO_EXPORT int omp_get_num_interop_properties_(interop object)
{
    return omp_get_num_interop_properties(object);
}

MO_EXPORT intptr_t omp_get_interop_int_(interop object, int property, int *rc)
{
    return omp_get_interop_int(object, property, rc);
}

MO_EXPORT void *omp_get_interop_ptr_(interop object, int property, int *rc)
{
    return omp_get_interop_ptr(object, property, rc);
}
MO_LLVM_NAME(omp_get_num_interop_properties_)
MO_LLVM_NAME(omp_get_interop_int_)
MO_LLVM_NAME(omp_get_interop_ptr_)
MO_LLVM_FORM(omp_get_interop_str_, omp_get_interop_str)
MO_LLVM_FORM(omp_get_interop_name_, omp_get_interop_name)
MO_LLVM_FORM(omp_get_interop_type_desc_, omp_get_interop_type_desc)
MO_LLVM_FORM(omp_get_interop_rc_desc_, omp_get_interop_rc_desc)
