// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest/work/work.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void work_step_fork_exit(struct work *w, const uint64_t *params)
{
	pid_t pid = _Fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work_spin(params[0]);
		_exit(0);
	}
	if (pid < 0) { /* pids.max or memory: try again, slowly */
		work_sleep(w, 1000000);
		return;
	}
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}
