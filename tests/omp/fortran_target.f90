! Target, teams and the device routines as Fortran emits them.
module target_parts
  use omp_lib
  implicit none
  integer :: failures = 0
contains
  subroutine check(ok, what)
    logical, intent(in) :: ok
    character(*), intent(in) :: what
    if (.not. ok) then
      print '(a)', 'failed: ' // what
      failures = failures + 1
    end if
  end subroutine

  subroutine regions
    integer :: n, i, threads, total, s, a(100)
    character(20) :: text
    n = 5
    text = 'private'
    total = 0
    !$omp target firstprivate(n, text) map(from: a, threads)
    a = n
    n = 6
    text = 'changed'
    threads = omp_get_num_threads() + omp_get_level()
    !$omp end target
    call check(all(a == 5) .and. n == 5 .and. text == 'private', 'firstprivate')
    call check(threads == 1, 'fresh contention group')
    !$omp target data map(tofrom: a)
    !$omp target teams distribute parallel do num_teams(3) map(to: n)
    do i = 1, 100
      a(i) = a(i) + i * n
    end do
    !$omp end target teams distribute parallel do
    !$omp target update from(a)
    !$omp end target data
    call check(all(a == [(5 + 5 * i, i = 1, 100)]), 'target teams distribute parallel do')
    s = 0
    !$omp target teams distribute parallel do simd reduction(+: s) map(tofrom: s)
    do i = 1, 100
      s = s + a(i)
    end do
    call check(s == 500 + 5 * 5050, 'reduction')
    !$omp parallel num_threads(4) private(i) reduction(+: total)
    do i = 1, 50
      !$omp target map(tofrom: total)
      total = total + 1 + omp_get_thread_num()
      !$omp end target
    end do
    !$omp end parallel
    call check(mod(total, 50) == 0 .and. total > 0, 'target in parallel')
  end subroutine

  subroutine chains
    integer :: i, x, wrong, y(1000)
    x = 0
    wrong = 0
    y = 1
    !$omp parallel num_threads(4)
    !$omp single
    do i = 1, 200
      !$omp target nowait depend(inout: x) map(tofrom: x, wrong) firstprivate(i, y)
      if (x /= i - 1 .or. any(y /= 1)) wrong = wrong + 1
      x = i
      y = 2
      !$omp end target
      !$omp target update to(x) nowait depend(inout: x)
    end do
    !$omp end single
    !$omp end parallel
    call check(x == 200 .and. wrong == 0 .and. all(y == 1), 'chain of target tasks')
  end subroutine

  subroutine team_numbers
    integer :: seen(4), teams
    seen = 0
    !$omp teams num_teams(4) shared(seen)
    seen(omp_get_team_num() + 1) = omp_get_num_teams()
    !$omp end teams
    call check(all(seen == 4), 'teams')
    call omp_set_num_teams(2)
    call check(omp_get_max_teams() == 2, 'max teams')
    teams = 0
    !$omp teams reduction(+: teams)
    teams = teams + 1
    !$omp end teams
    call check(teams == 2, 'default number of teams')
    call omp_set_num_teams(0)
    call omp_set_teams_thread_limit(3)
    call check(omp_get_teams_thread_limit() == 3, 'teams thread limit')
    call omp_set_teams_thread_limit(0)
  end subroutine

  subroutine devices
    call check(omp_get_num_devices() == 0, 'number of devices')
    call check(omp_is_initial_device(), 'initial device')
    call check(omp_get_device_num() == omp_get_initial_device(), 'device number')
    call omp_set_default_device(2)
    call check(omp_get_default_device() == 2, 'default device')
    call omp_set_default_device(0)
  end subroutine

  subroutine memory
    use, intrinsic :: iso_c_binding
    type(c_ptr) :: block
    integer, target :: from(6, 5), to(3, 2)
    integer(c_size_t) :: volume(2), to_at(2), from_at(2), to_size(2), from_size(2)
    integer :: i, k
    from = reshape([((10 * i + k, i = 1, 6), k = 1, 5)], [6, 5])
    to = 0
    block = omp_target_alloc(100_c_size_t, omp_get_initial_device())
    call check(c_associated(block), 'omp_target_alloc')
    call check(omp_target_is_present(block, omp_get_initial_device()) /= 0, 'omp_target_is_present')
    call check(omp_target_memcpy(block, c_loc(from), 24_c_size_t, 0_c_size_t, 0_c_size_t, 0, 0) == 0, 'omp_target_memcpy')
    call omp_target_free(block, omp_get_initial_device())
    volume = [2, 3]
    to_at = 0
    from_at = [1, 2]
    to_size = [2, 3]
    from_size = [5, 6]
    call check(omp_target_memcpy_rect(c_loc(to), c_loc(from), 4_c_size_t, 2, volume, to_at, from_at, to_size, from_size, &
                                      0, 0) == 0, 'omp_target_memcpy_rect')
    call check(all(to == from(3:5, 2:3)), 'what it copied')
  end subroutine
end module

program fortran_target
  use target_parts
  implicit none
  call regions
  call chains
  call team_numbers
  call devices
  call memory
  if (failures /= 0) stop 1
end program
