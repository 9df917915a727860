// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <sys/mman.h>
#include <unistd.h>

/* System calls and copies; there is no disk in the guest to wait for. */
void work_step_io(struct work *w, const uint64_t *params)
{
	char buffer[4096] = {0};

	if (w->file < 0)
		w->file = memfd_create("work", MFD_CLOEXEC);
	for (uint64_t at = 0; at < params[0]; at += sizeof(buffer)) {
		size_t len = params[0] - at < sizeof(buffer) ? params[0] - at : sizeof(buffer);

		if (pwrite(w->file, buffer, len, (off_t)at) < 0 || pread(w->file, buffer, len, (off_t)at) < 0)
			work_sleep(w, 1000000); /* memory.max: do not spin on the error */
	}
}
