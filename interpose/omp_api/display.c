/* Affinity formats and lines, and the display of settings, C and Fortran. Fortran passes the lengths of strings behind
   the arguments; its results are filled up with blanks where C's end with a zero byte. */
#include <string.h>

#include "interpose/omp_api/api.h"

static size_t length_of(const char *format)
{
    return format != NULL ? strlen(format) : 0;
}

/* Room for the text of a result: C's last byte ends it. */
static size_t c_room(size_t size)
{
    return size > 0 ? size - 1 : 0;
}

static size_t end_c(char *buffer, size_t size, size_t wanted)
{
    if (size > 0)
        buffer[wanted < size ? wanted : size - 1] = '\0';
    return wanted;
}

static int32_t end_fortran(char *buffer, size_t size, size_t wanted)
{
    if (wanted < size)
        memset(buffer + wanted, ' ', size - wanted);
    return (int32_t)wanted;
}

MO_EXPORT void omp_set_affinity_format(const char *format)
{
    mo_affinity_set_format(format, strlen(format));
}

MO_EXPORT void omp_set_affinity_format_(const char *format, size_t format_bytes)
{
    mo_affinity_set_format(format, format_bytes);
}

MO_EXPORT size_t omp_get_affinity_format(char *buffer, size_t size)
{
    return end_c(buffer, size, mo_affinity_get_format(buffer, c_room(size)));
}

MO_EXPORT int32_t omp_get_affinity_format_(char *buffer, size_t size)
{
    return end_fortran(buffer, size, mo_affinity_get_format(buffer, size));
}

MO_EXPORT void omp_display_affinity(const char *format)
{
    mo_affinity_display(mo_self(), format, length_of(format));
}

MO_EXPORT void omp_display_affinity_(const char *format, size_t format_bytes)
{
    mo_affinity_display(mo_self(), format, format_bytes);
}

MO_EXPORT size_t omp_capture_affinity(char *buffer, size_t size, const char *format)
{
    return end_c(buffer, size, mo_affinity_capture(mo_self(), format, length_of(format), buffer, c_room(size)));
}

MO_EXPORT int32_t omp_capture_affinity_(char *buffer, const char *format, size_t size, size_t format_bytes)
{
    return end_fortran(buffer, size, mo_affinity_capture(mo_self(), format, format_bytes, buffer, size));
}

/* Set number 0 is what the environment gave. */
MO_EXPORT void omp_display_env(int verbose)
{
    mo_omp_print_settings(mo_icvs_at(0), verbose != 0);
}

MO_EXPORT void omp_display_env_(const int32_t *verbose)
{
    omp_display_env(*verbose != 0);
}

MO_EXPORT void omp_display_env_8_(const int64_t *verbose)
{
    omp_display_env(*verbose != 0);
}

MO_OMP_NAME(omp_display_env)
MO_OMP_NAME(omp_display_env_)
MO_OMP_NAME(omp_display_env_8_)
MO_OMP_NAME(omp_set_affinity_format)
MO_OMP_NAME(omp_set_affinity_format_)
MO_OMP_NAME(omp_get_affinity_format)
MO_OMP_NAME(omp_get_affinity_format_)
MO_OMP_NAME(omp_display_affinity)
MO_OMP_NAME(omp_display_affinity_)
MO_OMP_NAME(omp_capture_affinity)
MO_OMP_NAME(omp_capture_affinity_)

MO_COMPILER_NAME(ompc_set_affinity_format, omp_set_affinity_format)
MO_COMPILER_NAME(ompc_get_affinity_format, omp_get_affinity_format)
MO_COMPILER_NAME(ompc_display_affinity, omp_display_affinity)
MO_COMPILER_NAME(ompc_capture_affinity, omp_capture_affinity)
