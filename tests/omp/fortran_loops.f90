! Work-sharing as gfortran compiles it: loops of both directions and kinds, sections, workshare, ordered, reductions.
program fortran_loops
  use omp_lib
  implicit none
  integer, parameter :: n = 1000
  integer :: failures, i, last, place, order(100), seen(n)
  integer(8) :: k, sum8
  double precision :: a(n), b(n), total
  failures = 0

  seen = 0
  !$omp parallel do schedule(dynamic, 3)
  do i = n, 1, -1
    seen(i) = seen(i) + 1
  end do
  call check(all(seen == 1), 'dynamic downwards')

  seen = 0
  !$omp parallel
  !$omp do schedule(guided)
  do i = 1, n, 2
    seen(i) = seen(i) + 1
  end do
  !$omp end do nowait
  !$omp do schedule(static, 5)
  do i = 2, n, 2
    seen(i) = seen(i) + 1
  end do
  !$omp end do nowait
  !$omp end parallel
  call check(all(seen == 1), 'odd and even')

  sum8 = 0
  !$omp parallel do schedule(runtime) reduction(+:sum8) lastprivate(last)
  do k = 5000000000_8, 5000000999_8
    sum8 = sum8 + k
    last = int(k - 5000000000_8)
  end do
  call check(sum8 == 5000000000000_8 + 499500_8 .and. last == 999, 'runtime, 8 bytes')

  place = 0
  !$omp parallel do ordered schedule(dynamic)
  do i = 1, 100
    !$omp ordered
    place = place + 1
    order(place) = i
    !$omp end ordered
  end do
  call check(all(order == [(i, i = 1, 100)]), 'ordered')

  !$omp parallel workshare
  a = 2
  b = a * 3
  total = sum(b)
  !$omp end parallel workshare
  call check(abs(total - 6 * n) < 0.5, 'workshare')

  last = 0
  !$omp parallel sections reduction(+:last)
  last = last + 1
  !$omp section
  last = last + 10
  !$omp section
  last = last + 100
  !$omp end parallel sections
  call check(last == 111, 'sections')

  !$omp parallel private(i)
  !$omp single
  i = 77
  !$omp end single copyprivate(i)
  if (i /= 77) then
    !$omp critical
    failures = failures + 1
    !$omp end critical
  end if
  !$omp end parallel
  call check(failures == 0, 'copyprivate')
  if (failures > 0) stop 1

contains

  subroutine check(ok, what)
    logical, intent(in) :: ok
    character(*), intent(in) :: what
    if (ok) return
    failures = failures + 1
    write (0, *) 'fortran_loops: wrong: ', what
  end subroutine check
end program fortran_loops
