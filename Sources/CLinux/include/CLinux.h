// The Linux calls that Swift's Glibc overlay does not show: epoll, eventfd, timerfd, inotify, flock, pipe2, scheduling.
// Header only but for the heap. Functions with the prefix `linux_` exist where the C name is variadic, a macro, or does
// not import.
#ifndef PIKETT_CLINUX_H
#define PIKETT_CLINUX_H

// Not _GNU_SOURCE: it changes structs of headers that Swift's Glibc module has already read without it.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

// Enumerators of anonymous or named enums import as types of their own; these are plain numbers.
static const uint32_t linux_epollin = EPOLLIN;
static const uint32_t linux_epollout = EPOLLOUT;
static const uint32_t linux_epollerr = EPOLLERR;
static const uint32_t linux_epollhup = EPOLLHUP;
static const uint32_t linux_epollet = 1u << 31;
static const int32_t linux_epoll_cloexec = EPOLL_CLOEXEC;
static const int32_t linux_eventfd_flags = EFD_CLOEXEC | EFD_NONBLOCK;
static const int32_t linux_eventfd_cloexec = EFD_CLOEXEC;
static const uint32_t linux_in_isdir = IN_ISDIR;
static const uint32_t linux_in_onlydir = IN_ONLYDIR;
static const int32_t linux_timerfd_flags = TFD_CLOEXEC | TFD_NONBLOCK;
static const int32_t linux_inotify_flags = IN_CLOEXEC | IN_NONBLOCK;

/// open(2) is variadic in C; `mode` counts only with O_CREAT.
static inline int linux_open(const char *path, int flags, mode_t mode) {
  return open(path, flags | O_CLOEXEC, mode);
}

/// openat(2), the same way.
static inline int linux_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags | O_CLOEXEC, mode);
}

/// pipe2(2) with O_CLOEXEC, which glibc declares for _GNU_SOURCE only.
static inline int linux_pipe(int ends[2]) { return (int)syscall(SYS_pipe2, ends, O_CLOEXEC); }

/// epoll_ctl(2) with a 64-bit value as the event's data. `op` is EPOLL_CTL_ADD, _MOD or _DEL.
static inline int linux_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t data) {
  struct epoll_event event;
  event.events = events;
  event.data.u64 = data;
  return epoll_ctl(epoll, op, fd, &event);
}

// The calls of the packet path, past glibc's wrappers: in a program with threads each of those costs some 60 instructions
// to be a point where pthread_cancel could end the thread, which nobody calls.
static inline int linux_epoll_wait(int epoll, struct epoll_event *events, int count, int timeout_ms) {
  return (int)syscall(SYS_epoll_pwait, epoll, events, count, timeout_ms, NULL, 8);
}
static inline ssize_t linux_receive(int fd, void *bytes, size_t count, int flags, void *from, socklen_t *from_length) {
  return syscall(SYS_recvfrom, fd, bytes, count, flags, from, from_length);
}
static inline ssize_t linux_send(int fd, const void *bytes, size_t count, const void *to, socklen_t to_length) {
  return syscall(SYS_sendto, fd, bytes, count, 0, to, to_length);
}

/// A clock's time in nanoseconds since its start; clock_gettime(2) cannot fail with the clocks there are.
static inline int64_t linux_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/// The 64-bit data of one returned event (the struct is packed on x86-64, and its union reads awkwardly in Swift).
static inline uint64_t linux_epoll_data(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t linux_epoll_events(const struct epoll_event *event) { return event->events; }

/// A periodic timer (CLOCK_MONOTONIC): first after `first_ns`, then each `period_ns` (0: once); first_ns 0 disarms.
static inline int linux_timerfd_arm(int fd, int64_t first_ns, int64_t period_ns) {
  struct itimerspec spec;
  spec.it_value.tv_sec = first_ns / 1000000000;
  spec.it_value.tv_nsec = first_ns % 1000000000;
  spec.it_interval.tv_sec = period_ns / 1000000000;
  spec.it_interval.tv_nsec = period_ns % 1000000000;
  return timerfd_settime(fd, 0, &spec, NULL);
}

/// Reads and forgets the counter of an eventfd or timerfd; 0 if there was nothing.
static inline uint64_t linux_drain_counter(int fd) {
  uint64_t value = 0;
  ssize_t n;
  do { n = read(fd, &value, sizeof value); } while (n < 0 && errno == EINTR);
  return n == (ssize_t)sizeof value ? value : 0;
}

/// Adds one to an eventfd: wakes who waits on it. Safe from any thread and from a signal handler.
static inline void linux_wake(int fd) {
  uint64_t one = 1;
  ssize_t n;
  do { n = write(fd, &one, sizeof one); } while (n < 0 && errno == EINTR);
}

/// Names the calling thread (15 characters at most are kept), as `top -H` and core dumps show it.
static inline void linux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

/// Asks for SCHED_RR for the calling thread; returns 0 or the errno of the refusal (usual without CAP_SYS_NICE).
static inline int linux_ask_round_robin(int priority) {
  struct sched_param param = {.sched_priority = priority};
  return pthread_setschedparam(pthread_self(), SCHED_RR, &param);
}

/// Lets the calling thread, and what it starts, wait for all others: nice 10, and the disk only while nobody else wants it
/// (ioprio_set(2), IOPRIO_CLASS_IDLE).
static inline void linux_yield_to_others(void) {
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
  syscall(SYS_ioprio_set, 1, 0, 3 << 13);
}

/// syncfs(2): puts all of the file system that `fd` lies on to disk. Returns 0 or -1 with errno.
static inline int linux_syncfs(int fd) { return (int)syscall(SYS_syncfs, fd); }

/// Bytes of the heap that are in use. Not inline, as <malloc.h> brings <stdio.h> along.
uint64_t linux_heap_in_use(void);

/// Gives the heap's free pages back to the system.
void linux_trim_heap(void);

static inline int linux_errno(void) { return errno; }
static inline void linux_set_errno(int value) { errno = value; }

#endif
