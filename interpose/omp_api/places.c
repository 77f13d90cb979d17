/* omp_get_proc_bind and the queries about places and partitions. */
#include "interpose/omp_api/api.h"

static struct mo_spot spot(void)
{
    return mo_affinity_spot(mo_self());
}

GETTER(omp_get_proc_bind, mo_icvs_of(mo_self())->bind)
GETTER(omp_get_num_places, (int)mo_affinity_places()->count)
GETTER(omp_get_place_num, (int)spot().place - 1)
GETTER(omp_get_partition_num_places, spot().count)

MO_EXPORT int omp_get_place_num_procs(int place)
{
    return (int)mo_affinity_place_cpus(place, NULL, NULL);
}
FORTRAN_INDEX_GETTER(omp_get_place_num_procs)

static void put_id(void *ids, unsigned index, unsigned cpu)
{
    ((int32_t *)ids)[index] = (int32_t)cpu;
}

static void put_long_id(void *ids, unsigned index, unsigned cpu)
{
    ((int64_t *)ids)[index] = cpu;
}

MO_EXPORT void omp_get_place_proc_ids(int place, int *ids)
{
    mo_affinity_place_cpus(place, put_id, ids);
}

MO_EXPORT void omp_get_place_proc_ids_(const int32_t *place, int32_t *ids)
{
    omp_get_place_proc_ids(*place, ids);
}

MO_EXPORT void omp_get_place_proc_ids_8_(const int64_t *place, int64_t *ids)
{
    mo_affinity_place_cpus(saturate(*place), put_long_id, ids);
}
MO_OMP_NAME(omp_get_place_proc_ids)
MO_OMP_NAME(omp_get_place_proc_ids_)
MO_OMP_NAME(omp_get_place_proc_ids_8_)

MO_EXPORT void omp_get_partition_place_nums(int *nums)
{
    struct mo_spot s = spot();
    for (int i = 0; i < s.count; i++)
        nums[i] = s.first + i;
}

MO_EXPORT void omp_get_partition_place_nums_(int32_t *nums)
{
    omp_get_partition_place_nums(nums);
}

MO_EXPORT void omp_get_partition_place_nums_8_(int64_t *nums)
{
    struct mo_spot s = spot();
    for (int i = 0; i < s.count; i++)
        nums[i] = s.first + i;
}
MO_OMP_NAME(omp_get_partition_place_nums)
MO_OMP_NAME(omp_get_partition_place_nums_)
MO_OMP_NAME(omp_get_partition_place_nums_8_)
