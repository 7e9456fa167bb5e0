/* A clock that a test can set. Loaded before a process, it shifts what the process is told of the time of day by as
 * many milliseconds as a file says, which is read anew each time. How much time passes is told as it is. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_ms;

__attribute__((constructor)) static void find_shift(void) {
    const char *path = getenv("CLOCK_SHIFT");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) {
        return;
    }
    void *page = mmap(NULL, sizeof *shift_ms, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (page != MAP_FAILED) {
        shift_ms = page;
    }
}

int clock_gettime(clockid_t id, struct timespec *time) {
    int result = (int)syscall(SYS_clock_gettime, id, time);
    if (result == 0 && shift_ms != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        int64_t shift = *shift_ms;
        int64_t ns = time->tv_nsec + shift % 1000 * 1000000;
        int64_t carry = ns < 0 ? -1 : ns / 1000000000;
        time->tv_sec += shift / 1000 + carry;
        time->tv_nsec = ns - carry * 1000000000;
    }
    return result;
}
