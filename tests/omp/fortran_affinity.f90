! Places and affinity formats from Fortran: results are filled up with blanks.
program fortran_affinity
  use omp_lib
  implicit none
  character(len=20) :: line
  character(len=3) :: short
  integer :: failures, length, ids(4), place
  failures = 0

  call omp_set_affinity_format('%n of %N   ')
  length = omp_get_affinity_format(line)
  call expect(length == 11 .and. line == '%n of %N', 'format')
  length = omp_get_affinity_format(short)
  call expect(length == 11 .and. short == '%n ', 'format that does not fit')
  line = '####################'
  length = omp_capture_affinity(line, 'x%3ny')
  call expect(length == 5 .and. line == 'x0  y', 'line')
  length = omp_capture_affinity(line, '')
  call expect(length == 9 .and. line == '0 of 1', 'line in the format that is set')
  length = omp_capture_affinity(short, 'abcdef')
  call expect(length == 6 .and. short == 'abc', 'line that does not fit')

  ! Nobody has asked for places here.
  ids = -7
  place = 0
  call expect(omp_get_num_places() == 0, 'no places')
  call expect(omp_get_place_num() == -1, 'no place')
  call expect(omp_get_proc_bind() == omp_proc_bind_false, 'no binding')
  call expect(omp_get_partition_num_places() == 0, 'no partition')
  call expect(omp_get_place_num_procs(place) == 0, 'no place')
  call omp_get_place_proc_ids(place, ids)
  call omp_get_partition_place_nums(ids)
  call expect(all(ids == -7), 'nothing was written')
  call omp_display_env(.false._8)
  if (failures > 0) stop 1

contains

  subroutine expect(ok, what)
    logical, intent(in) :: ok
    character(len=*), intent(in) :: what
    if (ok) return
    failures = failures + 1
    print *, 'wrong: ', what
  end subroutine expect
end program fortran_affinity
