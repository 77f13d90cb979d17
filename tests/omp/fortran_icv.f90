! Queries and setters under their Fortran names, with default and with 8-byte arguments.
program fortran_icv
  use omp_lib
  implicit none
  integer :: failures, size, ancestor, chunk
  integer(8) :: wide, wide_chunk
  integer(omp_sched_kind) :: kind
  double precision :: before
  failures = 0

  call check(omp_get_num_threads() == 1, 'num_threads outside')
  call check(omp_get_thread_num() == 0, 'thread_num outside')
  call check(.not. omp_in_parallel(), 'in_parallel outside')
  call check(.not. omp_in_final(), 'in_final outside')
  call check(.not. omp_get_dynamic(), 'dynamic')
  call check(omp_get_num_procs() >= 1, 'num_procs')
  call check(omp_get_thread_limit() > 1000, 'thread_limit')
  call check(omp_get_level() == 0, 'level outside')

  call omp_set_dynamic(.true.)
  call check(omp_get_dynamic(), 'set_dynamic')
  call omp_set_dynamic(.false._8)
  call check(.not. omp_get_dynamic(), 'set_dynamic of 8 bytes')
  call omp_set_num_threads(3)
  call check(omp_get_max_threads() == 3, 'set_num_threads')
  wide = 2
  call omp_set_num_threads(wide)
  call check(omp_get_max_threads() == 2, 'set_num_threads of 8 bytes')
  call omp_set_schedule(omp_sched_guided, 9)
  call omp_get_schedule(kind, chunk)
  call check(kind == omp_sched_guided .and. chunk == 9, 'schedule')
  wide = 4
  call omp_set_schedule(omp_sched_dynamic, wide)
  call omp_get_schedule(kind, wide_chunk)
  call check(kind == omp_sched_dynamic .and. wide_chunk == 4, 'schedule of 8 bytes')
  call omp_set_nested(.true.)
  call check(omp_get_nested(), 'nested')
  call omp_set_max_active_levels(2)
  call check(omp_get_max_active_levels() == 2, 'max_active_levels')

  size = 0
  !$omp parallel num_threads(2) private(ancestor) reduction(+:size)
  ancestor = omp_get_thread_num()
  !$omp parallel num_threads(3) reduction(+:size)
  size = size + 1
  if (omp_get_ancestor_thread_num(1) /= ancestor) size = size + 100
  if (omp_get_team_size(1) /= 2) size = size + 100
  if (omp_get_team_size(2) /= omp_get_num_threads()) size = size + 100
  if (omp_get_team_size(2_8) /= 3) size = size + 100
  if (omp_get_ancestor_thread_num(2_8) /= omp_get_thread_num()) size = size + 100
  if (omp_get_level() /= 2) size = size + 100
  if (omp_get_active_level() /= 2) size = size + 100
  if (.not. omp_in_parallel()) size = size + 100
  !$omp end parallel
  !$omp end parallel
  call check(size == 6, 'nested teams')

  before = omp_get_wtime()
  call check(omp_get_wtime() >= before, 'wtime')
  call check(omp_get_wtick() > 0, 'wtick')
  if (failures > 0) stop 1

contains

  subroutine check(ok, what)
    logical, intent(in) :: ok
    character(*), intent(in) :: what
    if (ok) return
    failures = failures + 1
    write (0, *) 'fortran_icv: wrong: ', what
  end subroutine check
end program fortran_icv
