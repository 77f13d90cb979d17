! Both kinds of locks in Fortran, whose variables have sizes of their own: a guard beside each must stay as it is.
program fortran_locks
  use omp_lib
  implicit none
  integer, parameter :: rounds = 500
  integer(omp_lock_kind) :: lock(3)
  integer(omp_nest_lock_kind) :: nest(3)
  integer :: count, nested, i, depth, size

  lock = 12345
  nest = 12345
  call omp_init_lock(lock(2))
  call omp_init_nest_lock(nest(2))
  if (.not. omp_test_lock(lock(2))) call fail('test of a free lock')
  if (omp_test_lock(lock(2))) call fail('test of a held lock')
  call omp_unset_lock(lock(2))

  count = 0
  nested = 0
  size = 0
  !$omp parallel private(i, depth) reduction(+:size)
  size = size + 1
  do i = 1, rounds
    call omp_set_lock(lock(2))
    count = count + 1
    call omp_unset_lock(lock(2))
    call omp_set_nest_lock(nest(2))
    depth = omp_test_nest_lock(nest(2))
    if (depth /= 2) call fail('depth of a nest lock')
    nested = nested + 1
    call omp_unset_nest_lock(nest(2))
    call omp_unset_nest_lock(nest(2))
  end do
  !$omp end parallel
  if (count /= rounds * size .or. nested /= rounds * size) call fail('exclusion')
  call omp_destroy_lock(lock(2))
  call omp_destroy_nest_lock(nest(2))
  if (lock(1) /= 12345 .or. lock(3) /= 12345) call fail('neighbour of a lock')
  if (nest(1) /= 12345 .or. nest(3) /= 12345) call fail('neighbour of a nest lock')

contains

  subroutine fail(what)
    character(*), intent(in) :: what
    write (0, *) 'fortran_locks: wrong: ', what
    stop 1
  end subroutine fail
end program fortran_locks
