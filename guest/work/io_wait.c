// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK 4096

/* The file lies in memory; the time that a device would take is slept. */
static void transfer(struct work *w, uint64_t at, uint64_t bytes, uint64_t latency)
{
	char buffer[BLOCK] = {0};

	if (w->file < 0)
		w->file = memfd_create("work", MFD_CLOEXEC);
	for (uint64_t done = 0; done < bytes; done += BLOCK) {
		size_t len = bytes - done < BLOCK ? bytes - done : BLOCK;

		if (pwrite(w->file, buffer, len, (off_t)(at + done)) < 0)
			work_sleep(w, 1000000); /* memory.max: do not spin on the error */
	}
	fdatasync(w->file);
	work_sleep(w, latency);
}

void work_step_io_sync(struct work *w, const uint64_t *params)
{
	transfer(w, 0, params[0], params[1]);
}

void work_step_io_rand(struct work *w, const uint64_t *params)
{
	transfer(w, work_random(w) % (params[0] / BLOCK) * BLOCK, BLOCK, params[1]);
}

/* One request at a time, as of a journal: the others queue behind the lock. */
void work_step_io_convoy(struct work *w, const uint64_t *params)
{
	work_lock(w, &w->first->words[1], NULL);
	transfer(w, 0, params[0], params[1]);
	work_unlock(&w->first->words[1]);
	work_burn(params[2]);
}
