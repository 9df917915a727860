// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static void nothing(int signal)
{
	(void)signal;
}

/* SIGWINCH: one that comes before the handler is there does no harm. */
void work_step_signal_storm(struct work *w, const uint64_t *params)
{
	if (!w->round)
		signal(SIGWINCH, nothing);
	for (uint64_t i = 0; i < params[0]; i++)
		if (syscall(SYS_tgkill, w->peer->tgid, w->peer->pid, SIGWINCH))
			_exit(0); /* the peer is gone */
	work_burn(params[1]);
}
