// SPDX-License-Identifier: Apache-2.0
/*
 * wall-clock.c: a wall clock that is wrong by as many seconds as the file in WALL_CLOCK_FILE
 * says, for the process that has this library preloaded. Monotonic clocks stay right.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *wrong_by;

__attribute__((constructor)) static void map_offset(void)
{
	int file = open(getenv("WALL_CLOCK_FILE"), O_RDONLY | O_CLOEXEC);
	void *at = mmap(0, sizeof(*wrong_by), PROT_READ, MAP_SHARED, file, 0);

	if (at == MAP_FAILED)
		abort();
	wrong_by = at;
	close(file);
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(clock, time);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		time->tv_sec += *wrong_by;
	return result;
}

int gettimeofday(struct timeval *time, void *zone)
{
	int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
	int result = real(time, zone);

	time->tv_sec += *wrong_by;
	return result;
}
